package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	"golang.org/x/sys/unix"
)

const versionAnswer = `[ "$CNI_COMMAND" = VERSION ] && { echo '{"cniVersion":"1.1.0","supportedVersions":["0.4.0","1.0.0","1.1.0"]}'; exit 0; }` + "\n"

// fault is one way in which a plugin fails.
type fault struct {
	name   string
	plugin string // the program's text; "" for none
	mode   os.FileMode
	reason string
	msg    string // how the CNI error begins, behind the plugin's place
	fix    string // what the CNI error's fix has in it; "" for whatever
}

var faults = []fault{
	{"missing", "", 0, "PluginNotFound", "no such program in /opt/faults", ""},
	{"no execute permission", "#!/bin/sh\n", 0o644, "PluginNotExecutable", "/opt/faults/sick has no execute permission (-rw-r--r--)", ""},
	{"another CPU", foreignELF(), 0o755, "PluginNotExecutable", "/opt/faults/sick is built for s390x, this node is ", ""},
	{"interpreter missing", "#!/no/such/interpreter -x\n", 0o755, "PluginNotExecutable", `/opt/faults/sick is a script, and its interpreter "/no/such/interpreter" is missing`, ""},
	{"neither program nor script", "hello\n", 0o755, "PluginNotExecutable", "/opt/faults/sick is neither a program nor a script with a #! line", ""},
	{"empty", "\x00", 0o755, "PluginNotExecutable", "/opt/faults/sick is neither a program", ""},
	{"a directory in its place", "dir", 0, "PluginNotFound", "/opt/faults/sick is a directory, no program", ""},
	{"says nothing, succeeds", "#!/bin/sh\n" + versionAnswer + "exit 0\n", 0o755, "InvalidPluginOutput", "reported success and printed no result", ""},
	{"says nothing, fails", "#!/bin/sh\n" + versionAnswer + "exit 3\n", 0o755, "InvalidPluginOutput", "exit status 3 without a word", ""},
	{"garbage, succeeds", "#!/bin/sh\n" + versionAnswer + "echo starting up\n", 0o755, "InvalidPluginOutput", `reported success, and what it printed is no JSON: "starting up"`, ""},
	{"garbage, fails", "#!/bin/sh\n" + versionAnswer + "echo starting up; echo dead socket >&2; exit 1\n", 0o755, "InvalidPluginOutput", `exit status 1, and what it printed is no CNI error: "starting up\n": dead socket`, ""},
	{"two documents", "#!/bin/sh\n" + versionAnswer + `echo '{"cniVersion":"1.0.0"}'; echo '{"code":8}'` + "\n", 0o755, "InvalidPluginOutput", "reported success and printed something after its result", ""},
	{"unknown version in the result", "#!/bin/sh\n" + versionAnswer + `echo '{"cniVersion":"7.0.0"}'` + "\n", 0o755, "VersionIncompatible", `its result cannot be used: unsupported CNI result version "7.0.0"`, ""},
	{"result that crashes runtimes", "#!/bin/sh\n" + versionAnswer + `echo '{"cniVersion":"1.0.0","interfaces":[{"name":"eth0"}],"ips":[{"address":"10.0.0.2/24","interface":1}]}'` + "\n", 0o755, "InvalidPluginOutput", "its result has address 0 on interface 1 of 1, which crashes runtimes", ""},
	{"killed", "#!/bin/sh\n" + versionAnswer + "kill -KILL $$\n", 0o755, "PluginKilled", "killed by signal 9 (killed)", ""},
	{"crashed", "#!/bin/sh\n" + versionAnswer + "printf 'panic: nil map\\n\\ngoroutine 1 [running]:\\nmain.main()\\n' >&2; exit 2\n", 0o755, "PluginCrashed", "exit status 2: panic: nil map", ""},
	{"10 MB of stderr", "#!/bin/sh\n" + versionAnswer + "head -c 10485760 /dev/zero | tr '\\0' x >&2; printf '\\nthe last word\\n' >&2; exit 1\n", 0o755, "Unclassified", "exit status 1: the last word", ""},
	{"refuses the version", "#!/bin/sh\n" + versionAnswer + `echo '{"code":1,"msg":"incompatible CNI versions","details":"config is \"1.0.0\""}'; exit 1` + "\n", 0o755, "VersionIncompatible", "incompatible CNI versions", ""},
	{"its own error", "#!/bin/sh\n" + versionAnswer + `printf %s '{"code":142,"msg":"first\nsecond","details":"token=abcdefgh"}'; exit 1` + "\n", 0o755, "Unclassified", "first second", ""},
	{"10 MB of stdout, succeeds", "#!/bin/sh\n" + versionAnswer + "head -c 10485760 /dev/zero; exit 0\n", 0o755, "InvalidPluginOutput", "printed more than 4 MiB on stdout", "stdout is for its result alone"},
	{"10 MB of stdout, ends by it", "#!/bin/sh\n" + versionAnswer + "exec head -c 10485760 /dev/zero\n", 0o755, "InvalidPluginOutput", "printed more than 4 MiB on stdout", "stdout is for its result alone"},
	{"10 MB of stdout, says so", "#!/bin/sh\n" + versionAnswer + "head -c 10485760 /dev/zero; echo out of memory >&2; exit 1\n", 0o755, "InvalidPluginOutput", "printed more than 4 MiB on stdout", "stdout is for its result alone"},
	{"10 MB of stdout, aborts", "#!/bin/sh\n" + versionAnswer + "head -c 10485760 /dev/zero; kill -ABRT $$\n", 0o755, "InvalidPluginOutput", "printed more than 4 MiB on stdout", "stdout is for its result alone"},
	{"an error and much behind it", "#!/bin/sh\n" + versionAnswer + `echo '{"code":142,"msg":"no such pool"}'; head -c 10485760 /dev/zero | tr '\0' ' '; exit 1` + "\n", 0o755, "Unclassified", "no such pool", ""},
	{"a broken pipe of its own", "#!/bin/sh\n" + versionAnswer + "kill -PIPE $$\n", 0o755, "PluginKilled", "killed by signal 13 (broken pipe)", "whose reader was gone"},
	{"terminated", "#!/bin/sh\n" + versionAnswer + "kill -TERM $$\n", 0o755, "PluginKilled", "killed by signal 15 (terminated)", "find who sent signal 15"},
	{"Windows line ends", "#!/bin/sh\r\nexit 0\r\n", 0o755, "PluginNotExecutable", `/opt/faults/sick is a script whose lines end as on Windows (CR LF), so that its interpreter is "/bin/sh\r"`, `sed -i 's/\r$//' /opt/faults/sick`},
	{"Windows line ends, an option", "#! /bin/bash -e\r\nexit 0\r\n", 0o755, "PluginNotExecutable", `/opt/faults/sick is a script whose lines end as on Windows (CR LF)`, `sed -i 's/\r$//' /opt/faults/sick`},
	{"Windows line ends, through env", "#!/usr/bin/env bash\r\nexit 0\r\n", 0o755, "PluginNotExecutable", `/opt/faults/sick is a script whose lines end as on Windows (CR LF)`, `sed -i 's/\r$//' /opt/faults/sick`},
	{"Windows line ends below the first", "#!/bin/sh\n" + versionAnswer + "\r\ncase $CNI_COMMAND in\r\nesac\r\n", 0o755, "PluginNotExecutable", `/opt/faults/sick is a script whose lines end as on Windows (CR LF)`, `sed -i 's/\r$//' /opt/faults/sick`},
	{"byte order mark", "\xef\xbb\xbf#!/bin/sh\nexit 0\n", 0o755, "PluginNotExecutable", "/opt/faults/sick is a script with a byte order mark before its #! line", `sed -i '1s/^\xef\xbb\xbf//' /opt/faults/sick`},
	{"no interpreter", "#!\nexit 0\n", 0o755, "PluginNotExecutable", "/opt/faults/sick has a #! line that names no interpreter", ""},
	{"interpreter missing, through env", "#!/usr/bin/env no-such-interpreter\n", 0o755, "PluginNotExecutable", `/opt/faults/sick is a script, and /usr/bin/env finds no interpreter "no-such-interpreter" in PATH`, "install no-such-interpreter"},
	{"interpreter not executable", "#!/etc/machine-id\n", 0o755, "PluginNotExecutable", "/opt/faults/sick is a script, and its interpreter /etc/machine-id has no execute permission (-r--r--r--)", "chmod 755 /etc/machine-id"},
	{"interpreter a directory", "#!/etc\n", 0o755, "PluginNotExecutable", "/opt/faults/sick is a script, and its interpreter /etc is no program", ""},
	{"interpreter for another CPU", "#!/opt/cni/bin/foreign\n", 0o755, "PluginNotExecutable", "/opt/faults/sick is a script, and its interpreter /opt/cni/bin/foreign is built for ", ""},
	{"interpreter without its loader", "#!/opt/cni/bin/loaderless\n", 0o755, "PluginNotExecutable", "/opt/faults/sick is a script, and its interpreter /opt/cni/bin/loaderless is linked against a loader that this node lacks", ""},
	{"on a noexec mount", "noexec", 0o755, "PermissionDenied", "/opt/faults/sick: the system denies running it (permission denied): its file system is mounted noexec", ""},
	{"interpreter on a noexec mount", "#!/run/noexec/sh\n", 0o755, "PermissionDenied", "/opt/faults/sick is a script, and its interpreter /run/noexec/sh: the system denies running it (permission denied): its file system is mounted noexec", ""},
}

