package node

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Where a node has what.
const (
	ConfDir = "/etc/cni/net.d"
	BinDir  = "/opt/cni/bin"
	socket  = "/run/containerd/containerd.sock"
)

// Node is the node that this process runs on.
type Node struct {
	cache    string
	journald *exec.Cmd
	runtime  *exec.Cmd
	log      string // the runtime's
}

// Path is a file of the cache.
func (n *Node) Path(parts ...string) string {
	return filepath.Join(append([]string{n.cache}, parts...)...)
}

// Env is the environment of programs of the node: its own first, Debian's behind them.
func (n *Node) Env() []string {
	return []string{
		"PATH=" + strings.Join([]string{n.Path("bin"), n.Path("debian/usr/sbin"), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, ":"),
		"HOME=/root", "LANG=C.UTF-8",
	}
}

// Command is a program of the node. It is killed with this process.
func (n *Node) Command(name string, args ...string) *exec.Cmd {
	if own := n.Path("bin", name); exists(own) {
		name = own
	}
	c := exec.Command(name, args...)
	c.Env = n.Env()
	return c
}

// Output runs a program of the node and returns what it prints, on both channels.
func (n *Node) Output(name string, args ...string) (string, error) {
	out, err := n.Command(name, args...).CombinedOutput()
	return string(out), err
}

// Write puts a file into net.d, as an agent should: from a temporary name in the same directory.
func (n *Node) Write(name, text string) {
	tmp := filepath.Join(ConfDir, "."+name+".new")
	must(os.WriteFile(tmp, []byte(text), 0o644))
	must(os.Rename(tmp, filepath.Join(ConfDir, name)))
}

// Remove takes a file out of net.d.
func (n *Node) Remove(name string) { must(os.Remove(filepath.Join(ConfDir, name))) }

// Plant puts a plugin into the plugins' directory: a shell script, which answers VERSION by itself.
func (n *Node) Plant(name, script string) {
	const versions = `[ "$CNI_COMMAND" = VERSION ] && { echo '{"cniVersion":"1.1.0","supportedVersions":["0.3.1","0.4.0","1.0.0","1.1.0"]}'; exit 0; }` + "\n"
	must(os.WriteFile(filepath.Join(BinDir, name), []byte("#!/bin/sh\n"+versions+script), 0o755))
}

// Journal is what `journalctl -t cni-shim -p PRIORITY -o cat` prints.
func (n *Node) Journal(priority string) string {
	_, _ = n.Output("journalctl", "--sync")
	out, _ := n.Command("journalctl", "-q", "-t", "cni-shim", "-p", priority, "-o", "cat").Output()
	return strings.TrimSpace(string(out))
}

// Left is what attachments hold on the node: reserved addresses and ends of pods' cables.
func (n *Node) Left() []string {
	var left []string
	leases, _ := filepath.Glob("/var/lib/cni/networks/*/*[.:]*")
	for _, l := range leases {
		if base := filepath.Base(l); !strings.HasPrefix(base, "last_reserved") {
			left = append(left, "address "+base+" of "+filepath.Base(filepath.Dir(l)))
		}
	}
	links, _ := filepath.Glob("/sys/class/net/veth*")
	if len(links) != 0 {
		left = append(left, fmt.Sprintf("%d veth", len(links)))
	}
	return left
}

// Kept is how many attachments the shim remembers.
func (n *Node) Kept() int {
	kept, _ := filepath.Glob("/run/cni-shim/attachments/*/*@*")
	return len(kept)
}

// Patience is how long to wait for what has to happen: no machine is as busy as that.
const Patience = 2 * time.Minute

// Wait polls until a condition holds, and is false if it does not in time.
func (n *Node) Wait(limit time.Duration, holds func() bool) bool {
	return wait(limit, "", holds) == nil
}

// Processes counts those that run a command line.
func (n *Node) Processes(command string) int {
	found := 0
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range procs {
		b, _ := os.ReadFile(p)
		if strings.ReplaceAll(strings.TrimRight(string(b), "\x00"), "\x00", " ") == command {
			found++
		}
	}
	return found
}

// startJournald runs a journald of the node's own and waits until it takes entries.
func (n *Node) startJournald() error {
	for _, d := range []string{"/run/systemd/journal", "/run/log/journal"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	n.journald = exec.Command("/lib/systemd/systemd-journald")
	n.journald.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.journald.Start(); err != nil {
		return err
	}
	return wait(Patience, "journald's socket", func() bool { return exists("/run/systemd/journal/socket") })
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// wait polls until a condition holds.
func wait(limit time.Duration, what string, holds func() bool) error {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return nil
		}
	}
	return fmt.Errorf("%s: not within %s", what, limit)
}

// Tail returns the last lines of a file.
func (n *Node) Tail(path string, lines int) string {
	b, _ := os.ReadFile(path)
	all := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}
