package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	sick     = "/opt/faults"
	sickConf = `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"sick"}]}%s}`
)

// plant installs a plugin program and returns the environment that finds it.
func (l *lab) plant(script string) string {
	l.Helper()
	_ = os.RemoveAll(sick)
	l.run("mkdir", "-p", sick)
	if err := os.WriteFile(sick+"/sick", []byte("#!/bin/sh\n"+versionAnswer+script), 0o755); err != nil {
		l.Fatal(err)
	}
	return "CNI_PATH=" + sick
}

// pid waits for a process id that a plugin wrote.
func (l *lab) pid(file string) int {
	l.Helper()
	pid := 0
	l.wait(file, func() bool {
		b, _ := os.ReadFile(file)
		n, err := strconv.Atoi(strings.TrimSpace(string(b)))
		pid = n
		return err == nil
	})
	return pid
}

// aged waits until the only call under way has shown life a second after its plugin was started, so that its age is more than nothing.
func (l *lab) aged() {
	l.Helper()
	start := time.Now()
	l.wait("a sign of life of the call", func() bool {
		files, _ := filepath.Glob("/run/cni-shim/calls/[0-9]*")
		if len(files) != 1 {
			return false
		}
		fi, err := os.Stat(files[0])
		return err == nil && fi.ModTime().After(start.Add(time.Second))
	})
}

// gone waits until a process is no more, or a zombie that its parent has yet to reap.
func (l *lab) gone(pid int) bool {
	return within(patience, func() bool {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || bytes.Contains(b, []byte(") Z "))
	})
}

// The runtime gives up and kills the shim: the plugin dies with it, nobody holds the runtime's pipes, and the next call tells.
func TestKilled(t *testing.T) {
	l := newLab(t)
	path := l.plant("[ $CNI_COMMAND = ADD ] && { echo $$ >/run/sick.pid; sleep 600; }\nexit 0\n")
	_ = os.Remove("/run/sick.pid")
	pod := l.pod()
	c := exec.Command(shimPath)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), path, "CNI_COMMAND=ADD", "CNI_CONTAINERID=" + pod.ContainerID, "CNI_IFNAME=eth0", "CNI_NETNS=" + pod.NetNS}
	c.Stdin = strings.NewReader(fmt.Sprintf(sickConf, ""))
	c.Stdout, c.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	plugin := l.pid("/run/sick.pid")
	l.aged()
	_ = c.Process.Kill()
	waited := make(chan error, 1)
	go func() { waited <- c.Wait() }()
	select {
	case <-waited:
	case <-time.After(patience): // the plugin sleeps longer
		t.Fatal("somebody holds the pipes of the killed shim")
	}
	if !l.gone(plugin) {
		t.Error("the plugin outlived the shim")
	}
	if out, code := l.plugin("DEL", fmt.Sprintf(sickConf, ""), path, "CNI_CONTAINERID="+pod.ContainerID, "CNI_NETNS="+pod.NetNS); code != 0 {
		t.Errorf("DEL: %s", out)
	}
	e := l.journal(1, func(e entry) bool { return e.get("CNI_REASON") == "PluginTimeout" })
	if m := e[0].get("MESSAGE"); len(e) != 1 || !strings.HasPrefix(m, "ADD failed: sick (1/1): had been running ADD for ") || strings.Contains(m, "for 0s") || !strings.Contains(m, "when the runtime gave up") {
		t.Errorf("%v", e)
	}
	var s struct {
		Verdict  struct{ Reason string }
		Failures []struct{ Reason, Plugin string }
		Calls    map[string]struct{ Total, Failed int }
	}
	if l.status(&s); len(s.Failures) != 1 || s.Failures[0].Plugin != "sick" || s.Calls["ADD"].Failed != 1 || s.Verdict.Reason == "PluginTimeout" {
		t.Errorf("%+v", s)
	}
	if marks, _ := filepath.Glob("/run/cni-shim/calls/[0-9]*"); len(marks) != 0 {
		t.Errorf("marks left: %v", marks)
	}
}