// foreignELF is the header of a program for a CPU that this is not.
func foreignELF() string {
	h := make([]byte, 64)
	copy(h, "\x7fELF\x02\x02\x01")
	h[17], h[19] = 2, 22 // executable, s390x
	return string(h)
}

// Every fault, by all three readings: the CNI error, the journal, the status file.
func TestFaults(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			l := newLab(t)
			dir := "/opt/faults"
			_ = os.RemoveAll(dir)
			l.run("mkdir", "-p", dir)
			switch {
			case f.plugin == "dir":
				l.run("mkdir", dir+"/sick")
			case f.plugin == "noexec":
				l.tmpfs(dir, "noexec")
				l.run("cp", "/bin/true", dir+"/sick")
			case f.plugin != "":
				if err := os.WriteFile(dir+"/sick", []byte(f.plugin), f.mode); err != nil {
					t.Fatal(err)
				}
			}
			if strings.Contains(f.plugin, "/run/noexec") {
				l.tmpfs("/run/noexec", "noexec")
				l.run("cp", "/bin/sh", "/run/noexec/sh")
			}
			l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0","record":"/run/rec"},{"type":"sick"}]}`)
			l.outer("lab", "")
			path := "CNI_PATH=" + binDir + ":" + dir
			if strings.HasPrefix(f.msg, "no such program") {
				path = "CNI_PATH=" + dir
				l.run("cp", "-L", binDir+"/rec0", dir+"/rec0")
			}
			pod := l.pod()
			stdout, code := l.plugin("ADD", `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":"/etc/cni/net.d"}`, path, "CNI_NETNS="+pod.NetNS, "CNI_ARGS=K8S_POD_NAMESPACE=default;K8S_POD_NAME=web")
			var e types.Error
			if err := json.Unmarshal([]byte(stdout), &e); err != nil || code != 1 {
				t.Fatalf("exit %d, %v: %s", code, err, stdout)
			}
			if _, fix, ok := strings.Cut(e.Details, "["+f.reason+"] "); !ok || !strings.HasPrefix(e.Msg, "sick (2/2): "+f.msg) || !strings.Contains(fix, f.fix) {
				t.Errorf("CNI error %q; %q\nwant %q and %s, %q", e.Msg, e.Details, f.msg, f.reason, f.fix)
			}
			j := l.journal(1, func(e entry) bool { return e.get("PRIORITY") == "3" })
			if len(j) != 1 || j[0].get("CNI_REASON") != f.reason || !strings.HasPrefix(j[0].get("MESSAGE"), "ADD failed: "+e.Msg) || j[0].get("K8S_POD_NAME") != "web" || j[0].get("CNI_PLUGIN") != "sick" {
				t.Errorf("journal: %v", j)
			}
			var s struct {
				Failures []struct{ Reason, Message, Cure, Plugin string }
				Calls    map[string]struct{ Total, Failed int }
			}
			l.status(&s)
			if len(s.Failures) != 1 || s.Failures[0].Reason != f.reason || s.Failures[0].Message != e.Msg || s.Failures[0].Cure == "" || s.Calls["ADD"].Failed != 1 {
				t.Errorf("status: %+v", s)
			}
			file, _ := os.ReadFile(statusFile)
			logged, _ := exec.Command("journalctl", "-t", "cni-shim", "-o", "json", "-n", "3").Output()
			for where, text := range map[string]string{"CNI error": stdout, "status file": string(file), "journal": string(logged)} {
				if strings.Contains(text, "abcdefgh") {
					t.Errorf("a secret in the %s", where)
				}
			}
			if _, code := l.plugin("STATUS", `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim"}`, path); strings.Contains(f.plugin, versionAnswer) != (code == 0) {
				t.Errorf("STATUS exits %d with %s", code, f.reason)
			}
		})
	}
}

