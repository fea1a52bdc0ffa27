package runtimes

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/containernetworking/cni/libcni"

	"github.com/cni-shim/cni-shim/integration/runtimes/node"
)

// Whereabouts, which gives addresses out for a whole cluster from pools in the API server, under bridge: without what its own pod
// writes on the node it does nothing; then a pod comes and goes, and one address is not enough for two. It knows no CHECK.
func TestWhereabouts(t *testing.T) {
	needs(t, "whereabouts")
	for _, leg := range []string{"without", "with"} {
		t.Run(leg, func(t *testing.T) {
			if !onNode(t) {
				return
			}
			p := &play{T: t, Node: here, shim: leg == "with"}
			p.apiserver()
			c := p.crio()
			p.network("10-whereabouts.conflist", `{"cniVersion": "1.0.0", "name": "`+usual+`", "plugins": [{"type": "bridge", "bridge": "br92", "isGateway": true,
				"ipam": {"type": "whereabouts", "range": "10.92.0.0/30", "gateway": "10.92.0.1", "exclude": ["10.92.0.1/32"]}}]}`)
			list, first, second := c.networks()[0], c.pod("first"), c.pod("second")
			const own = node.ConfDir + "/whereabouts.d/whereabouts.conf"
			fails := func(verb string, err error, says, reason string) {
				t.Helper()
				if p.shim {
					c.fails(verb, err, says, "bridge (1/1): ", reason)
				} else {
					c.fails(verb, err, says)
				}
			}
			_, err := c.cni.AddNetworkList(c.ctx(), list, first)
			fails("ADD", err, "config file not found", "[AgentStateMissing]")
			fails("DEL", c.del(first), "config file not found", "[AgentStateMissing]")
			// the bridge of a first ADD that failed has no hardware address any more, and bridge 1.9 cannot set that
			if out, err := p.Output("ip", "link", "del", "br92"); err != nil {
				t.Fatal(out)
			}
			must(os.Mkdir(filepath.Dir(own), 0o755))
			must(os.WriteFile(own, []byte(`{"datastore": "kubernetes", "kubernetes": {"kubeconfig": "`+kubeconfig+`"}}`), 0o600))

			c.added(first, "10.92.0.2/30")
			fails("CHECK", c.cni.CheckNetworkList(c.ctx(), list, first), "CNI CHECK method is not implemented", "[Unclassified]")
			_, err = c.cni.AddNetworkList(c.ctx(), list, second)
			fails("ADD", err, "error at storage engine: Could not allocate IP in range: ip: 10.92.0.1 / - 10.92.0.2 / range: 10.92.0.0/30", "[IPAMExhausted]")
			for _, pod := range []*libcni.RuntimeConf{second, first} {
				if err := c.del(pod); err != nil {
					t.Errorf("DEL of the %s: %v", pod.ContainerID, err)
				}
			}
			c.added(second, "10.92.0.2/30") // which was given back
			if err := c.del(second); err != nil {
				t.Errorf("DEL: %v", err)
			}
			if left := p.Left(); len(left) != 0 || p.Kept() != 0 {
				t.Errorf("left: %v, and %d attachments of the shim", left, p.Kept())
			}
		})
	}
}
