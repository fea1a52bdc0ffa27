package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
)

const (
	goodChain = `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0","record":"/run/rec"}]}`
	badChain  = `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0","record":"/run/rec"},]}`
	badCause  = `10-lab.conflist:1:82: trailing comma after an element of "plugins"`
	outerList = confDir + "/00-cni-shim.conflist"
	backup    = outerList + ".cilium_bak"
)

// watch starts `cni-shim watch`, waits for its first look, and ends it with the test: SIGTERM, exit 0.
func (l *lab) watch(args ...string) *exec.Cmd {
	l.Helper()
	const ready = "/run/watch.ready"
	c := exec.Command(shimPath, append([]string{"watch", "--ready-file", ready}, args...)...)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			l.Errorf("watch ended with %v", err)
		}
		if exists(ready) {
			l.Error("the readiness file outlived its watch")
		}
	})
	l.wait("the first look", func() bool { return exists(ready) })
	return c
}

// said waits for a journal entry with a text in its message.
func (l *lab) said(text string) {
	l.Helper()
	l.wait(text, func() bool {
		out, _ := exec.Command("journalctl", "-t", "cni-shim", "-o", "cat", "--since", "@"+itoa(l.since.Unix())).Output()
		return bytes.Contains(out, []byte(text))
	})
}

type verdict struct {
	Verdict struct {
		Ready                 bool
		Reason, Message, Cure string
	}
	Conditions []struct{ Type, Status, Reason, Message string }
	Calls      map[string]struct{ Total, Failed int }
	Chains     []struct{ Network string }
}

// judged tells what the status file says now.
func judged() (v verdict, err error) {
	b, err := os.ReadFile(statusFile)
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	return v, err
}

// readAlways parses the shim's list over and over, until stop is called, and reports an instant at which it is missing or invalid.
func (l *lab) readAlways() (stop func()) {
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				l.Logf("the list was read %d times", n)
				return
			default:
			}
			if list, err := libcni.NetworkConfFromFile(outerList); err != nil || list.Plugins[0].Network.Type != "cni-shim" {
				l.Errorf("the list at an instant: %v", err)
				return
			}
			time.Sleep(100 * time.Microsecond)
		}
	})
	return sync.OnceFunc(func() { close(done); reader.Wait() })
}

// A thousand rewrites, valid and broken in turn, in place and by rename: the last one decides, the list stays valid throughout, and
// the watch is small and sleeps when nothing happens.
func TestWatchRewrites(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", goodChain)
	c := l.watch()
	l.wait("the shim's list", func() bool { return exists(outerList) })
	stop := l.readAlways()
	defer stop()
	rewrite := func(i int, text string) {
		if i%4 < 2 {
			l.write("10-lab.conflist", text)
			return
		}
		l.write(".new", text)
		if err := os.Rename(filepath.Join(confDir, ".new"), filepath.Join(confDir, "10-lab.conflist")); err != nil {
			t.Fatal(err)
		}
	}
	// Each round ends with a text of its own, so that nothing older can be taken for the answer to it.
	for round, end := range []struct {
		text, says string
		ready      bool
	}{
		{`{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0",}]}`, `10-lab.conflist:1:61: trailing comma after "rec0"`, false},
		{strings.Replace(goodChain, `"lab"`, `"last"`, 1), "last", true},
	} {
		for i := range 499 {
			text := []string{goodChain, badChain}[i%2]
			if i%100 == 0 { // the list has to follow
				text = strings.Replace(goodChain, `"lab"`, fmt.Sprintf(`"lab%d-%d"`, round, i), 1)
			}
			rewrite(i, text)
			time.Sleep(2 * time.Millisecond)
		}
		rewrite(round+1, end.text) // in place, then by rename
		right := func() bool {
			v, err := judged()
			says := v.Verdict.Message
			if end.ready && len(v.Chains) > 0 {
				says = v.Chains[0].Network
			}
			return err == nil && v.Verdict.Ready == end.ready && says == end.says
		}
		l.wait("the verdict", right)
		if time.Sleep(1500 * time.Millisecond); !right() {
			v, _ := judged()
			t.Errorf("it did not stay: %+v", v)
		}
	}
	try := 0
	l.soon(2*time.Second, func() time.Duration {
		name := fmt.Sprintf("try%d", try)
		try++
		rewrite(try, strings.Replace(goodChain, `"lab"`, `"`+name+`"`, 1))
		took := l.wait("the verdict", func() bool { v, err := judged(); return err == nil && len(v.Chains) > 0 && v.Chains[0].Network == name })
		t.Logf("the right verdict %s after a rewrite", took)
		return took
	})
	l.wait("the list to follow", func() bool {
		list, err := libcni.NetworkConfFromFile(outerList)
		return err == nil && list.Name == fmt.Sprintf("try%d", try-1)
	})
	stop()
	if hwm := procKB(t, c.Process.Pid, "VmHWM"); hwm > 30<<10 {
		t.Errorf("%d kB at its largest", hwm)
	} else {
		t.Logf("%d kB at its largest", hwm)
	}
	before, busy := cpuTicks(t, c.Process.Pid), time.Now()
	time.Sleep(10 * time.Second)
	idle := cpuTicks(t, c.Process.Pid) - before
	t.Logf("%d ticks of CPU in all, %d in %s of idleness", before, idle, time.Since(busy).Round(time.Second))
	if idle > 5 {
		t.Errorf("%d ticks of CPU in ten idle seconds", idle)
	}
}