// status reads the status file.
func (l *lab) status(into any) {
	l.Helper()
	b, err := os.ReadFile(statusFile)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		l.Fatal(err)
	}
}

// One line a failure in the journal, naming plugin, place and cause, and none of it forged.
func TestJournalLines(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0","record":"/run/rec","fail":["ADD"]}]}`)
	outer := l.outer("lab", "")
	if _, err := l.cni.AddNetworkList(l.ctx(), outer, l.pod()); err == nil || !strings.Contains(err.Error(), "rec0 (1/1): rec0 says no; to ADD [Unclassified]") {
		t.Errorf("%v", err)
	}
	l.write("10-lab.conflist", "{\n  \"name\": \"lab\",\n}")
	if _, err := l.cni.AddNetworkList(l.ctx(), outer, l.pod()); err == nil {
		t.Error("a broken chain added")
	}
	l.journal(2, func(e entry) bool { return e.get("PRIORITY") == "3" })
	out := l.run("journalctl", "-t", "cni-shim", "-p", "err", "-o", "cat", "-n", "2")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "ADD failed: rec0 (1/1): rec0 says no; to ADD [Unclassified]") ||
		!strings.HasPrefix(lines[1], `ADD failed: 10-lab.conflist:2:16: trailing comma after "lab" [ConfigInvalid]`) {
		t.Errorf("%q", lines)
	}
}

