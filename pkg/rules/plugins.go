package rules

import (
	"strings"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/known"
)

var pluginsMissing = Rule{
	ID: "plugins-missing", Title: "a list without plugins", Severity: diag.Error, Refuses: true,
	Doc:    "A .conflist needs plugins, in the file or, with libcni 1.3, as *.conf files in a directory named like the network beside it.",
	Fix:    `add "plugins": [ { "type": … } ]`,
	Bad:    `«{»"cniVersion": "1.0.0", "name": "lab"}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/conf.go (NetworkConfFromFile)",
	Check: func(p *Pass) {
		if p.Kind != List || p.Root.Kind != jsondoc.Object || p.isList() || p.foreign() || len(p.Sub.Files) > 0 || p.Sub.Err != nil || p.isPlugin() || p.caseTwin("plugins") != nil || p.inlinedOnly() {
			return
		}
		p.value(p.Root, "", `the list has no "plugins"`)
	},
}

var _ = add(&pluginsMissing)

func (c *Conf) inlinedOnly() bool {
	n := c.Root.Get("loadOnlyInlinedPlugins")
	return n.True() || n.Is(jsondoc.String) && strings.EqualFold(n.Str(), "true")
}

var pluginsEmpty = Rule{
	ID: "plugins-empty", Title: "plugins is empty", Severity: diag.Error, Refuses: true,
	Doc:    "A list needs one plugin at least.",
	Fix:    "add the main plugin",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": «[»]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/conf.go (NetworkConfFromBytes)",
	Check: func(p *Pass) {
		if n := p.Root.Get("plugins"); p.Kind == List && n.Is(jsondoc.Array) && len(n.Kids) == 0 {
			p.value(n, "", `"plugins" is empty`)
		}
	},
}

var _ = add(&pluginsEmpty)

var inlinedOnlyWithoutPlugins = Rule{
	ID: "inlined-only-without-plugins", Title: "loadOnlyInlinedPlugins without plugins", Severity: diag.Error, Refuses: true,
	Doc:    "The flag forbids to look for plugins elsewhere, and the file has none.",
	Fix:    "add plugins, or drop the flag",
	Bad:    `{"cniVersion": "1.1.0", "name": "lab", «"loadOnlyInlinedPlugins"»: true}`,
	Good:   `{"cniVersion": "1.1.0", "name": "lab", "loadOnlyInlinedPlugins": true, "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/conf.go (NetworkConfFromBytes)",
	Check: func(p *Pass) {
		if p.Kind == List && p.Root.Kind == jsondoc.Object && p.inlinedOnly() && !p.isList() {
			p.key(p.Root.Get("loadOnlyInlinedPlugins"), "", `loadOnlyInlinedPlugins is set and the list has no "plugins"`)
		}
	},
}

var _ = add(&inlinedOnlyWithoutPlugins)

var pluginEntryType = Rule{
	ID: "plugin-entry-type", Title: "an element of plugins that is no object", Severity: diag.Error, Refuses: true,
	Doc:    "Each plugin is an object with its type and settings; a bare name is not enough.",
	Fix:    `write { "type": "…" }`,
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [«"bridge"»]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/conf.go (ConfFromBytes)",
	Check: func(p *Pass) {
		if p.Kind != List {
			return
		}
		for _, n := range kids(p.Root.Get("plugins")) {
			if p.Root.Get("plugins").Kind == jsondoc.Array && n.Kind != jsondoc.Object {
				fix := ""
				if n.Kind == jsondoc.String {
					fix = `write { "type": ` + n.Raw() + ` }`
				}
				p.value(n, fix, "an element of \"plugins\" is %s, not an object", n.Kind)
			}
		}
	},
}

var _ = add(&pluginEntryType)

var pluginTypeMissing = Rule{
	ID: "plugin-type-missing", Title: "a plugin without type", Severity: diag.Error, Refuses: true,
	Doc:    "type names the program to run. Without it, or with an empty one, libcni refuses the whole file.",
	Fix:    `add "type": "…"`,
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [«{»"bridge": "cni0"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "bridge": "cni0"}]}`,
	Source: "containernetworking/cni:libcni/conf.go (NetworkPluginConfFromBytes)",
	Check: func(p *Pass) {
		if p.Kind == Single && p.isList() || p.foreign() {
			return
		}
		number := 0 // of the element in plugins, in which all that is no object is no plugin
		for _, pl := range p.Chain {
			if p.Kind == List {
				for kids := p.Root.Get("plugins").Kids; kids[number] != pl.Node; number++ {
				}
			}
			if t := pl.Node.Fold("type"); t != nil && (t.Kind != jsondoc.String || t.Str() != "") {
				continue
			}
			what := "the plugin"
			if p.Kind == List {
				what = "plugin " + itoa(number+1) + " of the list"
			}
			fix := ""
			for _, k := range pl.Node.Kids {
				low := strings.Trim(strings.ToLower(k.Key), ": _-")
				if k.Kind == jsondoc.String && k.Key != "type" && (low == "type" || low == "plugin" || known.Near(k.Key, []string{"type"}) != "") {
					fix = `write "type" instead of ` + `"` + k.Key + `"`
				}
			}
			p.value(pl.Node, fix, "%s has no type", what)
		}
	},
}

var _ = add(&pluginTypeMissing)

var pluginTypePath = Rule{
	ID: "plugin-type-path", Title: "type is a path", Severity: diag.Error,
	Doc:    "The runtime looks for the program in its own directories and refuses a name with a slash.",
	Fix:    "write the program's file name only",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": «"/opt/cni/bin/bridge"»}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:pkg/invoke/find.go",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			if i := strings.LastIndexByte(pl.Type, '/'); i >= 0 && !p.hole(pl.TypeNode) {
				p.value(pl.TypeNode, `write "`+pl.Type[i+1:]+`"`, "type %q is a path; a plugin's name has no slash", pl.Type)
			}
			if i := strings.LastIndexByte(pl.IPAMType, '/'); i >= 0 && !p.hole(pl.IPAM.Fold("type")) {
				p.value(pl.IPAM.Fold("type"), `write "`+pl.IPAMType[i+1:]+`"`, "ipam type %q is a path; a plugin's name has no slash", pl.IPAMType)
			}
		}
	},
}

var _ = add(&pluginTypePath)

var pluginTypeUnknown = Rule{
	ID: "plugin-type-unknown", Title: "a type close to that of a known plugin", Severity: diag.Warning,
	Doc:    "No plugin of that name is known, and it differs by a slip from one that is. If there is no program of that name on the node, every ADD fails.",
	Fix:    "write the plugin's name",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": «"brigde"»}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:pkg/invoke/find.go",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			if pl.TypeNode != nil && pl.Type != "" && !p.hole(pl.TypeNode) {
				if near := nearType(pl.Type, false); near != "" {
					p.value(pl.TypeNode, `write "`+near+`"`, "there is no known plugin %q; %q is meant, probably", pl.Type, near)
				}
			}
		}
	},
}

var _ = add(&pluginTypeUnknown)

// nearType is the known plugin that a type was meant to be, "" when it is known itself or close to none.
func nearType(s string, ipam bool) string {
	if known.Heard(s, ipam) {
		return ""
	}
	var words []string
	for _, k := range known.Plugins() {
		if k.IPAM == ipam {
			words = append(words, k.Type)
		}
	}
	return known.Near(s, words)
}

var listInConf = Rule{
	ID: "list-in-conf", Title: "a list in a .conf or .json file", Severity: diag.Error, Refuses: true,
	Doc:    "Only .conflist files are read as lists. A .conf or .json is read as one plugin, and a list has no type.",
	Fix:    "rename the file to .conflist",
	File:   "10-lab.conf",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", «"plugins"»: [{"type": "bridge"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "type": "bridge"}`,
	Source: "containernetworking/cni:libcni/conf.go; containerd/go-cni:opts.go; cri-o/ocicni:pkg/ocicni/ocicni.go",
	Check: func(p *Pass) {
		if p.Kind == Single && p.isList() && !p.isPlugin() {
			p.key(p.Root.Get("plugins"), "", "a list in a file that is read as one plugin, and has no type")
		}
	},
}