func procKB(t *testing.T, pid int, key string) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, key+":"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no %s", key)
	return 0
}

// cpuTicks is utime and stime of a process (proc(5), fields 14 and 15).
func cpuTicks(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, e1 := strconv.Atoi(f[11])
	system, e2 := strconv.Atoi(f[12])
	if err := errors.Join(e1, e2); err != nil {
		t.Fatal(err)
	}
	return user + system
}

// What a watch finds with no pod involved is what STATUS would say, in verdict, condition and journal, and STATUS does not say it
// again. The same fault written again is not told again.
func TestWatchSaysWhatStatusSays(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", goodChain)
	l.outer("lab", "")
	l.watch()
	l.said("the chain can take pods (network lab)")
	broken := func(e entry) bool { return e.get("CNI_REASON") == "ConfigInvalid" }
	start := time.Now()
	l.write("10-lab.conflist", badChain)
	e := l.journal(1, broken)
	t.Logf("in the journal %s after it was written", time.Since(start))
	if m := e[0].get("MESSAGE"); !strings.HasPrefix(m, "the chain cannot take pods: "+badCause) || e[0].get("PRIORITY") != "3" ||
		e[0].get("CNI_CONFIG_LINE") != "1" || e[0].get("CNI_CONFIG_COLUMN") != "82" || e[0].get("CNI_RULE") == "" || e[0].get("CNI_COMMAND") != "" {
		t.Errorf("%v", e[0])
	}
	var before, after verdict
	l.wait("the verdict", func() bool { before, _ = judged(); return before.Verdict.Message == badCause })
	for range 3 {
		l.write("10-lab.conflist", badChain)
		time.Sleep(300 * time.Millisecond)
	}
	err := l.cni.GetStatusNetworkList(l.ctx(), l.load("00-cni-shim.conflist"))
	if err == nil || !strings.HasPrefix(err.Error(), badCause) {
		t.Errorf("STATUS says %v", err)
	}
	l.status(&after)
	if before.Verdict != after.Verdict || fmt.Sprint(before.Conditions) != fmt.Sprint(after.Conditions) {
		t.Errorf("watch: %+v %+v\nSTATUS: %+v %+v", before.Verdict, before.Conditions, after.Verdict, after.Conditions)
	}
	if n := len(l.journal(1, broken)); n != 1 {
		t.Errorf("told %d times", n)
	}
	if len(after.Calls) != 1 || after.Calls["STATUS"].Total != 1 {
		t.Errorf("counted as calls: %+v", after.Calls)
	}
	// A program that cannot be run any more, with nothing written to net.d.
	l.write("10-lab.conflist", goodChain)
	l.wait("a ready node", func() bool { v, _ := judged(); return v.Verdict.Ready })
	l.run("mv", binDir+"/rec0", binDir+"/rec0.away")
	l.wait("the missing program", func() bool { v, _ := judged(); return v.Verdict.Reason == "PluginNotFound" })
	l.run("mv", binDir+"/rec0.away", binDir+"/rec0")
	l.wait("a ready node", func() bool { v, _ := judged(); return v.Verdict.Ready })
}

