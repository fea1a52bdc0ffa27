package node

import (
	"os"
	"path/filepath"
	"strings"
)

// Own is the name of the shim's list in net.d.
const Own = "00-cni-shim.conflist"

// Install puts the shim's list into net.d for a network: the sample that the project ships, with the network's name.
func (n *Node) Install(network string) {
	n.Write(Own, strings.Replace(n.Sample(Own), `"k8s-pod-network"`, `"`+network+`"`, 1))
}

// Uninstall takes the shim's list away; its program stays for the pods that it added.
func (n *Node) Uninstall() { n.Remove(Own) }

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
