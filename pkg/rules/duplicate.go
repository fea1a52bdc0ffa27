package rules

import (
	"strings"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
)

var jsonDuplicateKey = Rule{
	ID: "json-duplicate-key", Title: "the same key twice in one object", Severity: diag.Warning,
	Doc:    "The last one wins without a word; what stands in the first is lost.",
	Fix:    "keep one of them",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "mtu": 1500, «"mtu"»: 1400}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "mtu": 1400}]}`,
	Source: "encoding/json",
	Check: func(p *Pass) {
		twins(p.Root, func(s string) string { return s }, func(first, second *jsondoc.Node) {
			p.key(second, "", "%q stands twice in this object; the last one counts", second.Key)
		})
	},
}

var _ = add(&jsonDuplicateKey)

var jsonCaseDuplicateKey = Rule{
	ID: "json-case-duplicate-key", Title: "two keys that differ in case only", Severity: diag.Warning,
	Doc:    "libcni keeps both; the plugin, which decodes without regard to case, takes the one that comes last in byte order. Another reader may take the other.",
	Fix:    "keep the one that is spelt right",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "MTU": 1500, «"mtu"»: 1400}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "mtu": 1400}]}`,
	Source: "encoding/json; containernetworking/cni:libcni/conf.go (ConfListFromConf)",
	Check: func(p *Pass) {
		twins(p.Root, strings.ToLower, func(first, second *jsondoc.Node) {
			if first.Key != second.Key {
				p.key(second, "", "%q and %q differ in case only; which one counts depends on the reader", first.Key, second.Key)
			}
		})
	},
}

var _ = add(&jsonCaseDuplicateKey)

// twins calls f for the members of one object whose keys are the same after fold.
func twins(root *jsondoc.Node, fold func(string) string, f func(first, second *jsondoc.Node)) {
	walk(root, func(n *jsondoc.Node) {
		if n.Kind != jsondoc.Object || len(n.Kids) < 2 {
			return
		}
		seen := make(map[string]*jsondoc.Node, len(n.Kids))
		for _, k := range n.Kids {
			if first := seen[fold(k.Key)]; first != nil {
				f(first, k)
			}
			seen[fold(k.Key)] = k
		}
	})
}