// What hangs, and what is bounded: STATUS always, the others when configured; a grandchild never holds the call.
func TestDeadlines(t *testing.T) {
	for _, c := range []struct {
		name, verb, script, more string
		code                     int
		says                     string
		least, most              time.Duration
	}{
		{"STATUS that hangs", "STATUS", "echo $$ >/run/sick.pid; sleep 600\n", `,"timeouts":{"STATUS":"1s"}`, 0, "", time.Second, 4 * time.Second},
		{"ADD that hangs", "ADD", "[ $CNI_COMMAND = ADD ] || exit 0; (sleep 600; echo x) & echo $! >/run/sick.pid; wait\n", `,"timeouts":{"ADD":"1s"}`, 1, "; killed", time.Second, 4 * time.Second},
		{"grandchild that holds the pipes", "ADD", "[ $CNI_COMMAND = ADD ] || exit 0; sleep 600 & echo $! >/run/sick.pid; echo '{\"cniVersion\":\"1.1.0\"}'\n", "", 0, `{"cniVersion":"1.1.0"}`, 0, 4 * time.Second},
		{"outputs closed before a long stdin is read", "DEL", "[ $CNI_COMMAND = DEL ] || exit 0; echo $$ >/run/sick.pid; exec >/dev/null 2>&1; sleep 0.2; exec cat\n", `,"filler":"` + strings.Repeat("x", 200<<10) + `"`, 0, "", 0, 20 * time.Second},
		{"output without end", "ADD", "[ $CNI_COMMAND = ADD ] || exit 0; echo $$ >/run/sick.pid; exec yes\n", "", 1, "sick (1/1): printed more than 4 MiB on stdout", 0, 20 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			path := l.plant(c.script)
			conf := fmt.Sprintf(sickConf, c.more)
			if filler, ok := strings.CutPrefix(c.more, `,"filler"`); ok { // it is the plugin's
				conf = strings.Replace(fmt.Sprintf(sickConf, ""), `{"type":"sick"}`, `{"type":"sick","filler"`+filler+`}`, 1)
			}
			pod := l.pod()
			l.soon(c.most, func() time.Duration {
				_ = os.Remove("/run/sick.pid")
				start := time.Now()
				out, code := l.plugin(c.verb, conf, path, "CNI_NETNS="+pod.NetNS)
				took := time.Since(start)
				if code != c.code || !strings.Contains(out, c.says) || took < c.least {
					t.Errorf("exit %d after %s: %s", code, took, out)
				}
				pid := l.pid("/run/sick.pid")
				if strings.HasPrefix(c.name, "grandchild") {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				} else if !l.gone(pid) {
					t.Error("a process of the plugin's lives on")
				}
				return took
			})
			if c.verb == "STATUS" {
				l.journal(1, func(e entry) bool { return strings.Contains(e.get("MESSAGE"), "did not answer STATUS within 1s") })
			}
		})
	}
}

// kill -9 at every system call of an ADD that touches files: the attachment is absent or whole, DEL succeeds, nothing leaks.
func TestKilledAtEverySystemCall(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is needed: integration/setup.sh installs it")
	}
	l := newLab(t)
	l.write("10-lab.conflist", `{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"bridge","bridge":"lab0","ipam":{"type":"host-local","subnet":"10.9.0.0/24"}}]}`)
	conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":"/etc/cni/net.d"}`
	states := map[string]int{}
	for _, call := range []string{"openat", "write", "pwrite64", "flock", "renameat", "unlinkat", "fchmod", "close"} {
		for n := 1; n <= 120; n++ {
			pod := l.pod()
			env := []string{"PATH=" + os.Getenv("PATH"), "CNI_PATH=" + binDir, "CNI_COMMAND=ADD", "CNI_CONTAINERID=" + pod.ContainerID, "CNI_IFNAME=eth0", "CNI_NETNS=" + pod.NetNS}
			c := exec.Command(strace, "-qq", "-o", "/dev/null", "-f", "-b", "execve", "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n), shimPath)
			c.Env, c.Stdin = env, strings.NewReader(conf)
			killed := c.Run() != nil
			switch b, err := os.ReadFile(filepath.Join(entries, "lab", pod.ContainerID+"@eth0")); {
			case err != nil:
				states["absent"]++
			case bytes.Count(b, []byte("\n")) == 2:
				states["added"]++
			case bytes.Count(b, []byte("\n")) == 1:
				states["adding"]++
			case len(b) == 0: // killed before it was written: as none
				states["absent"]++
			default:
				t.Errorf("%s %d: %d bytes of an entry: %q", call, n, len(b), b)
			}
			for range 2 {
				if out, code := l.plugin("DEL", conf, env[3:]...); code != 0 {
					t.Errorf("%s %d: DEL: %s", call, n, out)
				}
			}
			_ = exec.Command("ip", "netns", "del", pod.ContainerID).Run()
			if !killed {
				break
			}
		}
	}
	if left := l.leases("lab"); len(left) != 0 {
		t.Errorf("host-local still holds %v", left)
	}
	if states["absent"] == 0 || states["adding"] == 0 || states["added"] == 0 {
		t.Errorf("the kills met %v", states)
	}
	l.clean()
	t.Logf("%v", states)
	_ = exec.Command("ip", "link", "del", "lab0").Run()
}

