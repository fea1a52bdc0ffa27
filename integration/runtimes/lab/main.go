// Command lab makes a node with containerd and the shim, and gives a shell on it; or, with arguments, runs them as a command there.
package main

import (
	"fmt"
	"os"
	"os/exec"

	"github.com/cni-shim/cni-shim/integration/runtimes/node"
)

func main() { os.Exit(node.Main(outside, inside)) }

func outside(cache string) int {
	c := node.Enter(cache, nil, os.Args[1:]...)
	c.Stdin = os.Stdin
	err := c.Run()
	node.RemoveCgroups()
	if err != nil {
		return c.ProcessState.ExitCode()
	}
	return 0
}

func inside(n *node.Node) int {
	n.Write("10-bridge.conflist", n.Sample("10-bridge.conflist"))
	n.Install("k8s-pod-network")
	if err := n.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		return 1
	}
	args := os.Args[1:]
	if len(args) == 0 {
		args = []string{"sh", "-c", story}
	}
	c := n.Command(args[0], args[1:]...)
	c.Env = append(c.Env, "TERM="+os.Getenv("TERM"), "PS1=node-1# ", "POD="+node.SamplePod())
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		if e, ok := err.(*exec.ExitError); ok {
			return e.ExitCode()
		}
		fmt.Fprintln(os.Stderr, "lab:", err)
		return 1
	}
	return 0
}

// story is what the lab does by itself: a pod comes and goes, then a comma stops the node.
const story = `set -eu
say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
say 'containerd, the shim, bridge, portmap: a pod'
id=$(crictl runp "$POD"); crictl pods; crictl stopp "$id" >/dev/null; crictl rmp "$id" >/dev/null
say 'a trailing comma in 10-bridge.conflist: crictl info, crictl runp, the journal'
sed -i 's/"bridge": "cni0"/"bridge": "cni0",/' /etc/cni/net.d/10-bridge.conflist
crictl info | grep -B1 NetworkPluginNotReady || true
crictl runp "$POD" || true
journalctl -q -t cni-shim -p err -o cat
say 'make lab-shell gives a shell on such a node: crictl runp $POD, journalctl -t cni-shim, ls /etc/cni/net.d'
`
