package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/containernetworking/cni/pkg/types"
)

// A call writes nothing outside the directory in memory, and waits for no disk to have written.
func TestNoCallWritesToADisk(t *testing.T) {
	l := newLab(t)
	conf := `{"cniVersion":"1.0.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"noop"}]}}`
	path := l.plant("")
	if err := os.Rename(sick+"/sick", sick+"/noop"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sick+"/noop", []byte("#!/bin/sh\n"+versionAnswer+"[ $CNI_COMMAND = ADD ] && echo '{\"cniVersion\":\"1.0.0\"}'\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	pod := l.pod()
	writes := regexp.MustCompile(`^\d+ +(openat\([^"]*|mkdirat|renameat2?|unlinkat|unlink|rename|fchmodat|utimensat|linkat)[^"]*"(/[^"]*)"(.*)`)
	open := regexp.MustCompile(`O_(WRONLY|RDWR|CREAT)`)
	for _, verb := range []string{"ADD", "CHECK", "DEL", "DEL", "STATUS", "GC"} {
		log := filepath.Join(t.TempDir(), "strace")
		c := exec.Command("strace", "-qq", "-f", "-y", "-o", log, "-e", "trace=file,desc", shimPath)
		c.Env = []string{"PATH=" + os.Getenv("PATH"), path, "CNI_COMMAND=" + verb, "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0", "CNI_NETNS=" + pod.NetNS}
		c.Stdin = strings.NewReader(strings.Replace(conf, "1.0.0", "1.1.0", 1))
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", verb, err, out)
		}
		b, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(b), "\n") {
			if strings.Contains(line, "sync(") || strings.Contains(line, "syncfs(") {
				t.Errorf("%s waits for a disk: %s", verb, line)
			}
			m := writes.FindStringSubmatch(line)
			if m == nil || strings.HasPrefix(m[1], "openat") && !open.MatchString(m[3]) {
				continue
			}
			if !strings.HasPrefix(m[2], "/run/cni-shim") && !strings.HasPrefix(m[2], "/dev/") {
				t.Errorf("%s writes elsewhere: %s", verb, line)
			}
		}
		if !strings.Contains(string(b), `"/run/cni-shim/calls/`) {
			t.Errorf("%s: the trace shows no mark", verb)
		}
	}
}

// reboot takes away what lives in memory, as the start of a node does. What is on the disk stays.
func (l *lab) reboot() {
	l.Helper()
	entries, _ := os.ReadDir(filepath.Dir(statusFile))
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(filepath.Dir(statusFile), e.Name())); err != nil {
			l.Fatal(err)
		}
	}
}

// watching runs a watch until the returned function is called.
func (l *lab) watching(args ...string) (stop func()) {
	l.Helper()
	c := exec.Command(shimPath, append([]string{"watch", "--no-restore"}, args...)...)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		l.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = c.Process.Signal(os.Interrupt)
			_ = c.Wait()
		}
	}
	l.Cleanup(stop)
	return stop
}

// What ADD ran outlives a reboot where a watch runs: its DEL runs it, before a watch has brought it back and after.
func TestReboot(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprintf("watch again %v", again), func(t *testing.T) {
			l := newLab(t)
			record := filepath.Join(t.TempDir(), "calls")
			chain := func(plugin string) string {
				return `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"` + plugin + `","record":"` + record + `"}]}`
			}
			conf := `{"cniVersion":"1.0.0","name":"lab","type":"cni-shim","chain":"/etc/cni/net.d"}`
			l.write("10-lab.conflist", chain("rec0"))
			pod, gone := l.pod(), l.pod()
			stop := l.watching()
			for _, p := range []string{pod.ContainerID, gone.ContainerID} {
				if out, code := l.plugin("ADD", conf, "CNI_CONTAINERID="+p, "CNI_NETNS="+pod.NetNS); code != 0 {
					t.Fatal(out)
				}
			}
			file := stateDir + "/attachments/lab/" + pod.ContainerID + "@eth0"
			l.wait("the attachment on the disk", func() bool {
				b, _ := os.ReadFile(file)
				return strings.Count(string(b), "\n") == 2
			})
			if out, code := l.plugin("DEL", conf, "CNI_CONTAINERID="+gone.ContainerID); code != 0 {
				t.Fatal(out)
			}
			l.wait("the removal on the disk", func() bool { return !exists(stateDir + "/attachments/lab/" + gone.ContainerID + "@eth0") })
			if out := l.run(shimPath, "status", "-o", "json"); !strings.Contains(out, `"attachmentsSaved": true`) {
				t.Errorf("status does not say that attachments are saved: %s", out)
			}
			stop()
			if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 {
				t.Errorf("%v %v", fi, err)
			}

			l.reboot()
			l.write("10-lab.conflist", chain("rec1"))
			if again {
				defer l.watching()()
				l.wait("the attachment in memory", func() bool { return exists(entries + "/lab/" + pod.ContainerID + "@eth0") })
			}
			if out, code := l.plugin("DEL", conf, "CNI_CONTAINERID="+pod.ContainerID, "CNI_NETNS="); code != 0 {
				t.Fatal(out)
			}
			if got := l.calls(record); got != "rec0 ADD rec0 ADD rec0 DEL rec0 DEL" {
				t.Errorf("ran %q", got)
			}
			if !again {
				if out := l.run(shimPath, "status", "-o", "json"); strings.Contains(out, pod.ContainerID) {
					t.Errorf("what was deleted is listed: %s", out)
				}
				defer l.watching()() // it is not brought back
			}
			l.wait("the removal on the disk", func() bool { return !exists(file) })
			if exists(entries + "/lab/" + pod.ContainerID + "@eth0") {
				t.Error("it came back")
			}
		})
	}
}

