package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containernetworking/cni/pkg/types"
)

// under calls the shim under prlimit or another command that runs it.
func (l *lab) under(wrap []string, verb, stdin string, env ...string) (stdout, stderr string, code int) {
	l.Helper()
	c := exec.Command(wrap[0], append(wrap[1:], shimPath)...)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "CNI_COMMAND=" + verb, "CNI_PATH=" + binDir, "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0", "CNI_NETNS=/run/netns/none"}, env...)
	c.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	_ = c.Run()
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}

// However few files the process may open, each call ends with success or with one CNI error that says so, and DEL runs the chain of
// the ADD or none.
func TestFileLimits(t *testing.T) {
	for _, warm := range []bool{false, true} {
		served := 0
		for n := range 41 {
			l := newLab(t)
			record := filepath.Join(t.TempDir(), "calls")
			l.write("10-lab.conflist", `{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"rec0","record":"`+record+`"}]}`)
			conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim"}`
			if warm {
				for _, verb := range []string{"ADD", "STATUS"} {
					if out, code := l.plugin(verb, conf); code != 0 {
						t.Fatal(out)
					}
				}
				l.write("10-lab.conflist", `{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"rec1","record":"`+record+`"}]}`)
			}
			limit := []string{"prlimit", fmt.Sprintf("--nofile=%d", n)}
			for _, verb := range []string{"VERSION", "DEL", "ADD", "CHECK", "STATUS", "GC"} {
				_ = os.Remove(record)
				out, errs, code := l.under(limit, verb, conf)
				if strings.Contains(errs, "fatal error") || strings.Contains(errs, "goroutine") {
					t.Errorf("%d files: %s: %s", n, verb, errs)
				}
				if ran, _ := os.ReadFile(record); warm && verb == "DEL" && bytes.Contains(ran, []byte(`"rec1"`)) {
					t.Errorf("%d files: DEL ran the chain that was not added", n)
				}
				if code == 0 {
					served++
					continue
				}
				var e types.Error
				if err := json.Unmarshal([]byte(out), &e); err != nil || code != 1 || verb == "VERSION" || !strings.Contains(e.Msg, "too many open files") ||
					!strings.Contains(e.Details, "[HostResourceExhausted] raise the limit of open files") || e.Code != types.ErrTryAgainLater && (verb != "STATUS" || e.Code != 50) {
					t.Errorf("%d files: %s: exit %d, %v: %s", n, verb, code, err, out)
				}
			}
			if n < 4 { // prlimit itself cannot run the tool with these
				continue
			}
			c := exec.Command("prlimit", limit[1], shimPath, "status")
			if out, _ := c.CombinedOutput(); c.ProcessState.ExitCode() > 2 || bytes.Contains(out, []byte("fatal error")) {
				t.Errorf("%d files: status: exit %d: %s", n, c.ProcessState.ExitCode(), out)
			}
		}
		if served < 41+5*20 {
			t.Errorf("%d calls succeeded only", served)
		}
	}
}

// What the system refuses while the chain is read is told as what it is: never as a fault of the configuration.
func TestUnreadable(t *testing.T) {
	for name, c := range map[string]struct {
		chain  string
		wrap   []string
		reason string
		code   uint
		says   string
	}{
		"links in a circle":  {"/run/unreadable/loop", nil, "ConfigMissing", 5, "cannot be read: too many levels of symbolic links"},
		"name too long":      {"/run/unreadable/" + strings.Repeat("x", 300), nil, "ConfigMissing", 5, "cannot be read: file name too long"},
		"below a file":       {"/run/unreadable/file/net.d", nil, "ConfigMissing", 5, "cannot be read: not a directory"},
		"a disk's error":     {"/run/unreadable/mem", nil, "StateCorrupt", 5, "cannot be read: input/output error"},
		"no right":           {"/run/unreadable/secret", []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"}, "PermissionDenied", 5, "cannot be opened: permission denied"},
		"a file of the list": {"/run/unreadable/dir", nil, "ConfigMissing", 5, "cannot be opened: too many levels of symbolic links"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			dir := "/run/unreadable"
			l.run("sh", "-c", "rm -rf "+dir+"; mkdir -p "+dir+"/secret "+dir+"/dir; cd "+dir+"; ln -s loop loop; ln -s /proc/self/mem mem; touch file; chmod 700 secret; ln -s a.conf dir/a.conf")
			wrap := c.wrap
			if wrap == nil {
				wrap = []string{"env"}
			}
			conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":"` + c.chain + `"}`
			if c.wrap != nil {
				conf = strings.Replace(conf, `"type"`, `"statusFile":"/none/status.json","stateDir":"/none","type"`, 1)
			}
			out, _, code := l.under(wrap, "ADD", conf, "CNI_NETNS=/run/netns/none")
			var e types.Error
			if err := json.Unmarshal([]byte(out), &e); err != nil || code != 1 || e.Code != c.code || !strings.Contains(e.Msg, c.says) || !strings.Contains(e.Details, "["+c.reason+"] ") {
				t.Errorf("exit %d, %v: %s", code, err, out)
			}
		})
	}
}

// What a plugin prints that succeeds matters to ADD alone, as without the shim; one that fails is told by how much it printed.
func TestMuchOutput(t *testing.T) {
	for _, verb := range []string{"CHECK", "DEL", "STATUS", "GC"} {
		for _, exit := range []string{"exit 0", "exit 1", "kill -PIPE $$"} {
			t.Run(verb+", "+exit, func(t *testing.T) {
				l := newLab(t)
				l.run("mkdir", "-p", "/opt/faults")
				l.file("/opt/faults/loud", "#!/bin/sh\n"+versionAnswer+`[ "$CNI_COMMAND" = ADD ] && { echo '{"cniVersion":"1.1.0"}'; exit 0; }`+"\nhead -c 10485760 /dev/zero; "+exit+"\n", 0o755, 0)
				conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"loud"}]}}`
				path := "CNI_PATH=/opt/faults"
				if out, code := l.plugin("ADD", conf, path); code != 0 {
					t.Fatal(out)
				}
				out, code := l.plugin(verb, conf, path)
				if exit == "exit 0" {
					if code != 0 || out != "" {
						t.Errorf("exit %d: %s", code, out)
					}
					return
				}
				var e types.Error
				if err := json.Unmarshal([]byte(out), &e); err != nil || code != 1 || !strings.HasPrefix(e.Msg, "loud (1/1): printed more than 4 MiB on stdout") || !strings.Contains(e.Details, "[InvalidPluginOutput] ") {
					t.Errorf("exit %d, %v: %s", code, err, out)
				}
			})
		}
	}
}
