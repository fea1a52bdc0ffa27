package integration

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Journald stopped, its queue full: a call is delayed by little, what is lost is counted, and told when journald is back.
func TestJournalStopped(t *testing.T) {
	l := newLab(t)
	l.released()
	path := l.plant("[ $CNI_COMMAND = ADD ] && echo '{\"cniVersion\":\"1.1.0\"}'\nexit 0\n")
	if err := journald.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := true
	defer func() {
		if stopped {
			_ = journald.Signal(syscall.SIGCONT)
		}
	}()
	fill(t)
	pod := l.pod()
	l.soon(time.Second, func() time.Duration {
		start := time.Now()
		if out, code := l.plugin("ADD", fmt.Sprintf(sickConf, ""), path, "CNI_NETNS="+pod.NetNS); code != 0 {
			t.Errorf("exit %d: %s", code, out)
		}
		return time.Since(start)
	})
	var s struct{ Unrecorded struct{ Journal int } }
	if l.status(&s); s.Unrecorded.Journal == 0 {
		t.Error("nothing counted as lost")
	}
	_ = journald.Signal(syscall.SIGCONT)
	stopped = false
	l.wait("journald to take entries", func() bool { return !full(t) })
	l.wait("the notice of what was lost", func() bool { // a busy machine may lose the entries of one call more
		if out, code := l.plugin("CHECK", fmt.Sprintf(sickConf, ""), path, "CNI_NETNS="+pod.NetNS); code != 0 {
			t.Error(out)
		}
		out, _ := exec.Command("journalctl", "-t", "cni-shim", "-o", "cat", "--since", "@"+itoa(l.since.Unix())).Output()
		return strings.Contains(string(out), "journald takes entries again; ")
	})
}

// fill sends to journald's socket until it takes no more.
func fill(t *testing.T) {
	t.Helper()
	for range 4096 {
		if full(t) {
			return
		}
	}
	t.Fatal("the queue never fills")
}

// full sends journald one entry more, and is true where its queue has no place for it.
func full(t *testing.T) bool {
	t.Helper()
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s)
	entry := []byte("MESSAGE=filler\nPRIORITY=7\nSYSLOG_IDENTIFIER=filler\n")
	err = unix.Sendto(s, entry, unix.MSG_DONTWAIT, &unix.SockaddrUnix{Name: "/run/systemd/journal/socket"})
	if err != nil && err != unix.EAGAIN {
		t.Fatal(err)
	}
	return err != nil
}

// Large fields arrive whole.
func TestLargeField(t *testing.T) {
	l := newLab(t)
	path := l.plant("head -c 60000 /dev/zero | tr '\\0' y >&2; exit 1\n")
	l.plugin("ADD", fmt.Sprintf(sickConf, ""), path, "CNI_NETNS="+l.pod().NetNS)
	e := l.journal(1, func(e entry) bool { return e.get("PRIORITY") == "3" }, "--all")
	if n := len(e[0].get("CNI_STDERR")); n != 60000 {
		t.Errorf("%d bytes of stderr", n)
	}
}

// Without journald a call works, and the status file counts what was not logged.
func TestJournalAbsent(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0","record":"/run/rec"}]}`)
	outer := l.outer("lab", "")
	if err := os.Rename("/run/systemd/journal/socket", "/run/systemd/journal/socket.away"); err != nil {
		t.Fatal(err)
	}
	_, err := l.cni.AddNetworkList(l.ctx(), outer, l.pod())
	if e := os.Rename("/run/systemd/journal/socket.away", "/run/systemd/journal/socket"); e != nil || err != nil {
		t.Fatal(e, err)
	}
	var s struct{ Unrecorded struct{ Journal int } }
	if l.status(&s); s.Unrecorded.Journal < 1 {
		t.Errorf("%+v", s)
	}
}