// A chain that is broken, empty or missing, at every verb; DEL fails only where something may have been set up.
func TestBrokenChain(t *testing.T) {
	for name, c := range map[string]struct{ text, msg string }{
		"trailing comma": {`{"name":"lab","plugins":[{"type":"rec0"},]}`, `10-lab.conflist:1:41: trailing comma after an element of "plugins"`},
		"no name":        {`{"plugins":[{"type":"rec0"}]}`, `10-lab.conflist:1:1: the network has no "name"`},
		"empty file":     {``, "10-lab.conflist:1:1: the file is empty"},
		"none":           {"none", "net.d: no network configuration besides the shim's own"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			if c.text != "none" {
				l.write("10-lab.conflist", c.text)
			}
			l.outer("lab", "")
			pod := l.pod()
			for _, verb := range []string{"ADD", "CHECK", "GC", "STATUS", "DEL"} {
				env := []string{"CNI_NETNS=" + pod.NetNS}
				prev := ""
				if verb == "DEL" {
					prev = `,"prevResult":{"cniVersion":"1.1.0","ips":[{"address":"10.0.0.2/24"}]}`
				}
				stdout, code := l.plugin(verb, `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim"`+prev+`}`, env...)
				var e types.Error
				if json.Unmarshal([]byte(stdout), &e) != nil || code != 1 || !strings.HasPrefix(e.Msg, c.msg) {
					t.Errorf("%s: exit %d: %s", verb, code, stdout)
				}
				if verb == "STATUS" && e.Code != 50 {
					t.Errorf("STATUS has code %d", e.Code)
				}
				if verb == "DEL" && (strings.Contains(stdout, "not found") || strings.Contains(stdout, "no such file or directory")) {
					t.Errorf("containerd takes this for success: %s", stdout)
				}
			}
			if stdout, code := l.plugin("DEL", `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim"}`, "CNI_NETNS="); code != 0 {
				t.Errorf("DEL of what was never added: %s", stdout)
			}
		})
	}
}