// clean fails where something of a killed or ended call is left: temporary files, marks, records, attachments.
func (l *lab) clean() {
	l.Helper()
	for _, pattern := range []string{"/run/cni-shim/calls/[0-9]*", "/run/cni-shim/records/*.json", "/run/cni-shim/*/.tmp/*", "/run/cni-shim/.tmp/*", entries + "/*/*@*", entries + "/*/.tmp/*"} {
		if left, _ := filepath.Glob(pattern); len(left) != 0 {
			l.Errorf("left: %v", left)
		}
	}
}

// Nothing of the caller's umask, directory or environment matters.
func TestCaller(t *testing.T) {
	l := newLab(t)
	l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
	pod := l.pod()
	old := unix.Umask(0o777)
	defer unix.Umask(old)
	dir, _ := os.MkdirTemp("/run", "gone")
	_ = os.Chmod(dir, 0o700)
	for _, verb := range []string{"ADD", "CHECK", "DEL"} {
		c := exec.Command(shimPath)
		c.Dir = dir
		c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "CNI_PATH=" + binDir, "CNI_COMMAND=" + verb, "CNI_CONTAINERID=" + pod.ContainerID, "CNI_IFNAME=eth0", "CNI_NETNS=" + pod.NetNS, "HOME=/nowhere", "TMPDIR=/nowhere", "GODEBUG=", "LANG=xx"}
		prev := ""
		if verb != "ADD" {
			prev = `,"prevResult":` + l.lastResult
		}
		c.Stdin = strings.NewReader(`{"cniVersion":"1.0.0","name":"k8s-pod-network","type":"cni-shim"` + prev + `}`)
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%s: %v %s", verb, err, out)
		}
		if verb == "ADD" {
			l.lastResult = string(out)
		}
	}
	unix.Umask(old)
	if fi, err := os.Stat(statusFile); err != nil || fi.Mode().Perm() != 0o644 {
		t.Errorf("%v %v", fi, err)
	}
	l.clean()
	l.run("ip", "link", "del", "cni0")
}

// A plugin that runs long is told while it does.
func TestProgress(t *testing.T) {
	l := newLab(t)
	path := l.plant("[ $CNI_COMMAND = ADD ] && { sleep 11.5; echo '{\"cniVersion\":\"1.1.0\"}'; }\nexit 0\n")
	if out, code := l.plugin("ADD", fmt.Sprintf(sickConf, ""), path, "CNI_NETNS="+l.pod().NetNS); code != 0 {
		t.Fatal(out)
	}
	l.journal(1, func(e entry) bool { return e.get("MESSAGE") == "sick (1/1) has been running ADD for 10s" })
}

// Container ids, interface and plugin names that try to leave a directory get nowhere.
func TestNamesThatClimb(t *testing.T) {
	l := newLab(t)
	conf := func(name, plugin string) string {
		return fmt.Sprintf(`{"cniVersion":"1.0.0","name":%q,"type":"cni-shim","chain":{"plugins":[{"type":%q}]}}`, name, plugin)
	}
	for _, c := range []struct{ stdin, env, says string }{
		{conf("lab", "x"), "CNI_CONTAINERID=../../etc/x", "invalid characters in containerID"},
		{conf("lab", "x"), "CNI_IFNAME=../x", "interface name contains / or : or whitespace characters"},
		{conf("../lab", "x"), "A=", "invalid characters found in network name"},
		{conf("lab", "../../bin/sh"), "A=", "its type is a path"},
		{conf("lab", ".."), "A=", ".. (1/1): "},
	} {
		out, code := l.plugin("ADD", c.stdin, c.env, "CNI_NETNS="+l.pod().NetNS)
		if code != 1 || !strings.Contains(out, c.says) {
			t.Errorf("%s %s: exit %d: %s", c.stdin, c.env, code, out)
		}
	}
	l.clean()
}

