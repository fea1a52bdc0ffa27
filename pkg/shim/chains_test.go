package shim

import (
	"testing"

	"github.com/containernetworking/cni/libcni"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/inventory"
)

// What is kept of a chain's programs is kept under its digest: a change that the digest does not tell would never be written.
func TestDigestTellsEveryChange(t *testing.T) {
	ch := &chain.Chain{
		NetworkConfigList: &libcni.NetworkConfigList{Bytes: []byte(`{}`)},
		Source:            chain.Source{Kind: chain.Directory, Path: "/etc/cni/net.d/10-a.conflist"},
		Mended:            []diag.Diagnostic{{Rule: "a"}},
	}
	plugin := inventory.Plugin{Type: "bridge", Path: "/opt/cni/bin/bridge", ID: "1", Versions: []string{"1.0.0"}}
	of := func() string { return digest(ch, &inventory.Inventory{Plugins: []inventory.Plugin{plugin}}) }
	seen := map[string]string{of(): "nothing"}
	for _, c := range []struct {
		what   string
		change func()
	}{
		{"configuration", func() { ch.Bytes = []byte(`{"name":"a"}`) }},
		{"file", func() { ch.Source.Path = "/etc/cni/net.d/20-a.conflist" }},
		{"kind of source", func() { ch.Source.Kind = chain.File }},
		{"mended fault", func() { ch.Mended[0].Rule = "b" }},
		{"plugin's type", func() { plugin.Type = "ptp" }},
		{"program's path", func() { plugin.Path = "/usr/lib/cni/bridge" }},
		{"program", func() { plugin.ID = "2" }},
		{"versions", func() { plugin.Versions = nil }},
		{"program that was asked and gave none", func() { plugin.Asked = true }},
	} {
		c.change()
		d := of()
		if other, ok := seen[d]; ok {
			t.Errorf("another %s has the digest of another %s", c.what, other)
		}
		seen[d] = c.what
	}
}