// What callers get wrong.
func TestBadInput(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct{ name, verb, stdin, env, msg, reason string }{
		{"empty stdin", "ADD", "", "A=", "cni-shim: error unmarshall network config", "InvalidCallerInput"},
		{"no JSON", "ADD", "hello", "A=", "cni-shim: error unmarshall network config", "InvalidCallerInput"},
		{"no container", "ADD", "{}", "CNI_CONTAINERID=", "cni-shim: required env variables [CNI_CONTAINERID] missing", "InvalidCallerInput"},
		{"container that climbs", "ADD", "{}", "CNI_CONTAINERID=../x", "cni-shim: invalid characters in containerID", "InvalidCallerInput"},
		{"unknown verb", "DANCE", `{"name":"lab"}`, "A=", "cni-shim: unknown CNI_COMMAND: DANCE", "InvalidCallerInput"},
		{"no name", "ADD", "{}", "A=", "cni-shim: missing network name", "ConfigInvalid"},
		{"outer version", "ADD", `{"name":"lab","cniVersion":"9.9.9"}`, "A=", "cni-shim: incompatible CNI versions", "VersionIncompatible"},
		{"wrong type", "ADD", `{"name":"lab","cniVersion":"1.0.0","chain":7}`, "A=", `cni-shim: own configuration: "chain" is a number`, "ConfigInvalid"},
		{"wrong timeout", "STATUS", `{"name":"lab","cniVersion":"1.1.0","timeouts":{"STATUS":5}}`, "A=", `cni-shim: own configuration: "timeouts.STATUS" is a number`, "ConfigInvalid"},
		{"chain to the shim", "ADD", `{"name":"lab","cniVersion":"1.0.0","chain":{"plugins":[{"type":"cni-shim"}]}}`, "A=", "cni-shim (1/1): the chain leads back to the shim", "ConfigInvalid"},
	} {
		stdout, code := l.plugin(c.verb, c.stdin, c.env)
		var e types.Error
		if json.Unmarshal([]byte(stdout), &e) != nil || code != 1 || !strings.HasPrefix(e.Msg, c.msg) || !strings.Contains(e.Details, "["+c.reason+"]") {
			t.Errorf("%s: exit %d: %s", c.name, code, stdout)
		}
	}
	if n := len(l.journal(10, func(e entry) bool { return e.get("PRIORITY") == "3" })); n != 10 {
		t.Errorf("%d failures in the journal, want 10", n)
	}
}