// A plugin that hangs on VERSION delays the first call by two seconds, STATUS by no more than its own bound, and later calls not at all.
func TestVersionHangs(t *testing.T) {
	l := newLab(t)
	asked := filepath.Join(t.TempDir(), "asked")
	path := l.plant("")
	if err := os.WriteFile(sick+"/sick", []byte("#!/bin/sh\n[ $CNI_COMMAND = VERSION ] && { echo >>"+asked+"; sleep 600; }\n[ $CNI_COMMAND = ADD ] && echo '{\"cniVersion\":\"1.1.0\"}'\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	pod := l.pod()
	for i, verb := range []string{"STATUS", "ADD", "STATUS", "ADD"} {
		if out, code := l.plugin(verb, fmt.Sprintf(sickConf, `,"timeouts":{"STATUS":"1s"}`), path, "CNI_NETNS="+pod.NetNS); code != 0 {
			t.Errorf("call %d, %s: %s", i, verb, out)
		}
	}
	if b, _ := os.ReadFile(asked); string(b) != "\n" {
		t.Errorf("asked %d times, want once", len(b))
	}
}

// Calls that are killed one after the other are all told, though each that could tell the one before was killed itself.
func TestKilledInARow(t *testing.T) {
	l := newLab(t)
	path := l.plant("[ $CNI_COMMAND = ADD ] && { echo $$ >/run/sick.pid; sleep 600; }\nexit 0\n")
	pod := l.pod()
	const many = 3
	for i := range many {
		_ = os.Remove("/run/sick.pid")
		c := exec.Command(shimPath)
		c.Env = []string{"PATH=" + os.Getenv("PATH"), path, "CNI_COMMAND=ADD", "CNI_CONTAINERID=c" + strconv.Itoa(i), "CNI_IFNAME=eth0", "CNI_NETNS=" + pod.NetNS,
			"CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web"}
		c.Stdin = strings.NewReader(fmt.Sprintf(sickConf, ""))
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		l.pid("/run/sick.pid")
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	if out, code := l.plugin("DEL", fmt.Sprintf(sickConf, ""), path, "CNI_NETNS="+pod.NetNS); code != 0 {
		t.Fatal(out)
	}
	told := func(e entry) bool {
		return e.get("CNI_REASON") == "PluginTimeout" && e.get("K8S_POD_NAMESPACE")+"/"+e.get("K8S_POD_NAME") == "default/web"
	}
	if e := l.journal(many, told); len(e) != many {
		t.Errorf("%d of %d told with their pod", len(e), many)
	}
	var s struct {
		Calls map[string]struct{ Total, Failed int }
	}
	if l.status(&s); s.Calls["ADD"].Failed != many {
		t.Errorf("%+v", s.Calls)
	}
}

// A runtime that is restarted leaves stdout and stderr without readers: no call ends for that between two plugins.
func TestReadersGone(t *testing.T) {
	l := newLab(t)
	record := filepath.Join(t.TempDir(), "calls")
	path := l.plant("echo noise >&2\n[ $CNI_COMMAND = ADD ] && echo '{\"cniVersion\":\"1.1.0\"}'\nexit 0\n")
	conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"sick"},{"type":"rec0","record":"` + record + `"}]}}`
	c := exec.Command(shimPath)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), path + ":" + binDir, "CNI_COMMAND=ADD", "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0", "CNI_NETNS=" + l.pod().NetNS,
		"GOCOVERDIR=" + os.Getenv("GOCOVERDIR")} // else it says, before it is the shim, that this is not set
	c.Stdin = strings.NewReader(conf)
	for _, to := range []*io.Writer{&c.Stdout, &c.Stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		defer w.Close()
		*to = w
	}
	_ = c.Run() // it could not hand over its answer, and says so
	if got := l.calls(record); got != "rec0 ADD" {
		t.Errorf("the second plugin's calls: %q", got)
	}
	l.journal(1, func(e entry) bool { return strings.HasPrefix(e.get("MESSAGE"), "ADD ok") })
}

// A runtime that holds the pipes and does not read them: its stderr costs a call a tenth of a second and no CPU time, and an answer
// waits for its reader.
func TestReadersStuck(t *testing.T) {
	l := newLab(t)
	path := l.plant("echo noise >&2\n[ $CNI_COMMAND = ADD ] && echo '{\"cniVersion\":\"1.1.0\"}'\nexit 0\n")
	conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"sick"},{"type":"sick"},{"type":"sick"}]}}`
	netns := l.pod().NetNS
	// call runs an ADD whose stdout and stderr are pipes; prepared ones are full, and read only after a while if at all.
	call := func(name, id string, out, errs *fullPipe) (cpu time.Duration) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, shimPath)
		c.Env = []string{"PATH=" + os.Getenv("PATH"), path, "CNI_COMMAND=ADD", "CNI_CONTAINERID=" + id, "CNI_IFNAME=eth0", "CNI_NETNS=" + netns,
			"GOCOVERDIR=" + os.Getenv("GOCOVERDIR")}
		c.Stdin = strings.NewReader(conf)
		c.Stdout, c.Stderr = out.w, errs.w
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		answer := out.drain()
		err := c.Wait()
		_ = out.w.Close()
		if got := strings.TrimLeft(<-answer, "x"); err != nil || !strings.Contains(got, `"cniVersion"`) || !json.Valid([]byte(got)) {
			t.Errorf("%s: %v, answer %q", name, err, got)
		}
		return c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	}
	free := call("free", "free", newPipe(t, false, 0, 0), newPipe(t, false, 0, 0))
	for i, nonblock := range []bool{false, true} {
		for name, cpu := range map[string]time.Duration{
			"stdout": call("stdout", fmt.Sprint("o", i), newPipe(t, nonblock, 1<<16, time.Second), newPipe(t, false, 0, 0)),
			"stderr": call("stderr", fmt.Sprint("e", i), newPipe(t, false, 0, 0), newPipe(t, nonblock, 1<<16, 0)),
		} {
			t.Logf("%s, non-blocking %v: %v of CPU time, %v where it is read", name, nonblock, cpu, free)
			if cpu > 10*free {
				t.Errorf("%s, non-blocking %v: %v of CPU time, %v where it is read", name, nonblock, cpu, free)
			}
		}
	}
}

