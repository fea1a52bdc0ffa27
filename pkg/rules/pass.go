package rules

import (
	"fmt"
	"slices"

	"github.com/containernetworking/cni/libcni"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
)

// Finding is what a rule has found in one configuration. Start and End are byte offsets in its raw text.
type Finding struct {
	Rule       *Rule
	Severity   diag.Severity
	Start, End int
	Whole      bool // the file as a whole; no offsets
	Message    string
	Fix        string
	Refused    bool           // libcni refuses the configuration, for this reason
	Edits      []jsondoc.Edit // what mends it beyond doubt
}

// Pass is one rule's look at one configuration.
type Pass struct {
	*Conf
	rule     *Rule
	findings *[]Finding
}

// maxFindings bounds what a hostile or generated file can produce.
const maxFindings = 200

// at reports a place with the rule's own severity. fix "" takes the rule's.
func (p *Pass) at(start, end int, fix, format string, args ...any) {
	p.as(p.rule.Severity, start, end, fix, format, args...)
}

func (p *Pass) as(s diag.Severity, start, end int, fix, format string, args ...any) {
	if len(*p.findings) >= maxFindings {
		return
	}
	if fix == "" {
		fix = p.rule.Fix
	}
	*p.findings = append(*p.findings, Finding{Rule: p.rule, Severity: s, Start: start, End: end, Message: fmt.Sprintf(format, args...), Fix: fix})
}

// value and key report a value, or the key of one.
func (p *Pass) value(n *jsondoc.Node, fix, format string, args ...any) {
	p.at(n.Start, headEnd(n), fix, format, args...)
}

func (p *Pass) key(n *jsondoc.Node, fix, format string, args ...any) {
	p.at(n.KeyStart, n.KeyEnd, fix, format, args...)
}

// Check runs every rule on a configuration. Findings come in the order of the text; exactly when libcni refuses it,
// one of them says so.
func Check(c *Conf) []Finding {
	var out []Finding
	if len(c.faults) > 0 {
		for _, f := range c.faults {
			r := Lookup(f.Rule)
			out = append(out, Finding{Rule: r, Severity: diag.Error, Start: f.Start, End: f.End, Message: f.Cause, Fix: f.Fix, Edits: f.Edits})
		}
		notOurs(c, &out)
		out[0].Refused = true
		return out
	}
	if c.Root != nil {
		for _, r := range registry {
			if r.Check != nil {
				r.Check(&Pass{Conf: c, rule: r, findings: &out})
			}
		}
	}
	if err := c.Refusal(); err != nil {
		i := slices.IndexFunc(out, func(f Finding) bool { return f.Rule.Refuses && f.Severity == diag.Error })
		if i < 0 {
			out = append(out, Finding{Rule: &refused, Severity: diag.Error, Whole: true, Message: words(err), Fix: refused.Fix})
			i = len(out) - 1
		}
		out[i].Refused = true
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return a.Start - b.Start })
	return out
}

// Refusal is libcni's reason not to load the configuration, nil when it loads.
func (c *Conf) Refusal() error {
	switch c.Kind {
	case List:
		list, err := libcni.NetworkConfFromBytes(c.Text)
		if err != nil {
			return err
		}
		if !list.LoadOnlyInlinedPlugins && c.Sub.Err != nil {
			return c.Sub.Err
		}
		if len(list.Plugins) == 0 && (list.LoadOnlyInlinedPlugins || len(c.Sub.Files) == 0) {
			return fmt.Errorf("no plugin configs found")
		}
		return nil
	case Single:
		conf, err := libcni.NetworkPluginConfFromBytes(c.Text)
		if err != nil {
			return err
		}
		//lint:ignore SA1019 runtimes do just this with a .conf
		_, err = libcni.ConfListFromConf(conf)
		return err
	}
	_, err := libcni.NetworkPluginConfFromBytes(c.Text)
	return err
}

// headEnd is the end of the part of a value that is shown as its place: of an object or array the opening bracket.
func headEnd(n *jsondoc.Node) int {
	if n.Kind >= jsondoc.Array {
		return n.Start + 1
	}
	return n.End
}
