package runtimes

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/containernetworking/cni/libcni"
)

// Multus as a plugin of its own ("thin"): with its delegates in the list and no API server, and with its cluster network in a file
// and a server that knows the pod. When the server is gone Multus fails in its own words, and the shim adds place, reason and cure.
func TestMultus(t *testing.T) {
	needs(t, "multus")
	for _, leg := range []string{"without", "with"} {
		t.Run(leg, func(t *testing.T) {
			if !onNode(t) {
				return
			}
			p := &play{T: t, Node: here, shim: leg == "with"}
			c := p.crio()
			pod := c.pod("web")
			pod.Args[len(pod.Args)-1][1] = podUID
			p.network("10-multus.conflist", `{"cniVersion": "1.0.0", "name": "`+usual+`", "plugins": [{"type": "multus", "delegates": [`+bridge("1.0.0", "cluster", 90)+`]}]}`)
			c.addChecked(pod, "10.90.0.2/24")
			if err := c.del(pod); err != nil {
				t.Errorf("DEL: %v", err)
			}
			if left := p.Left(); len(left) != 0 || p.Kept() != 0 {
				t.Errorf("left: %v, and %d attachments of the shim", left, p.Kept())
			}

			server := p.apiserver()
			must(os.WriteFile("/etc/cluster.conflist", []byte(bridge("1.0.0", "cluster", 91)), 0o644))
			p.network("10-multus.conflist", `{"cniVersion": "1.0.0", "name": "`+usual+`", "plugins": [{"type": "multus", "kubeconfig": "/etc/kubelet.conf", "clusterNetwork": "/etc/cluster.conflist"}]}`)
			c.addChecked(pod, "10.91.0.2/24")
			// of what it keeps for DEL, Multus 4.3 loses the keys that it does not know: its best-known failure, told as such
			says := []string{"no IP ranges specified"}
			if p.shim {
				says = append(says, "multus (1/1): ", "[IPAMPoolInvalid]")
			}
			c.fails("DEL", c.del(pod), says...)

			_ = server.Close()
			_, err := c.cni.AddNetworkList(c.ctx(), c.networks()[0], pod)
			says = []string{"connection refused"}
			if p.shim {
				says = append(says, "multus (1/1): ", "[APIUnreachable]")
			}
			c.fails("ADD", err, says...)
			if strings.Contains(p.Journal("debug"), "secret-token") {
				t.Error("the journal has the kubeconfig's token")
			}
		})
	}
}

// addChecked adds and checks a pod, which gets the address.
func (c *crio) addChecked(pod *libcni.RuntimeConf, address string) {
	c.Helper()
	c.added(pod, address)
	if err := c.cni.CheckNetworkList(c.ctx(), c.networks()[0], pod); err != nil {
		c.Errorf("CHECK: %v", err)
	}
}

// added adds a pod, which gets the address.
func (c *crio) added(pod *libcni.RuntimeConf, address string) {
	c.Helper()
	result, err := c.cni.AddNetworkList(c.ctx(), c.networks()[0], pod)
	if err != nil {
		c.Fatal(err)
	}
	if b, _ := json.Marshal(result); !strings.Contains(string(b), address) {
		c.Errorf("result: %s", b)
	}
}

// fails wants an error that says all of it.
func (c *crio) fails(verb string, err error, says ...string) {
	c.Helper()
	if err == nil {
		c.Errorf("%s succeeded", verb)
		return
	}
	c.Log(err)
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			c.Errorf("%s: the error does not say %q", verb, s)
		}
	}
}
