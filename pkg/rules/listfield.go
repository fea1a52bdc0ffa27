package rules

import (
	"strings"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
)

var flags = [...]string{"disableCheck", "disableGC", "loadOnlyInlinedPlugins"}

var listFieldType = Rule{
	ID: "list-field-type", Title: "a list-level field of the wrong type", Severity: diag.Error, Refuses: true,
	Doc:    "name and cniVersion are strings, cniVersions an array of strings, plugins an array of objects, disableCheck, disableGC and loadOnlyInlinedPlugins booleans. libcni refuses anything else.",
	Fix:    "write the value in the type that the field has",
	Bad:    `{"cniVersion": «1.0», "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/conf.go (NetworkConfFromBytes)",
	Check: func(p *Pass) {
		if p.Kind != List {
			return
		}
		for _, key := range [...]string{"name", "cniVersion"} {
			if n := p.Root.Get(key); n != nil && n.Kind != jsondoc.String {
				p.value(n, "put it in double quotes", "%q must be a string, not %s", key, n.Kind)
			}
		}
		if n := p.Root.Get("cniVersions"); n != nil && n.Kind != jsondoc.Array {
			p.value(n, `write an array: ["1.0.0"]`, `"cniVersions" must be an array of strings, not %s`, n.Kind)
		} else {
			for _, e := range kids(n) {
				if e.Kind != jsondoc.String {
					p.value(e, "put it in double quotes", `an element of "cniVersions" must be a string, not %s`, e.Kind)
				}
			}
		}
		if n := p.Root.Get("plugins"); n != nil && n.Kind != jsondoc.Array {
			p.value(n, "write an array: [ { … } ]", `"plugins" must be an array, not %s`, n.Kind)
		}
		for _, key := range flags {
			n := p.Root.Get(key)
			if n == nil || n.Kind == jsondoc.Bool || n.Kind == jsondoc.String && isBoolWord(n.Str()) {
				continue
			}
			if n.Kind == jsondoc.String {
				p.value(n, "write true or false", "%q must be true or false, not %s", key, n.Raw())
			} else {
				p.value(n, "write true or false", "%q must be true or false, not %s", key, n.Kind)
			}
		}
	},
}

var _ = add(&listFieldType)

func isBoolWord(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

var boolAsString = Rule{
	ID: "bool-as-string", Title: "a boolean in quotes", Severity: diag.Info,
	Doc:    "libcni takes \"true\" and \"false\" in any case for the list's flags; other readers of the same file do not.",
	Fix:    "write it without quotes",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "disableCheck": «"true"», "plugins": [{"type": "bridge"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "disableCheck": true, "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/conf.go (readBool); pkg/types/types.go (NetConfList)",
	Check: func(p *Pass) {
		for _, key := range flags {
			if n := p.Root.Get(key); p.Kind == List && n.Is(jsondoc.String) && isBoolWord(n.Str()) {
				p.value(n, "", "%q is a string; libcni takes it, other readers do not", key)
			}
		}
	},
}

var _ = add(&boolAsString)
