package rules

import (
	"slices"
	"strings"

	"github.com/containernetworking/cni/pkg/version"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/known"
)

// versionless tells a configuration that says nothing of its version where libcni looks.
func (c *Conf) versionless() bool {
	if c.Root.Kind != jsondoc.Object || c.Kind == Fragment || c.foreign() {
		return false
	}
	return c.Version == "" && (c.Root.Get("cniVersion") == nil || c.Root.Get("cniVersion").Is(jsondoc.String)) && c.Root.Get("cniVersions") == nil
}

// nested is the first plugin of a list that carries a cniVersion of its own; nil when there is none.
func (c *Conf) nested() *jsondoc.Node {
	if c.Kind == List {
		for _, p := range c.Chain {
			if n := p.Node.Fold("cniVersion"); n.Is(jsondoc.String) {
				return n
			}
		}
	}
	return nil
}

var cniversionMissing = Rule{
	ID: "cniversion-missing", Title: "no cniVersion", Severity: diag.Warning,
	Doc:    "Without it the chain runs at 0.1.0: no CHECK, one address per family, and bandwidth, firewall and vrf refuse every ADD (error). Older kubelets refuse the file.",
	Fix:    `add "cniVersion": "1.0.0" at the top level`,
	Bad:    `«{»"name": "lab", "plugins": [{"type": "bridge"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:pkg/types/create/create.go; libcni/api.go (validatePlugin)",
	Check: func(p *Pass) {
		if !p.versionless() || p.nested() != nil || p.Kind == List && p.caseTwin("cniVersion") != nil {
			return
		}
		s := diag.Warning
		message := `no "cniVersion": the chain runs at 0.1.0`
		for _, pl := range p.Chain {
			if pl.Known != nil && pl.Known.Since != "" {
				s, message = diag.Error, `no "cniVersion": the chain runs at 0.1.0, and `+pl.Type+" needs "+pl.Known.Since
			}
		}
		p.as(s, p.Root.Start, p.Root.Start+1, "", "%s", message)
	},
}

var _ = add(&cniversionMissing)

var cniversionMisplaced = Rule{
	ID: "cniversion-misplaced", Title: "cniVersion inside a plugin, and none at the top level", Severity: diag.Warning,
	Doc:    "libcni overwrites a plugin's cniVersion by the list's. The list has none here, so the chain runs at 0.1.0.",
	Fix:    "move cniVersion to the top level, beside name",
	Bad:    `{"name": "lab", "plugins": [{«"cniVersion"»: "1.0.0", "type": "bridge"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/api.go (buildOneConfig)",
	Check: func(p *Pass) {
		if n := p.nested(); p.versionless() && n != nil && p.caseTwin("cniVersion") == nil {
			p.key(n, "", "cniVersion stands inside a plugin, where libcni overwrites it; the list has none")
		}
	},
}

var _ = add(&cniversionMisplaced)

var nestedCniversionIgnored = Rule{
	ID: "nested-cniversion-ignored", Title: "a plugin's own cniVersion differs from the list's", Severity: diag.Info,
	Doc:    "libcni overwrites it by the list's.",
	Fix:    "delete it from the plugin",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{«"cniVersion"»: "0.3.1", "type": "bridge"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/api.go (buildOneConfig)",
	Check: func(p *Pass) {
		for _, pl := range p.Chain {
			if n := pl.Node.Fold("cniVersion"); p.Kind == List && n.Is(jsondoc.String) && !p.versionless() && n.Str() != p.Version {
				p.key(n, "", "the plugin's cniVersion is overwritten by the list's, %s", p.Version)
			}
		}
	},
}

var _ = add(&nestedCniversionIgnored)

var cniversionUnknown = Rule{
	ID: "cniversion-unknown", Title: "a cniVersion that does not exist", Severity: diag.Error,
	Doc:    "Plugins compare the version as text with those they know: 1.0, v1.0.0 and \"1.0.0 \" are none. The file loads, and every plugin answers that the versions are incompatible.",
	Fix:    "write one of 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0 and 1.1.0",
	Bad:    `{"cniVersion": «"1.0"», "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:pkg/version/version.go; pkg/version/reconcile.go",
	Check: func(p *Pass) {
		if p.Root.Kind != jsondoc.Object || p.Kind == Fragment || p.Version == "" || slices.Contains(known.Versions, p.Version) || p.foreign() {
			return
		}
		n := p.Root.Get("cniVersion")
		if p.Kind == Single {
			n = p.Root.Fold("cniVersion")
		}
		for _, e := range kids(p.Root.Get("cniVersions")) {
			if e.Str() == p.Version && n.Str() != p.Version {
				n = e
			}
		}
		if !n.Is(jsondoc.String) || p.hole(n) || p.badVersions() != nil {
			return
		}
		fix := ""
		if near := nearVersion(n.Str()); near != "" {
			fix = "write " + `"` + near + `"`
		}
		p.value(n, fix, "%q is no version of the CNI specification; every plugin refuses it", n.Str())
	},
}

var _ = add(&cniversionUnknown)

// nearVersion is the version that a wrong one was meant to be, "" when that is not certain.
func nearVersion(s string) string {
	s = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(s), "v"), "V")
	for _, try := range []string{s, s + ".0", s + ".0.0"} {
		if slices.Contains(known.Versions, try) {
			return try
		}
	}
	return ""
}

// badVersions is the entry of cniVersions, or the cniVersion beside it, that does not parse; nil when all do.
func (c *Conf) badVersions() *jsondoc.Node {
	list := c.Root.Get("cniVersions")
	if c.Kind != List || !list.Is(jsondoc.Array) {
		return nil
	}
	for _, n := range append(slices.Clone(list.Kids), c.Root.Get("cniVersion")) {
		if n.Is(jsondoc.String) && (n.Str() != "" || n != c.Root.Get("cniVersion")) {
			if _, err := version.GreaterThan(n.Str(), version.Current()); err != nil {
				return n
			}
		}
	}
	return nil
}

var cniversionsInvalid = Rule{
	ID: "cniversions-invalid", Title: "an entry of cniVersions that is no version", Severity: diag.Error, Refuses: true,
	Doc:    "Where cniVersions is given, libcni must order its entries and the cniVersion beside it, and refuses the list when one does not parse. Versions that it does not know yet are passed over.",
	Fix:    "write versions as three numbers: 1.0.0",
	Bad:    `{"cniVersion": "1.0.0", "cniVersions": [«"latest"»], "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Good:   `{"cniVersion": "1.0.0", "cniVersions": ["1.0.0", "1.1.0"], "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/conf.go; pkg/version/plugin.go (ParseVersion)",
	Check: func(p *Pass) {
		if n := p.badVersions(); n != nil {
			p.value(n, "", "%q is no version; libcni cannot order it among the others", n.Str())
		}
	},
}

var _ = add(&cniversionsInvalid)

var cniversionPluginMismatch = Rule{
	ID: "cniversion-plugin-mismatch", Title: "a plugin that does not speak the list's cniVersion", Severity: diag.Error,
	Doc:    "firewall answers 0.4.0 and later only, vrf 0.3.1, bandwidth 0.3.0. A list at an older version fails every ADD at that plugin.",
	Fix:    "raise cniVersion",
	Bad:    `{"cniVersion": "0.3.1", "name": "lab", "plugins": [{"type": "bridge"}, {"type": «"firewall"»}]}`,
	Good:   `{"cniVersion": "0.4.0", "name": "lab", "plugins": [{"type": "bridge"}, {"type": "firewall"}]}`,
	Source: "containernetworking/plugins:plugins/meta/{firewall/firewall.go,vrf/main.go,bandwidth/main.go}",
	Check: func(p *Pass) {
		if p.Version == "" || !slices.Contains(known.Versions, p.Version) {
			return
		}
		for _, pl := range p.Chain {
			if pl.Known != nil && pl.Known.Since != "" && !p.atLeast(pl.Known.Since) {
				p.value(pl.TypeNode, `raise cniVersion to "`+pl.Known.Since+`" at least`, "%s does not answer cniVersion %s, only %s and later", pl.Type, p.Version, pl.Known.Since)
			}
		}
	},
}

var _ = add(&cniversionPluginMismatch)