// Where no watch runs attachments last until a reboot: status says so, and a DEL behind it runs today's chain.
func TestRebootWithoutWatch(t *testing.T) {
	l := newLab(t)
	record := filepath.Join(t.TempDir(), "calls")
	conf := `{"cniVersion":"1.0.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"rec0","record":"` + record + `"}]}}`
	pod := l.pod()
	if out, code := l.plugin("ADD", conf, "CNI_CONTAINERID="+pod.ContainerID, "CNI_NETNS="+pod.NetNS); code != 0 {
		t.Fatal(out)
	}
	out, _ := exec.Command(shimPath, "status").Output()
	if want := "attachments of lab: 1 stored in memory, until a reboot: no cni-shim watch runs that saves them to the disk"; !strings.Contains(string(out), want) {
		t.Errorf("status does not say %q:\n%s", want, out)
	}
	l.reboot()
	if out, code := l.plugin("DEL", strings.Replace(conf, "rec0", "rec1", 1), "CNI_CONTAINERID="+pod.ContainerID); code != 0 {
		t.Fatal(out)
	}
	if got := l.calls(record); got != "rec0 ADD rec1 DEL" {
		t.Errorf("ran %q", got)
	}
}

// No call waits for a disk that hangs. What cannot be known without it is an error to try again, in words that name it, at most one
// process waits for it, and when it is back the calls are.
func TestDiskHangs(t *testing.T) {
	l := newLab(t)
	d := newHungDisk(t, stateDir)
	record := filepath.Join(t.TempDir(), "calls")
	chain := func(plugin string) string {
		return `{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"` + plugin + `","record":"` + record + `"}]}`
	}
	conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":"/etc/cni/net.d"%s}`
	l.write("10-lab.conflist", chain("rec0"))
	old, pod := l.pod(), l.pod()
	id := func(p string) string { return "CNI_CONTAINERID=" + p }
	stop := l.watching()
	if out, code := l.plugin("ADD", fmt.Sprintf(conf, ""), id(old.ContainerID), "CNI_NETNS="+old.NetNS); code != 0 {
		t.Fatal(out)
	}
	l.wait("the attachment on the disk", func() bool { return exists(stateDir + "/attachments/lab/" + old.ContainerID + "@eth0") })
	stop()
	l.reboot()
	l.write("10-lab.conflist", chain("rec1"))
	d.Hang()
	defer d.Release()

	quick := func(verb, conf string, env ...string) (string, int) {
		t.Helper()
		began := time.Now()
		out, code := l.plugin(verb, conf, env...)
		if took := time.Since(began); took > 30*time.Second { // for ever, as long as the disk hangs, is two minutes
			t.Errorf("%s took %s", verb, took)
		}
		return out, code
	}
	for _, verb := range []string{"ADD", "CHECK", "STATUS", "DEL"} {
		if out, code := quick(verb, fmt.Sprintf(conf, ""), id(pod.ContainerID), "CNI_NETNS="+pod.NetNS); code != 0 {
			t.Errorf("%s: %s", verb, out)
		}
	}
	again := regexp.MustCompile(`^cni-shim: waiting for /var/lib/cni-shim, not answering for [0-9.]+m?s$`)
	for _, c := range []struct{ verb, more string }{
		{"DEL", ""}, {"CHECK", ""}, {"DEL", `,"timeouts":{"DEL":"500ms"}`}, {"GC", `,"cni.dev/valid-attachments":[]`},
	} {
		out, code := quick(c.verb, fmt.Sprintf(conf, c.more), id(old.ContainerID), "CNI_NETNS="+old.NetNS)
		var e types.Error
		if json.Unmarshal([]byte(out), &e) != nil || code != 1 || e.Code != types.ErrTryAgainLater || !again.MatchString(e.Msg) || !strings.Contains(e.Details, "[DiskUnresponsive]") {
			t.Errorf("%s%s: exit %d: %s", c.verb, c.more, code, out)
		}
	}
	l.killedWhileWaiting(fmt.Sprintf(conf, ""), id(old.ContainerID))
	if held := heldShims(); len(held) > 1 {
		t.Errorf("%d processes wait for the disk, want one at most: %v", len(held), held)
	}
	stop = l.watching() // which tells, and does not hang itself
	l.wait("the watch's word", func() bool { v, _ := judged(); return v.Verdict.Ready })
	if got := l.calls(record); got != "rec0 ADD rec1 ADD rec1 CHECK rec1 STATUS rec1 DEL rec1 GC rec1 STATUS rec1 STATUS" {
		t.Errorf("ran %q", got)
	}
	d.Release()
	l.wait("the attachment in memory", func() bool { return exists(entries + "/lab/" + old.ContainerID + "@eth0") })
	stop()
	if out, code := l.plugin("DEL", fmt.Sprintf(conf, ""), id(old.ContainerID), "CNI_NETNS="); code != 0 {
		t.Errorf("DEL with the disk back: %s", out)
	}
	if got := l.calls(record); !strings.HasSuffix(got, "rec1 STATUS rec0 DEL") {
		t.Errorf("ran %q", got)
	}
}

