package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
)

// runtimeRuns starts a process of a runtime's name, which sees what this node's processes see. Without one nothing proves that these
// private mounts are a node and no container.
func (l *lab) runtimeRuns() {
	l.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		l.Fatal(err)
	}
	name := filepath.Join(l.TempDir(), "containerd")
	if err := os.Symlink(sleep, name); err != nil {
		l.Fatal(err)
	}
	c := exec.Command(name, "3600")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
}

// later runs a program on a node that has been up for so much longer, by its own clock.
func (l *lab) later(by time.Duration, args ...string) (out string, code int) {
	l.Helper()
	c := exec.Command("unshare", append([]string{"--time", "--fork", "--kill-child", "--boottime", fmt.Sprint(int(by.Seconds()))}, args...)...)
	b, _ := c.CombinedOutput()
	return string(b), c.ProcessState.ExitCode()
}

// forget is cni-shim forget eleven minutes later.
func (l *lab) forget(args ...string) (out string, code int) {
	l.Helper()
	return l.later(11*time.Minute, append([]string{shimPath, "forget"}, args...)...)
}

// crictl installs a runtime's socket and a crictl that answers by a script, and counts its calls in a file, which it returns.
func (l *lab) crictl(script string) (calls string) {
	l.Helper()
	const tool, config, socket = "/usr/local/bin/crictl", "/etc/containerd/config.toml", "/run/containerd/containerd.sock"
	calls = filepath.Join(l.TempDir(), "calls")
	for path, text := range map[string]string{tool: "#!/bin/sh\necho \"$*\" >>" + calls + "\n" + script + "\n", config: "version = 3\n", socket: ""} {
		l.run("mkdir", "-p", filepath.Dir(path))
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			l.Fatal(err)
		}
		l.Cleanup(func() { os.Remove(path) })
	}
	return calls
}

func listOf(ids ...string) string {
	for i, id := range ids {
		ids[i] = `{"id":"` + id + `","state":"SANDBOX_NOTREADY"}`
	}
	return `echo '{"items":[` + strings.Join(ids, ",") + `]}'`
}

// attach adds a pod through a chain of one plugin that records its calls.
func (l *lab) attach(record string) *libcni.RuntimeConf {
	l.Helper()
	pod := l.pod()
	if out, code := l.plugin("ADD", recorderConf(record), "CNI_CONTAINERID="+pod.ContainerID, "CNI_NETNS="+pod.NetNS); code != 0 {
		l.Fatal(out)
	}
	return pod
}

func recorderConf(record string) string {
	return fmt.Sprintf(`{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"rec0","record":%q}]}}`, record)
}

// deleted reports whether DEL ran for a pod.
func (l *lab) deleted(record string, pod *libcni.RuntimeConf) bool {
	b, _ := os.ReadFile(record)
	for _, line := range strings.Split(string(b), "\n") {
		if strings.Contains(line, "CNI_COMMAND=DEL") && strings.Contains(line, "CNI_CONTAINERID="+pod.ContainerID) {
			return true
		}
	}
	return false
}

func (l *lab) kept(record string, pod *libcni.RuntimeConf, out string, code int, why string) {
	l.Helper()
	_, err := os.Stat(entries + "/lab/" + pod.ContainerID + "@eth0")
	if code != 1 || !strings.Contains(out, "is kept: ") || !strings.Contains(out, why) || !strings.Contains(out, "; nothing was changed (--force") || strings.Count(out, "\n") != 1 {
		l.Errorf("exit %d: %swant %q", code, out, why)
	}
	if err != nil || l.deleted(record, pod) {
		l.Errorf("%v, deleted: %v", err, l.deleted(record, pod))
	}
}