// The directory goes and comes back, with the wrapped list and without the shim's.
func TestWatchDirectoryComesAndGoes(t *testing.T) {
	l := newLab(t)
	l.run("rm", "-r", filepath.Dir(confDir))
	defer l.run("mkdir", "-p", confDir)
	l.watch()
	l.wait("no directory", func() bool { v, _ := judged(); return !v.Verdict.Ready && v.Verdict.Reason == "ConfigMissing" })
	for range 3 {
		l.run("mkdir", "-p", confDir)
		l.write("10-lab.conflist", goodChain)
		l.wait("a ready node and the list", func() bool { v, _ := judged(); return v.Verdict.Ready && exists(outerList) })
		l.run("mv", confDir, confDir+".old")
		l.wait("no directory", func() bool { v, _ := judged(); return !v.Verdict.Ready })
		l.run("rm", "-r", confDir+".old")
	}
}

// Whoever takes the list away is met three times and told; then the list stays away until something changes.
func TestWatchOuterTaken(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", goodChain)
	l.watch()
	there := func() bool { return exists(outerList) }
	l.wait("the list", there)
	original, _ := os.ReadFile(outerList)
	for i, take := range []func() error{
		func() error { return os.Rename(outerList, backup) },
		func() error { return os.Remove(outerList) },
		func() error { return os.Rename(outerList, backup) },
	} {
		if err := take(); err != nil {
			t.Fatal(i, err)
		}
		l.wait("the list again", there)
		if text, _ := os.ReadFile(outerList); !bytes.Equal(text, original) {
			t.Errorf("%d: it came back as\n%s", i, text)
		}
	}
	if err := os.Rename(outerList, backup); err != nil {
		t.Fatal(err)
	}
	l.said("00-cni-shim.conflist is not restored any more, after 3 times in ")
	l.said("Cilium has renamed it to 00-cni-shim.conflist.cilium_bak, as it does with every configuration that is not its own: set cni.exclusive to false")
	time.Sleep(time.Second)
	if there() {
		t.Error("restored all the same")
	}
	l.write("20-other.conflist", goodChain)
	l.wait("the list, since something changed", there)
	// The shim is being uninstalled.
	if err := errors.Join(os.WriteFile(stateDir+"/uninstalled", nil, 0o600), os.Remove(outerList)); err != nil {
		t.Fatal(err)
	}
	l.write("30-more.conflist", goodChain)
	time.Sleep(time.Second)
	if there() {
		t.Error("restored while the shim is being uninstalled")
	}
	if err := os.Remove(stateDir + "/uninstalled"); err != nil {
		t.Fatal(err)
	}
	l.wait("the list, since nobody uninstalls", there)
}

// With --no-restore nothing is written to net.d.
func TestWatchNoRestore(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", goodChain)
	l.watch("--no-restore")
	l.wait("a ready node", func() bool { v, _ := judged(); return v.Verdict.Ready })
	l.write("10-lab.conflist", badChain)
	l.wait("the fault", func() bool { v, _ := judged(); return v.Verdict.Message == badCause })
	if left, _ := os.ReadDir(confDir); len(left) != 1 {
		t.Errorf("%v", left)
	}
}

// The metrics follow each look. What a plugin's STATUS told the runtime stands in them, for a watch asks no plugin.
func TestWatchTextfile(t *testing.T) {
	l := newLab(t)
	l.run("mkdir", "-p", "/run/metrics")
	defer l.run("rm", "-r", "/run/metrics")
	l.write("10-lab.conflist", goodChain)
	l.watch("--textfile", "/run/metrics/cni-shim.prom")
	ready := func(want string) {
		t.Helper()
		l.wait("the metric", func() bool {
			b, _ := os.ReadFile("/run/metrics/cni-shim.prom")
			return bytes.Contains(b, []byte("\ncni_shim_node_ready "+want+"\n"))
		})
	}
	ready("1")
	l.write("10-lab.conflist", badChain)
	ready("0")
	l.write("10-lab.conflist", goodChain)
	ready("1")
	path := l.plant("[ $CNI_COMMAND = STATUS ] && { echo '{\"code\":50,\"msg\":\"agent is down\"}'; exit 1; }\nexit 0\n")
	if _, code := l.plugin("STATUS", fmt.Sprintf(sickConf, ""), path); code != 1 {
		t.Fatal("STATUS succeeded")
	}
	l.write("20-other.conflist", goodChain) // something to look at
	ready("0")
	if out, code := l.plugin("STATUS", strings.Replace(fmt.Sprintf(sickConf, ""), `"sick"`, `"rec0","record":"/run/rec"`, 1)); code != 0 {
		t.Fatal(out)
	}
	l.write("20-other.conflist", goodChain)
	ready("1")
	if left, _ := os.ReadDir("/run/metrics"); len(left) != 1 {
		t.Errorf("%v", left)
	}
}