// fullPipe is a pipe whose reader lives.
type fullPipe struct {
	r, w  *os.File
	after time.Duration
}

// newPipe makes one that holds so many bytes, and is read from only after a while.
func newPipe(t *testing.T, nonblock bool, bytes int, after time.Duration) *fullPipe {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	if nonblock {
		if err := unix.SetNonblock(fds[1], true); err != nil {
			t.Fatal(err)
		}
	}
	for range bytes >> 12 {
		if _, err := unix.Write(fds[1], []byte(strings.Repeat("x", 1<<12))); err != nil {
			t.Fatal(err)
		}
	}
	p := &fullPipe{os.NewFile(uintptr(fds[0]), "read"), os.NewFile(uintptr(fds[1]), "write"), after}
	t.Cleanup(func() { _ = p.r.Close(); _ = p.w.Close() })
	return p
}

// drain reads all of it.
func (p *fullPipe) drain() <-chan string {
	all := make(chan string, 1)
	go func() {
		time.Sleep(p.after)
		b, _ := io.ReadAll(p.r)
		all <- string(b)
	}()
	return all
}

// A program that is away while an installer replaces it does not make the node not ready.
func TestStatusSettles(t *testing.T) {
	l := newLab(t)
	path := l.plant("exit 0\n")
	conf := fmt.Sprintf(sickConf, "")
	if out, code := l.plugin("STATUS", conf, path); code != 0 {
		t.Fatal(out)
	}
	if err := os.Rename(sick+"/sick", sick+"/.new"); err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(200 * time.Millisecond)
		_ = os.Rename(sick+"/.new", sick+"/sick")
	}()
	if out, code := l.plugin("STATUS", conf, path); code != 0 {
		t.Errorf("STATUS during a replacement: %s", out)
	}
	if err := os.Remove(sick + "/sick"); err != nil {
		t.Fatal(err)
	}
	if out, code := l.plugin("STATUS", conf, path); code != 1 || !strings.Contains(out, "PluginNotFound") {
		t.Errorf("STATUS without the program: %s", out)
	}
}
