package runtimes

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// kubeconfig leads to an API server that nobody runs.
const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: "https://127.0.0.1:6443", insecure-skip-tls-verify: true}}]
users: [{name: lab, user: {token: secret-of-multus}}]
contexts: [{name: lab, context: {cluster: lab, user: lab}}]
current-context: lab
`

// Multus as a plugin of its own ("thin"), its cluster network in a file. A call that names no pod needs no API server; one that
// does fails with Multus's own words, and the shim adds place, reason and cure.
func TestMultus(t *testing.T) {
	for _, leg := range []string{"without", "with"} {
		t.Run(leg, func(t *testing.T) {
			if !onNode(t) {
				return
			}
			p := &play{T: t, Node: here, shim: leg == "with"}
			must(os.MkdirAll("/etc/multus", 0o755))
			must(os.WriteFile("/etc/multus/kubeconfig", []byte(kubeconfig), 0o600))
			must(os.WriteFile("/etc/multus/cluster.conflist", []byte(bridge("1.0.0", "cluster", 90)), 0o644))
			p.network("10-multus.conflist", `{"cniVersion": "1.0.0", "name": "`+usual+`", "plugins": [{"type": "multus", "capabilities": {"portMappings": true},
  "kubeconfig": "/etc/multus/kubeconfig", "clusterNetwork": "/etc/multus/cluster.conflist"}]}`)
			c := p.crio()
			list := c.networks()[0]
			rt := c.pod("one")
			named := rt.Args
			rt.Args = nil
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()

			result, err := c.cni.AddNetworkList(ctx, list, rt)
			if err != nil {
				t.Fatal(err)
			}
			if s, _ := json.Marshal(result); !strings.Contains(string(s), "10.90.0.2/24") {
				t.Errorf("result: %s", s)
			}
			if err := c.cni.CheckNetworkList(ctx, list, rt); err != nil {
				t.Errorf("CHECK: %v", err)
			}
			if err := c.cni.DelNetworkList(ctx, list, rt); err != nil {
				t.Errorf("DEL: %v", err)
			}
			if left := p.Left(); len(left) != 0 {
				t.Errorf("left: %v", left)
			}

			rt.Args = named
			_, err = c.cni.AddNetworkList(ctx, list, rt)
			if err == nil {
				t.Fatal("ADD of a named pod succeeded without an API server")
			}
			t.Log(err)
			says := []string{"connection refused", "https://127.0.0.1:6443"}
			if p.shim {
				says = append(says, "multus (1/1): ", "[APIUnreachable]")
			}
			for _, s := range says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("the error does not say %q", s)
				}
			}
			if strings.Contains(p.Journal("debug"), "secret-of-multus") {
				t.Error("the journal has the token")
			}
			if err := c.cni.DelNetworkList(ctx, list, rt); err != nil {
				t.Logf("DEL: %v", err) // Multus asks the API server here too
			}
		})
	}
}
