package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// config is containerd's, of 2.x. Scores are restricted because a sandbox may lack CAP_SYS_RESOURCE; a node's own has not.
const config = `version = 3
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.nri.v1.nri"]
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["` + BinDir + `"]
  conf_dir = "` + ConfDir + `"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "` + PauseImage + `"
`

// config16 is that of containerd 1.6.
const config16 = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "` + PauseImage + `"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "` + BinDir + `"
  conf_dir = "` + ConfDir + `"
`

// Start starts containerd 2 and waits until it answers.
func (n *Node) Start() error { return n.start(n.Path("bin"), config) }

// StartOld starts Debian's containerd, which knows no STATUS.
func (n *Node) StartOld() error { return n.start(n.Path("debian/usr/bin"), config16) }

func (n *Node) start(dir, config string) error {
	if err := os.MkdirAll("/etc/containerd", 0o755); err != nil {
		return err
	}
	const file = "/etc/containerd/config.toml"
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return err
	}
	n.log = "/run/containerd.log"
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	_ = os.Remove(socket)
	c := n.Command(filepath.Join(dir, "containerd"), "--config", file)
	c.Env[0] = strings.Replace(c.Env[0], "PATH=", "PATH="+dir+":", 1) // it takes its shim from there
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return err
	}
	n.runtime = c
	up := func() bool { _, err := n.Output("crictl", "--timeout", "2s", "version"); return err == nil }
	if err := wait(Patience, "containerd", up); err != nil {
		return fmt.Errorf("%w\n%s", err, n.RuntimeLog(40))
	}
	return n.Import("pause")
}

// Import gives the runtime an image of the cache; pause, which every pod needs, it has.
func (n *Node) Import(image string) error {
	ctr := filepath.Join(filepath.Dir(n.runtime.Path), "ctr") // that of another version speaks another protocol
	if out, err := n.Output(ctr, "-n", "k8s.io", "images", "import", n.Path("images", image+".tar")); err != nil {
		return fmt.Errorf("import of %s: %v: %s", image, err, out)
	}
	return nil
}

// Stop kills the runtime; pods run on.
func (n *Node) Stop() {
	_ = n.runtime.Process.Kill()
	_ = n.runtime.Wait()
}

// Reboot is a loss of power and a start: no process, no network namespace, no interface, no rule is left, and nothing of /run; what
// is on disk stays. The runtime is to be started again.
func (n *Node) Reboot() error {
	self := os.Getpid()
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		if pid, _ := strconv.Atoi(filepath.Base(p)); pid > 1 && pid != self {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	_, _ = n.runtime.Process.Wait()
	_, _ = n.journald.Process.Wait()
	for _, c := range []string{
		"for m in $(awk '$5 ~ \"^/run/\" {print $5}' /proc/self/mountinfo | sort -r); do umount -l $m; done",
		"rm -rf /run/* /run/.??*; mkdir -p /run/lock",
		"for l in $(ls /sys/class/net); do [ $l = lo ] || ip link del $l 2>/dev/null; done; true",
		"nft flush ruleset",
	} {
		if out, err := n.Output("sh", "-c", c); err != nil {
			return fmt.Errorf("%s: %v: %s", c, err, out)
		}
	}
	return n.startJournald()
}

// RuntimeLog is the end of the runtime's log.
func (n *Node) RuntimeLog(lines int) string { return n.Tail(n.log, lines) }