// A socket that nobody listens on refuses: the call works, the loss is counted, and is told once somebody listens again. Notices of
// the shim's own are not counted as lost.
func TestJournalRefuses(t *testing.T) {
	l := newLab(t)
	const socket = "/run/systemd/journal/socket"
	conf := `{"cniVersion":"1.0.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"rec0","record":"/run/rec"}]}}`
	if err := os.Rename(socket, socket+".away"); err != nil {
		t.Fatal(err)
	}
	back := func() { _ = os.Remove(socket); _ = os.Rename(socket+".away", socket) }
	defer back()
	dead, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	dead.Close() // the file stays where it was bound without being unlinked
	if _, err := os.Stat(socket); err != nil {
		dead, _ := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
		if err := unix.Bind(dead, &unix.SockaddrUnix{Name: socket}); err != nil {
			t.Fatal(err)
		}
		unix.Close(dead)
	}
	lost := func() int {
		var s struct{ Unrecorded struct{ Journal int } }
		l.status(&s)
		return s.Unrecorded.Journal
	}
	pod := l.pod()
	if out, code := l.plugin("ADD", conf, "CNI_NETNS="+pod.NetNS); code != 0 {
		t.Fatal(out)
	}
	first := lost() // the call, and the chain that is new
	if out, code := l.plugin("CHECK", conf, "CNI_NETNS="+pod.NetNS); code != 0 || first != 2 || lost() != 3 {
		t.Errorf("%d lost after ADD, %d after CHECK, want 2 and 3: %s", first, lost(), out)
	}
	back()
	for range 2 {
		if out, code := l.plugin("CHECK", conf, "CNI_NETNS="+pod.NetNS); code != 0 {
			t.Fatal(out)
		}
	}
	told := l.journal(1, func(e entry) bool {
		return strings.HasPrefix(e.get("MESSAGE"), "journald takes entries again; 3 were lost, ") && strings.Contains(e.get("MESSAGE"), "connection refused")
	})
	if len(told) != 1 || lost() != 3 {
		t.Errorf("%d notices, %d lost", len(told), lost())
	}
}

// Journald's rate limit drops what one unit says too often: failures have a budget of their own by their priority, calls are not
// delayed, and the status file counts all of them.
func TestJournalRateLimit(t *testing.T) {
	l := newLab(t)
	unit := inUnit(t, fmt.Sprintf("lab%d.service", time.Now().UnixNano()))
	l.run("mkdir", "-p", "/etc/systemd")
	if err := os.WriteFile("/etc/systemd/journald.conf", []byte("[Journal]\nRateLimitIntervalSec=600s\nRateLimitBurst=10\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	restart := func() {
		_ = journald.Kill()
		_, _ = journald.Wait()
		_ = os.Remove("/run/systemd/journal/socket")
		if _, err := startJournald(); err != nil {
			t.Fatal(err)
		}
	}
	restart()
	defer func() { _ = os.Remove("/etc/systemd/journald.conf"); restart() }()
	path := l.plant("[ $CNI_COMMAND = ADD ] && [ -e /run/sick ] && { echo '{\"code\":11,\"msg\":\"no\"}'; exit 1; }\n[ $CNI_COMMAND = ADD ] && echo '{\"cniVersion\":\"1.1.0\"}'\nexit 0\n")
	_ = os.Remove("/run/sick")
	conf, pod := fmt.Sprintf(sickConf, ""), l.pod()
	add := func() {
		c := exec.Command("sh", "-c", "echo $$ >"+unit+"/cgroup.procs && exec "+shimPath)
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "CNI_COMMAND=ADD", path, "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0", "CNI_NETNS=" + pod.NetNS}
		c.Stdin = strings.NewReader(conf)
		if out, err := c.CombinedOutput(); (err != nil) != exists("/run/sick") {
			t.Fatalf("%v: %s", err, out)
		}
	}
	const calls = 150 // beyond the burst times six, which is what journald makes of it on an empty disk
	for range calls {
		add()
	}
	if err := os.WriteFile("/run/sick", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	defer os.Remove("/run/sick")
	add()
	l.journal(1, func(e entry) bool {
		return e.get("PRIORITY") == "3" && strings.HasPrefix(e.get("MESSAGE"), "ADD failed: sick (1/1): no")
	})
	took := len(l.journal(1, func(e entry) bool { return strings.HasPrefix(e.get("MESSAGE"), "ADD ok") }))
	if took >= calls {
		t.Errorf("all %d calls are in the journal: nothing was limited", took)
	}
	var s struct {
		Calls map[string]struct{ Total, Failed int }
	}
	if l.status(&s); s.Calls["ADD"].Total != calls+1 || s.Calls["ADD"].Failed != 1 {
		t.Errorf("%+v", s.Calls)
	}
	t.Logf("%d of %d informational entries, and the failure", took, calls)
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// inUnit makes a control group that journald takes for a unit's, and returns its directory: in the hierarchy that systemd would
// use here.
func inUnit(t *testing.T, name string) string {
	t.Helper()
	root := "/sys/fs/cgroup"
	for _, hierarchy := range []string{"unified", "systemd"} { // none of them where the root itself is of version 2
		if exists(filepath.Join(root, hierarchy, "cgroup.procs")) {
			root = filepath.Join(root, hierarchy)
			break
		}
	}
	dir := filepath.Join(root, "system.slice", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatalf("no control group can be made: %v", err)
	}
	t.Cleanup(func() { _ = os.Remove(dir); _ = os.Remove(filepath.Dir(dir)) })
	return dir
}