// A chain that reaches the shim through another program is told, not run for ever.
func TestRecursion(t *testing.T) {
	l := newLab(t)
	conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"meta"}]}}`
	if err := os.WriteFile(binDir+"/meta", []byte("#!/bin/sh\n"+versionAnswer+"cat >/dev/null\nexec /opt/cni/bin/cni-shim <<'X'\n"+conf+"\nX\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(binDir + "/meta")
	for _, verb := range []string{"ADD", "STATUS"} {
		stdout, code := l.plugin(verb, conf, "CNI_NETNS="+l.pod().NetNS)
		if code != 1 || !strings.Contains(stdout, "the chain leads back to the shim: "+verb+" of network lab runs inside itself") {
			t.Errorf("%s: exit %d: %s", verb, code, stdout)
		}
	}
}

// A circle through a daemon, whose children descend from nobody: one process makes again and again the call that another has made.
func TestRecursionThroughDaemon(t *testing.T) {
	l := newLab(t)
	path := l.plant("[ $CNI_COMMAND = ADD ] && sleep 60\nexit 0\n")
	pod := l.pod()
	conf := fmt.Sprintf(sickConf, "")
	env := []string{"PATH=" + os.Getenv("PATH"), path, "CNI_COMMAND=ADD", "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0", "CNI_NETNS=" + pod.NetNS}
	for i := range 4 {
		c := exec.Command(shimPath)
		if i == 0 { // the runtime's own, which another process makes
			c = exec.Command("sh", "-c", shimPath+"; exit")
		}
		c.Env, c.Stdin, c.SysProcAttr = env, strings.NewReader(conf), &syscall.SysProcAttr{Setpgid: true}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL); _ = c.Wait() }()
	}
	l.wait("four marks", func() bool {
		marks, _ := filepath.Glob("/run/cni-shim/calls/[0-9]*")
		return len(marks) == 4
	})
	if out, code := l.plugin("ADD", conf, env[1], env[5]); code != 1 || !strings.Contains(out, "the chain leads back to the shim") {
		t.Errorf("exit %d: %s", code, out)
	}
}

// A shim that stands bare before real plugins lets them run, tells the list, and warns once.
func TestBare(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"cni-shim"},{"type":"rec0","record":"/run/rec"},{"type":"rec1","record":"/run/rec"}]}`)
	list := l.load("10-lab.conflist")
	pod := l.pod()
	for range 2 {
		if _, err := l.cni.AddNetworkList(l.ctx(), list, pod); err != nil {
			t.Fatal(err)
		}
		if err := l.cni.CheckNetworkList(l.ctx(), list, pod); err != nil {
			t.Fatal(err)
		}
		if err := l.cni.DelNetworkList(l.ctx(), list, pod); err != nil {
			t.Fatal(err)
		}
	}
	warnings := l.journal(1, func(e entry) bool { return e.get("PRIORITY") == "4" })
	if len(warnings) != 1 || !strings.HasPrefix(warnings[0].get("MESSAGE"), "cni-shim stands bare beside rec0 (1/2)") {
		t.Errorf("%v", warnings)
	}
	l.journal(1, func(e entry) bool { return strings.HasPrefix(e.get("MESSAGE"), "chain lab from 10-lab.conflist") })
}

// A failed ADD is undone, the failed plugin first, and its attachment stays until the runtime's own DEL.
func TestRollBack(t *testing.T) {
	l := newLab(t)
	record := filepath.Join(t.TempDir(), "calls")
	plugin := func(i int, more string) string { return fmt.Sprintf(`{"type":"rec%d","record":%q%s}`, i, record, more) }
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[`+plugin(0, "")+","+plugin(1, `,"fail":["ADD","DEL"]`)+","+plugin(2, "")+`]}`)
	outer, pod := l.outer("lab", ""), l.pod()
	if _, err := l.cni.AddNetworkList(l.ctx(), outer, pod); err == nil || !strings.Contains(err.Error(), "rec1 (2/3): rec1 says no; to ADD") {
		t.Errorf("%v", err)
	}
	b, _ := os.ReadFile(record)
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		var r recorded
		if json.Unmarshal([]byte(line), &r) == nil && verbOf(r.Env) == " DEL" && strings.Contains(string(r.Stdin), "prevResult") {
			t.Error("a roll-back with prevResult")
		}
	}
	if got := l.calls(record); got != "rec0 ADD rec1 ADD rec1 DEL rec0 DEL" {
		t.Errorf("%s", got)
	}
	l.journal(1, func(e entry) bool {
		return e.get("PRIORITY") == "4" && strings.HasPrefix(e.get("MESSAGE"), "undoing the failed ADD: rec1 (2/3): rec1 says no")
	})
	if _, err := os.Stat(entries + "/lab/" + pod.ContainerID + "@eth0"); err != nil {
		t.Error(err)
	}
}

func verbOf(env []string) string {
	for _, v := range env {
		if verb, ok := strings.CutPrefix(v, "CNI_COMMAND="); ok {
			return " " + verb
		}
	}
	return ""
}

// The shim's own list at every place an admin may give it, and its typos told.
func TestOwnKeys(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0","record":"/run/rec"}]}`)
	outer := l.outer("lab", `"chian": "/x", "chain": "/etc/cni/net.d/10-lab.conflist"`)
	if _, err := l.cni.AddNetworkList(l.ctx(), outer, l.pod()); err != nil {
		t.Fatal(err)
	}
	l.journal(1, func(e entry) bool {
		return strings.Contains(e.get("MESSAGE"), `"chian" is no key of the shim's entry and is not read; did you mean "chain"?`)
	})
}