// What an admin types does not cut off a pod: forget refuses each attachment of which one of the proofs is missing, and says which.
func TestForgetRefuses(t *testing.T) {
	l := newLab(t)
	record := filepath.Join(t.TempDir(), "calls")
	live, gone := l.attach(record), l.attach(record)
	l.run("ip", "netns", "del", gone.ContainerID)
	forget := func(pod *libcni.RuntimeConf, why string) {
		t.Helper()
		out, code := l.forget("lab", pod.ContainerID, "eth0")
		l.kept(record, pod, out, code, why)
	}
	forget(live, "its network namespace "+live.NetNS+" is there")
	forget(gone, "a live pod") // no process shows that this is the node
	l.runtimeRuns()
	forget(live, "its network namespace "+live.NetNS+" is there")
	out, code := l.tool("forget", "lab", gone.ContainerID, "eth0")
	l.kept(record, gone, out, code, "its ADD or the node's start was only ")
	l.crictl(listOf(gone.ContainerID))
	forget(gone, "containerd knows the container, and will ask for its DEL")
	l.crictl("exec sleep 600")
	start := time.Now()
	forget(gone, "whether containerd knows the container is not known: ")
	if took := time.Since(start); took < 5*time.Second || took > patience {
		t.Errorf("a runtime that gives no answer was waited for for %s", took)
	}
	l.crictl(`echo 'level=fatal msg="validate service connection: rpc error: code = Unavailable"' >&2; exit 1`)
	forget(gone, "whether containerd knows the container is not known: /usr/local/bin/crictl: exit status 1: level=fatal")
	l.crictl("echo null")
	forget(gone, "is not known: crictl: an answer that is no list of pods")
	l.crictl(listOf())
	l.run("rm", "/run/containerd/containerd.sock")
	forget(gone, "is not known: it is installed and does not run (no /run/containerd/containerd.sock)")
	l.run("rm", "/usr/local/bin/crictl")
	cache := "/var/lib/cni/results/lab-" + gone.ContainerID + "-eth0"
	l.run("mkdir", "-p", filepath.Dir(cache))
	l.run("touch", cache)
	forget(gone, "no runtime was asked, and the runtimes' CNI cache has it")
	l.run("rm", cache)

	if out, code := l.forget("lab", "nobody", "eth0"); code != 1 || !strings.Contains(out, "no such attachment is stored; nothing was changed") {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, code := l.forget("lab", gone.ContainerID, "eth0", "--dry-run"); code != 0 || !strings.HasSuffix(out, "\ndry run: nothing was changed\n") || l.deleted(record, gone) {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, code := l.forget("lab", gone.ContainerID, "eth0"); code != 0 || out != "lab "+gone.ContainerID+" eth0: deleted\n" || !l.deleted(record, gone) {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, code := l.tool("forget", "lab", live.ContainerID, "eth0", "--force"); code != 0 || !l.deleted(record, live) {
		t.Errorf("exit %d: %s", code, out)
	}
	l.clean()
}

// Docker's containerd, which serves no pods, does not stand in the way of a runtime that does.
func TestForgetBesideDocker(t *testing.T) {
	l := newLab(t)
	l.runtimeRuns()
	record := filepath.Join(t.TempDir(), "calls")
	gone := l.attach(record)
	l.run("ip", "netns", "del", gone.ContainerID)
	l.crictl(`case "$*" in *crio*) ` + listOf() + `;; *) echo 'unknown service runtime.v1.RuntimeService' >&2; exit 1;; esac`)
	l.run("mkdir", "-p", "/etc/crio", "/run/crio")
	for _, path := range []string{"/etc/crio/crio.conf", "/run/crio/crio.sock"} {
		l.run("touch", path)
		defer os.Remove(path)
	}
	out, code := l.forget("lab", gone.ContainerID, "eth0")
	l.kept(record, gone, out, code, "whether containerd knows the container is not known: /usr/local/bin/crictl: exit status 1: unknown service")
	if err := os.WriteFile("/etc/containerd/config.toml", []byte("disabled_plugins = [\"cri\"]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, code := l.forget("lab", gone.ContainerID, "eth0", "--dry-run"); code != 0 || !strings.Contains(out, "would be deleted") {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, code := l.forget("lab", gone.ContainerID, "eth0"); code != 0 || !l.deleted(record, gone) {
		t.Errorf("exit %d: %s", code, out)
	}
}

// An attachment of an earlier boot is stale though the clock has been set back; one whose ADD runs is not, however old its entry is.
func TestForgetByUptime(t *testing.T) {
	l := newLab(t)
	l.runtimeRuns()
	record := filepath.Join(t.TempDir(), "calls")
	const later = 1000 * time.Hour
	add := func(id, netns, conf string) *exec.Cmd {
		c := exec.Command("unshare", "--time", "--fork", "--kill-child", "--boottime", fmt.Sprint(int(later.Seconds())), shimPath)
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "CNI_COMMAND=ADD", "CNI_PATH=" + binDir + ":" + sick, "CNI_CONTAINERID=" + id, "CNI_IFNAME=eth0", "CNI_NETNS=" + netns}
		c.Stdin = strings.NewReader(conf)
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	edit := func(id, what, with string) {
		t.Helper()
		path := entries + "/lab/" + id + "@eth0"
		b, err := os.ReadFile(path)
		if err != nil || !regexp.MustCompile(what).Match(b) {
			t.Fatalf("%v: %s", err, b)
		}
		if err := os.WriteFile(path, regexp.MustCompile(what).ReplaceAll(b, []byte(with)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := l.pod()
	if err := add(before.ContainerID, before.NetNS, recorderConf(record)).Wait(); err != nil {
		t.Fatal(err)
	}
	edit(before.ContainerID, `"created":"[^"]*"`, `"created":"2999-01-01T00:00:00Z"`)
	l.run("ip", "netns", "del", before.ContainerID)
	if out, code := l.forget("lab", before.ContainerID, "eth0"); code != 0 || !l.deleted(record, before) {
		t.Errorf("of an earlier boot: exit %d: %s", code, out)
	}

	_ = os.Remove("/run/sick.pid")
	l.plant("[ $CNI_COMMAND = ADD ] && { echo $$ >/run/sick.pid; sleep 60; }\n")
	running := l.pod()
	c := add(running.ContainerID, running.NetNS, fmt.Sprintf(sickConf, ""))
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	l.pid("/run/sick.pid")
	l.run("ip", "netns", "del", running.ContainerID)
	edit(running.ContainerID, `"uptime":[0-9.e+]*`, `"uptime":1`)
	if out, code := l.later(later, shimPath, "forget", "lab", running.ContainerID, "eth0"); code != 1 || !strings.Contains(out, "is kept: its ADD is running (process ") {
		t.Errorf("exit %d: %s", code, out)
	}
}

// After a reboot, before a watch has brought it back, an attachment is found in the stateDir of the shim's entry.
func TestForgetInOwnStateDir(t *testing.T) {
	l := newLab(t)
	l.runtimeRuns()
	record := filepath.Join(t.TempDir(), "calls")
	const own = "/var/lib/lab-state"
	l.write("10-lab.conflist", fmt.Sprintf(`{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"rec0","record":%q}]}`, record))
	l.outer("lab", fmt.Sprintf(`"chain": "/etc/cni/net.d", "stateDir": %q`, own))
	stop := l.watching()
	pod := l.pod()
	conf := fmt.Sprintf(`{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":"/etc/cni/net.d","stateDir":%q}`, own)
	if out, code := l.plugin("ADD", conf, "CNI_CONTAINERID="+pod.ContainerID, "CNI_NETNS="+pod.NetNS); code != 0 {
		t.Fatal(out)
	}
	l.wait("the attachment on the disk", func() bool { return exists(own + "/attachments/lab/" + pod.ContainerID + "@eth0") })
	stop()
	l.reboot()
	l.run("ip", "netns", "del", pod.ContainerID)
	if out, code := l.forget("lab", pod.ContainerID, "eth0"); code != 0 || !l.deleted(record, pod) {
		t.Errorf("exit %d: %s", code, out)
	}
}

// A runtime with mounts of its own, as a snap or a service with private mounts has, may see a namespace that the node's init does not.
func TestForgetAsRuntimeSees(t *testing.T) {
	l := newLab(t)
	l.runtimeRuns()
	record := filepath.Join(t.TempDir(), "calls")
	const hidden = "/run/netns/hidden"
	private := filepath.Join(t.TempDir(), "containerd")
	sleep, _ := exec.LookPath("sleep")
	l.run("cp", sleep, private)
	c := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", "mount -t tmpfs tmpfs /run/netns && touch "+hidden+
		" && unshare --net mount --bind /proc/self/ns/net "+hidden+" && exec "+private+" 3600")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	comm := func() string { b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", c.Process.Pid)); return string(b) }
	l.wait("the runtime's process", func() bool { return comm() == "containerd\n" })
	add := exec.Command("nsenter", "--target", fmt.Sprint(c.Process.Pid), "--mount", shimPath)
	add.Env = []string{"PATH=" + os.Getenv("PATH"), "CNI_COMMAND=ADD", "CNI_PATH=" + binDir, "CNI_CONTAINERID=hidden", "CNI_IFNAME=eth0", "CNI_NETNS=" + hidden}
	add.Stdin = strings.NewReader(recorderConf(record))
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pod := &libcni.RuntimeConf{ContainerID: "hidden"}
	out, code := l.forget("lab", "hidden", "eth0")
	l.kept(record, pod, out, code, fmt.Sprintf("its network namespace %s is there for containerd (process %d)", hidden, c.Process.Pid))
	_ = c.Process.Kill()
	_ = c.Wait()
	if out, code := l.forget("lab", "hidden", "eth0"); code != 0 || !l.deleted(record, pod) {
		t.Errorf("exit %d: %s", code, out)
	}
}

// After a reboot a hundred go with one command, which asks the runtime once; what may not go stays, and is counted.
func TestForgetStale(t *testing.T) {
	l := newLab(t)
	l.runtimeRuns()
	record := filepath.Join(t.TempDir(), "calls")
	const many = 100
	conf := recorderConf(record)
	for i := range many {
		if i == 1 {
			conf = strings.Replace(conf, `"record"`, `"fail":["DEL"],"record"`, 1)
		}
		if out, code := l.plugin("ADD", conf, fmt.Sprintf("CNI_CONTAINERID=old%d", i)); code != 0 {
			t.Fatal(out)
		}
		conf = recorderConf(record)
	}
	live := l.attach(record)
	asked := l.crictl(listOf("old0"))
	entries := func() int {
		names, _ := filepath.Glob(entries + "/lab/*@eth0")
		return len(names)
	}
	out, code := l.forget("--stale", "--dry-run")
	if code != 0 || strings.Count(out, ": would be deleted\n") != many-1 || !strings.HasSuffix(out, fmt.Sprintf("\n%d would be deleted, 1 kept, 1 in use\ndry run: nothing was changed\n", many-1)) {
		t.Errorf("exit %d: %s", code, out)
	}
	if b, _ := os.ReadFile(record); entries() != many+1 || strings.Contains(string(b), "CNI_COMMAND=DEL") {
		t.Errorf("%d entries after a dry run", entries())
	}
	if out, _ := l.later(11*time.Minute, shimPath, "status"); strings.Count(out, "stale attachment: ") == 0 || !strings.Contains(out, "more stale (remove all: cni-shim forget --stale)") {
		t.Errorf("status: %s", out)
	}
	if out, code := l.forget("--stale", "--dry-run", "-o", "json"); code != 0 || strings.Count(out, `"do": "would be deleted"`) != many-1 || strings.Count(out, `"do": "in use"`) != 1 {
		t.Errorf("exit %d: %s", code, out)
	}
	out, code = l.forget("--stale")
	for _, line := range []string{"lab old0 eth0: kept: containerd knows the container, and will ask for its DEL\n", "lab old1 eth0: not deleted: rec0 (1/1): rec0 says no\n",
		"lab old2 eth0: deleted\n", fmt.Sprintf("\n%d deleted, 1 not deleted, 1 kept, 1 in use\n", many-2)} {
		if !strings.Contains(out, line) {
			t.Errorf("no %q in\n%s", line, out)
		}
	}
	if code != 1 || entries() != 3 || l.deleted(record, live) {
		t.Errorf("exit %d, %d entries", code, entries())
	}
	if b, _ := os.ReadFile(asked); strings.Count(string(b), "\n") != 4 {
		t.Errorf("the runtime was asked in four commands:\n%s", b)
	}
	if out, code := l.forget("--stale", "--force"); code != 2 {
		t.Errorf("exit %d: %s", code, out)
	}
}

// In the DaemonSet's mounts every live pod looks gone: forget and uninstall delete no attachment there, with the node's processes in
// sight and without.
func TestForgetInDaemonSet(t *testing.T) {
	manifest := newLab(t).sample("kubernetes/base/daemonset.yaml")
	var mounts []string
	for _, m := range regexp.MustCompile(`hostPath: \{ path: (\S+),`).FindAllStringSubmatch(manifest, -1) {
		mounts = append(mounts, m[1])
	}
	if len(mounts) < 4 || !strings.Contains(manifest, "hostPID: true") {
		t.Fatalf("%q", mounts)
	}
	for name, c := range map[string]struct {
		unshare []string
		why     string
	}{
		"chroot":     {[]string{}, "is not seen to have the mounts and processes of "},
		"hostPID":    {[]string{"unshare", "--mount", "--fork"}, "is not seen to have the mounts and processes of "},
		"no hostPID": {[]string{"unshare", "--mount", "--pid", "--mount-proc", "--fork"}, `whether this is the node itself cannot be seen, and in a container a live pod looks gone: no runtime runs, and process 1 is "cni-shim"`},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.runtimeRuns()
			record := filepath.Join(t.TempDir(), "calls")
			live := l.attach(record)
			root := t.TempDir()
			script := "set -e; mount -t tmpfs tmpfs " + root + "; cp " + shimPath + " " + root + "/cni-shim; mkdir " + root + "/proc; mount --rbind /proc " + root + "/proc\n"
			for _, m := range mounts {
				script += fmt.Sprintf("mkdir -p %[1]s %[2]s%[1]s; mount --bind %[1]s %[2]s%[1]s\n", m, root)
			}
			container := func(args ...string) (string, int) {
				defer exec.Command("umount", "-R", "-l", root).Run() // of a chroot: the others' mounts are their own
				return l.later(11*time.Minute, append(append(slices.Clone(c.unshare), "sh", "-c", script+`exec chroot `+root+` /cni-shim "$@"`, "sh"), args...)...)
			}
			out, code := container("forget", "lab", live.ContainerID, "eth0")
			l.kept(record, live, out, code, c.why)
			if out, code := container("forget", "--stale"); code != 1 || !strings.Contains(out, c.why) || !strings.HasSuffix(out, "; nothing was changed\n") || strings.Count(out, "\n") != 1 {
				t.Errorf("exit %d: %s", code, out)
			}
			program := filepath.Join(t.TempDir(), "program")
			l.run("cp", shimPath, program)
			defer l.run("cp", program, shimPath)
			if out, _ := container("uninstall", "--wait", "0s"); !strings.Contains(out, "note: attachments that may be stale, and are not deleted: 1: ") || !strings.Contains(out, c.why) {
				t.Errorf("uninstall: %s", out)
			}
			if b, _ := os.ReadFile(record); strings.Contains(string(b), "CNI_COMMAND=DEL") {
				t.Errorf("a live pod was deleted:\n%s", b)
			}
		})
	}
}

// An uninstall deletes what is proven stale and nothing else, and says in a dry run what that would be.
func TestUninstallDeletesStale(t *testing.T) {
	l := newLab(t)
	l.runtimeRuns()
	record := filepath.Join(t.TempDir(), "calls")
	old, known, live := l.attach(record), l.attach(record), l.attach(record)
	l.crictl(listOf(known.ContainerID, live.ContainerID))
	l.run("ip", "netns", "del", old.ContainerID)
	l.run("ip", "netns", "del", known.ContainerID)
	program := filepath.Join(t.TempDir(), "program")
	l.run("cp", shimPath, program)
	defer l.run("cp", program, shimPath)
	before := l.files()
	want := "remove: attachment lab " + old.ContainerID + " eth0\n"
	out, code := l.later(11*time.Minute, program, "uninstall", "--dry-run")
	if code != 0 || !strings.Contains(out, want) || strings.Count(out, "attachment lab") != 1 || !strings.Contains(out, "remove: "+shimPath+"\n") || !strings.HasSuffix(out, "\ndry run: nothing was changed\n") {
		t.Errorf("exit %d: %s", code, out)
	}
	l.equal("a dry run", before, l.files())
	if out, code := l.later(11*time.Minute, program, "uninstall", "--wait", "0s"); code != 0 || !strings.Contains(out, want) || strings.Contains(out, "attachment lab "+known.ContainerID) {
		t.Errorf("exit %d: %s", code, out)
	}
	if !l.deleted(record, old) || l.deleted(record, known) || l.deleted(record, live) {
		t.Error("not the stale one alone was deleted")
	}
}
