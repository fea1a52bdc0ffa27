package rules

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/known"
	"github.com/cni-shim/cni-shim/pkg/secret"
)

var jsonNumberRange = Rule{
	ID: "json-number-range", Title: "a number that libcni cannot carry", Severity: diag.Error, Refuses: true,
	Doc:    "libcni reads the plugins' numbers as 64-bit floating point and writes them again. A number beyond 1.8e308 is refused; a whole number beyond 2^53 reaches the plugin as a neighbour of itself (warning), which a plugin that wants an integer may refuse (error).",
	Fix:    "write a smaller number",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "mtu": «1e400»}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "mtu": 1500}]}`,
	Source: "containernetworking/cni:libcni/conf.go (NetworkConfFromBytes marshals every plugin again)",
	Check: func(p *Pass) {
		whole := map[*jsondoc.Node]bool{}
		p.fields(func(_ *Plugin, n *jsondoc.Node, f *known.Field) {
			if n.Kind == jsondoc.Number && (f.Type == known.Int || f.Type == known.Uint) {
				whole[n] = true
			}
		})
		walk(p.Root, func(n *jsondoc.Node) {
			if n.Kind != jsondoc.Number {
				return
			}
			f, err := strconv.ParseFloat(n.Raw(), 64)
			if (err != nil || math.Abs(f) >= 1<<53) && secret.Key(n.Key) {
				p.value(n, "put it in double quotes", "libcni cannot pass the number %s on as it is", label(n))
				return
			}
			if err != nil || math.IsInf(f, 0) {
				p.value(n, "", "%s is beyond what a 64-bit floating point number holds", n.Raw())
				return
			}
			if math.Abs(f) < 1<<53 || len(n.Raw()) > 400 {
				return
			}
			if whole[n] {
				if out, _ := json.Marshal(f); !fits(string(out)) {
					p.value(n, "", "libcni passes %s on as %s, which is no 64-bit integer", n.Raw(), out)
					return
				}
			}
			if exact, ok := new(big.Rat).SetString(n.Raw()); ok && exact.IsInt() && new(big.Rat).SetFloat64(f).Cmp(exact) != 0 {
				p.as(diag.Warning, n.Start, n.End, "", "libcni passes %s on as %.0f", n.Raw(), f)
			}
		})
	},
}

var _ = add(&jsonNumberRange)

// fits tells whether the text is an integer of 64 bits, with a sign or without.
func fits(s string) bool {
	_, errU := strconv.ParseUint(s, 10, 64)
	_, errI := strconv.ParseInt(s, 10, 64)
	return errU == nil || errI == nil
}