// A killed call is told though no other call comes.
func TestWatchKilledCall(t *testing.T) {
	l := newLab(t)
	path := l.plant("[ $CNI_COMMAND = ADD ] && { echo $$ >/run/sick.pid; sleep 60; }\nexit 0\n")
	_ = os.Remove("/run/sick.pid")
	l.write("10-lab.conflist", goodChain)
	l.watch()
	c := exec.Command(shimPath)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), path, "CNI_COMMAND=ADD", "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0", "CNI_NETNS=" + l.pod().NetNS}
	c.Stdin = strings.NewReader(fmt.Sprintf(sickConf, ""))
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	l.pid("/run/sick.pid")
	l.aged() // a call that is not over within moments
	_ = c.Process.Kill()
	_ = c.Wait()
	l.said("ADD failed: sick (1/1): had been running ADD for ")
	l.wait("the failure in the status file", func() bool { v, _ := judged(); return v.Calls["ADD"].Failed == 1 && v.Verdict.Ready })
	if marks, _ := filepath.Glob("/run/cni-shim/calls/[0-9]*"); len(marks) != 0 {
		t.Errorf("marks left: %v", marks)
	}
}

// The wrapped file is a link, as Kubernetes lays out a mounted ConfigMap: the change is one of a directory elsewhere.
func TestWatchLinkTarget(t *testing.T) {
	l := newLab(t)
	l.run("rm", "-rf", "/run/map")
	l.run("mkdir", "-p", "/run/map/..1", "/run/map/..2")
	defer l.run("rm", "-rf", "/run/map")
	if err := errors.Join(os.WriteFile("/run/map/..1/lab", []byte(goodChain), 0o644), os.WriteFile("/run/map/..2/lab", []byte(badChain), 0o644),
		os.Symlink("..1", "/run/map/..data"), os.Symlink("..data/lab", "/run/map/lab"), os.Symlink("/run/map/lab", confDir+"/10-lab.conflist")); err != nil {
		t.Fatal(err)
	}
	l.watch()
	l.wait("a ready node", func() bool { v, _ := judged(); return v.Verdict.Ready })
	if err := errors.Join(os.Symlink("..2", "/run/map/..tmp"), os.Rename("/run/map/..tmp", "/run/map/..data")); err != nil {
		t.Fatal(err)
	}
	l.wait("the fault", func() bool { v, _ := judged(); return v.Verdict.Message == badCause })
	if err := os.WriteFile("/run/map/..2/lab", []byte(goodChain), 0o644); err != nil {
		t.Fatal(err)
	}
	l.wait("a ready node", func() bool { v, _ := judged(); return v.Verdict.Ready })
	// A plugin of the network's own directory.
	l.run("mkdir", confDir+"/lab")
	l.write("lab/10-x.conf", "{")
	l.wait("the fault", func() bool { v, _ := judged(); return strings.HasPrefix(v.Verdict.Message, "10-x.conf:1:2: ") })
}

// The service manager hears when the watch is ready, that it lives, what it sees and that it ends. --once tells by its exit status.
func TestWatchService(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", goodChain)
	socket := t.TempDir() + "/notify"
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	hear := func(want string) {
		t.Helper()
		b := make([]byte, 4096)
		_ = manager.SetReadDeadline(time.Now().Add(patience))
		if n, err := manager.Read(b); err != nil || string(b[:n]) != want {
			t.Errorf("%q %v, want %q", b[:n], err, want)
		}
	}
	c := exec.Command(shimPath, "watch")
	c.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	hear("READY=1\nWATCHDOG=1\nSTATUS=the chain can take pods")
	_ = c.Process.Signal(syscall.SIGTERM)
	for {
		b := make([]byte, 4096)
		_ = manager.SetReadDeadline(time.Now().Add(patience))
		n, err := manager.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		if string(b[:n]) == "STOPPING=1" {
			break
		}
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		text, says string
		code       int
	}{{goodChain, "", 0}, {badChain, "the chain cannot take pods: " + badCause + " [ConfigInvalid] delete the comma\n", 1}} {
		l.write("10-lab.conflist", c.text)
		once := exec.Command(shimPath, "watch", "--once")
		if out, _ := once.CombinedOutput(); once.ProcessState.ExitCode() != c.code || string(out) != c.says {
			t.Errorf("exit %d: %s", once.ProcessState.ExitCode(), out)
		}
	}
}
