package node

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Own is the name of the shim's list in net.d.
const Own = "00-cni-shim.conflist"

// Install puts the shim's list into net.d for a network: the sample that the project ships, with the network's name.
func (n *Node) Install(network string) {
	n.Write(Own, strings.Replace(n.Sample(Own), `"k8s-pod-network"`, `"`+network+`"`, 1))
}

// TakeOver runs `cni-shim install` as an admin does on a node that has never seen the shim, and returns what it prints.
func (n *Node) TakeOver() (string, error) {
	must(os.Remove(filepath.Join(BinDir, "cni-shim")))
	return n.Output(n.Path("cni/cni-shim"), "install")
}

// GiveBack runs `cni-shim uninstall`, by the link that an install makes.
func (n *Node) GiveBack() (string, error) { return n.Output("/usr/local/bin/cni-shim", "uninstall") }

// StartWatch runs the service that an install laid down, as the service manager would, and waits for its first look.
func (n *Node) StartWatch() error {
	unit, err := os.ReadFile("/etc/systemd/system/cni-shim-watch.service")
	if err != nil {
		return err
	}
	_, start, _ := strings.Cut(string(unit), "\nExecStart=")
	start, _, _ = strings.Cut(start, "\n")
	const ready = "/run/watch.ready"
	args := append(strings.Fields(start), "--ready-file", ready)
	c := n.Command(args[0], args[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return err
	}
	return wait(Patience, "the watch's first look", func() bool { return exists(ready) })
}

// Upgrade replaces the shim's program as the README tells.
func (n *Node) Upgrade() {
	b, err := os.ReadFile(filepath.Join(BinDir, "cni-shim"))
	must(err)
	tmp := filepath.Join(BinDir, ".cni-shim.new")
	must(os.WriteFile(tmp, b, 0o755))
	must(os.Rename(tmp, filepath.Join(BinDir, "cni-shim")))
}

// Sample is a file that the project ships.
func (n *Node) Sample(name string) string {
	b, err := os.ReadFile(n.Path("conf", name))
	must(err)
	return string(b)
}