var _ = add(&listInConf)

var singleInConflist = Rule{
	ID: "single-in-conflist", Title: "one plugin in a .conflist file", Severity: diag.Error, Refuses: true,
	Doc:    "A .conflist is read as a list and needs plugins; this file is the configuration of one plugin.",
	Fix:    "rename the file to .conf, or put the plugin into a plugins array",
	Bad:    `«{»"cniVersion": "1.0.0", "name": "lab", "type": "bridge"}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/conf.go (NetworkConfFromFile)",
	Check: func(p *Pass) {
		if p.Kind == List && p.Root.Kind == jsondoc.Object && !p.isList() && p.isPlugin() && len(p.Sub.Files) == 0 && p.caseTwin("plugins") == nil {
			p.value(p.Root, "", "one plugin in a file that is read as a list")
		}
	},
}

var _ = add(&singleInConflist)

var typeAndPlugins = Rule{
	ID: "type-and-plugins", Title: "both type and plugins", Severity: diag.Warning,
	Doc:    "containerd and CRI-O read a .conf as one plugin and take type; a reader of lists takes plugins.",
	Fix:    "keep one of them, or make it a .conflist",
	File:   "10-lab.conf",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "type": "bridge", «"plugins"»: [{"type": "ptp"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "type": "bridge"}`,
	Source: "containernetworking/cni:libcni/conf.go; containerd/go-cni:opts.go",
	Check: func(p *Pass) {
		if p.Kind == Single && p.isList() && p.isPlugin() {
			p.key(p.Root.Get("plugins"), "", `a file that is read as one plugin has "type" and "plugins"; runtimes use type`)
		}
	},
}

var _ = add(&typeAndPlugins)