// A plugin that waits for a disk that hangs costs its ADD no more than the time that the entry gives it: the shim looks for nothing on that
// disk, tries to undo the ADD, answers and ends.
func TestPluginWaitsForDisk(t *testing.T) {
	l := newLab(t)
	d := newHungDisk(t, "/var/lib/cni/networks")
	const conf = `{"cniVersion":"1.0.0","name":"lab","type":"cni-shim","timeouts":{"ADD":"2s"},"chain":{"plugins":[
		{"type":"bridge","bridge":"lab1","ipam":{"type":"host-local","subnet":"10.7.0.0/24"}}]}}`
	pod, stuck := l.pod(), l.pod()
	for _, verb := range []string{"ADD", "DEL"} { // host-local makes its directory
		if out, code := l.plugin(verb, strings.Replace(conf, "2s", "1m", 1), "CNI_CONTAINERID="+pod.ContainerID, "CNI_NETNS="+pod.NetNS); code != 0 {
			t.Fatal(out)
		}
	}
	d.Freeze() // which empties the file system's journal, whose blocks stay in memory else
	d.Release()
	d.Hang()
	defer d.Release()
	began := time.Now()
	out, code := l.plugin("ADD", conf, "CNI_CONTAINERID="+stuck.ContainerID, "CNI_NETNS="+stuck.NetNS)
	// Its process is reaped by now.
	if took := time.Since(began); took > 30*time.Second { // for ever, as long as the disk hangs, is two minutes
		t.Errorf("ADD took %s", took)
	}
	var e types.Error
	if json.Unmarshal([]byte(out), &e) != nil || code != 1 || !strings.HasPrefix(e.Msg, "bridge (1/1): ") || !strings.Contains(e.Details, "[PluginTimeout]") {
		t.Errorf("exit %d: %s", code, out)
	}
	if held := heldShims(); len(held) > 0 {
		t.Errorf("processes of the shim wait for the disk: %v", held)
	}
	l.journal(1, func(e entry) bool {
		return e.get("CNI_CONTAINERID") == stuck.ContainerID && strings.HasPrefix(e.get("MESSAGE"), "undoing the failed ADD: bridge (1/1): no answer after ")
	})
}

// heldShims lists the processes of the shim that the kernel holds, of this test's own mount namespace.
func heldShims() (pids []string) {
	own, _ := os.Readlink("/proc/self/ns/mnt")
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		ns, _ := os.Readlink(dir + "/ns/mnt")
		exe, _ := os.Readlink(dir + "/exe")
		stat, _ := os.ReadFile(dir + "/stat")
		if ns == own && exe == shimPath && strings.Contains(string(stat), ") D ") {
			pids = append(pids, filepath.Base(dir))
		}
	}
	return pids
}

// killedWhileWaiting has a runtime give up on a DEL that waits for the disk: it is reported as that.
func (l *lab) killedWhileWaiting(conf string, env ...string) {
	l.Helper()
	c := l.start("DEL", conf, append(env, "CNI_PATH="+binDir)...)
	l.wait("a call that waits", func() bool {
		marks, _ := filepath.Glob("/run/cni-shim/calls/[0-9]*")
		for _, m := range marks {
			if b, _ := os.ReadFile(m); strings.Contains(string(b), `"waits":"`+stateDir+`"`) {
				return true
			}
		}
		return false
	})
	_ = c.Process.Kill()
	_ = c.Wait()
	if out, _ := exec.Command(shimPath, "status").Output(); !strings.Contains(string(out), "waiting for "+stateDir+", not answering for ") {
		l.Errorf("status does not say what it could not read:\n%s", out)
	}
	if out, code := l.plugin("STATUS", conf); code != 0 {
		l.Error(out)
	}
	killed := regexp.MustCompile(`^DEL failed: (cni-shim: )?DEL was killed while it had been waiting for /var/lib/cni-shim, not answering for [0-9.]+m?s`)
	l.journal(1, func(e entry) bool {
		return killed.MatchString(e.get("MESSAGE")) && e.get("CNI_REASON") == "DiskUnresponsive"
	})
}
