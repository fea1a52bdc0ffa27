package rules

import (
	"github.com/containernetworking/cni/pkg/utils"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
)

// name is the network's name as libcni looks for it; nil when there is none.
func (c *Conf) name() *jsondoc.Node {
	if c.Kind == List {
		return c.Root.Get("name")
	}
	return c.Root.Fold("name")
}

var networkNameMissing = Rule{
	ID: "network-name-missing", Title: "the network has no name", Severity: diag.Error, Refuses: true,
	Doc:    "A list without name is refused. A single plugin's file without one loads, and then every ADD is refused.",
	Fix:    `add "name": "…" at the top level`,
	Bad:    `«{»"cniVersion": "1.0.0", "plugins": [{"type": "bridge"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/conf.go; pkg/utils/utils.go (ValidateNetworkName)",
	Check: func(p *Pass) {
		if p.Kind == Fragment || p.Root.Kind != jsondoc.Object || p.foreign() || p.name() != nil || p.caseTwin("name") != nil {
			return
		}
		s := diag.Error
		if p.Kind == Single && p.Manifest {
			s = diag.Info // multus fills in the object's name
		}
		p.as(s, p.Root.Start, p.Root.Start+1, "", `the network has no "name"`)
	},
}

var _ = add(&networkNameMissing)

var networkNameEmpty = Rule{
	ID: "network-name-empty", Title: "the network's name is empty", Severity: diag.Error,
	Doc:    "Every ADD is refused, and libcni 1.3 takes the configuration directory itself for the directory of the network's plugins: every *.conf in it is appended to the chain.",
	Fix:    "name the network",
	Bad:    `{"cniVersion": "1.0.0", "name": «""», "plugins": [{"type": "bridge"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/conf.go (NetworkPluginConfsFromFiles)",
	Check: func(p *Pass) {
		if n := p.name(); p.Kind != Fragment && n.Is(jsondoc.String) && n.Str() == "" {
			p.value(n, "", `the network's "name" is empty`)
		}
	},
}

var _ = add(&networkNameEmpty)

var networkNameInvalid = Rule{
	ID: "network-name-invalid", Title: "the network's name has characters that are not allowed", Severity: diag.Error,
	Doc:    "A name begins with a letter or digit and goes on with these, underscore, dot and hyphen. Another loads, and every ADD is refused.",
	Fix:    "use letters, digits, _ . and - only, a letter or digit first",
	Bad:    `{"cniVersion": "1.0.0", "name": «"my net"», "plugins": [{"type": "bridge"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "my-net", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:pkg/utils/utils.go (ValidateNetworkName)",
	Check: func(p *Pass) {
		n := p.name()
		if p.Kind == Fragment || !n.Is(jsondoc.String) || n.Str() == "" || p.hole(n) {
			return
		}
		if err := utils.ValidateNetworkName(n.Str()); err != nil {
			p.value(n, "", "the network's name %q has characters that are not allowed, and every ADD is refused", n.Str())
		}
	},
}

var _ = add(&networkNameInvalid)