// Plugins of <dir>/<name>/*.conf belong to the wrapped chain, and run once.
func TestSubDirectory(t *testing.T) {
	l := newLab(t)
	record := filepath.Join(t.TempDir(), "calls")
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0","record":"`+record+`"}]}`)
	l.run("mkdir", confDir+"/lab")
	l.write("lab/10-more.conf", `{"type":"rec1","record":"`+record+`"}`)
	outer, pod := l.outer("lab", ""), l.pod()
	if _, err := l.cni.AddNetworkList(l.ctx(), outer, pod); err != nil {
		t.Fatal(err)
	}
	l.run("rm", "-r", confDir+"/lab", confDir+"/10-lab.conflist")
	if err := l.cni.DelNetworkList(l.ctx(), outer, pod); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command("grep", "-c", "", record).Output()
	if strings.TrimSpace(string(out)) != "4" {
		b, _ := os.ReadFile(record)
		t.Errorf("want two ADD and two DEL:\n%s", b)
	}
}

// An exhausted range is told with what fills it: how many addresses, and how many of their holders are gone.
func TestEvidence(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"bridge","bridge":"lab1","ipam":{"type":"host-local","subnet":"10.7.0.0/30"}}]}`)
	outer := l.outer("lab", "")
	pods := []*libcni.RuntimeConf{l.pod(), l.pod(), l.pod()}
	var err error
	for _, p := range pods {
		_, err = l.cni.AddNetworkList(l.ctx(), outer, p)
	}
	if err == nil || !strings.Contains(err.Error(), "bridge (1/1): ") || !strings.Contains(err.Error(), "[IPAMExhausted]") {
		t.Fatalf("%v", err)
	}
	e := l.journal(1, func(e entry) bool { return e.get("CNI_REASON") == "IPAMExhausted" })
	if !strings.Contains(e[0].get("CNI_EVIDENCE"), "10.7.0.0/30") {
		t.Errorf("evidence: %q", e[0].get("CNI_EVIDENCE"))
	}
	t.Log(e[0].get("CNI_EVIDENCE"))
	for _, p := range pods {
		if err := l.cni.DelNetworkList(l.ctx(), outer, p); err != nil {
			t.Error(err)
		}
	}
	l.run("ip", "link", "del", "lab1")
}

// Where no mark can be kept a circle is found all the same, after some turns.
func TestRecursionWithoutMarks(t *testing.T) {
	l := newLab(t)
	turns := filepath.Join(t.TempDir(), "turns")
	conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"meta"}]}}`
	if err := os.WriteFile(binDir+"/meta", []byte("#!/bin/sh\n"+versionAnswer+"echo >>"+turns+"\ncat >/dev/null\n/opt/cni/bin/cni-shim <<'X'\n"+conf+"\nX\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(binDir + "/meta")
	l.run("mkdir", "-p", "/run/cni-shim")
	if err := unix.Mount("tmpfs", "/run/cni-shim", "tmpfs", unix.MS_RDONLY, "mode=755"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Unmount("/run/cni-shim", unix.MNT_DETACH) }()
	for _, verb := range []string{"STATUS", "CHECK"} {
		stdout, code := l.plugin(verb, conf, "CNI_NETNS="+l.pod().NetNS)
		if code != 1 || !strings.Contains(stdout, "the chain leads back to the shim: "+verb+" of network lab runs inside itself") {
			t.Errorf("%s: exit %d: %s", verb, code, stdout)
		}
	}
	if b, _ := os.ReadFile(turns); len(b) != 6 {
		t.Errorf("%d turns for two verbs, want 6", len(b))
	}
}
