// Package rules holds what can be wrong with a network configuration: each rule is one value with its words, its
// examples, its source and its check. The command line, the plugin, docs/rules.md and `cni-shim explain` all take
// from these values, so they cannot disagree. Ids are for ever: people suppress and search by them.
package rules

import (
	"fmt"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/diag"
)

// Rule is one thing that can be wrong.
type Rule struct {
	ID       string
	Title    string // what is wrong, one line, lower case, no full stop
	Severity diag.Severity
	Doc      string // a paragraph: what really happens, and where the severity differs
	Fix      string // how it is cured in general, one line, imperative
	Bad      string // a text that breaks the rule, «» round the place; a directory as "-- name --" lines with the files
	Good     string // the same, cured
	File     string // name of the example's file, "10-net.conflist" when empty
	Source   string // what it was checked against, owner/repo:path

	// Refuses: a finding of this rule can be the reason why libcni refuses the file.
	Refuses bool
	// Check looks at one configuration; nil where jsondoc finds the fault.
	Check func(*Pass)
	// Dir looks at a directory as a whole.
	Dir func(*DirPass)
}

// registry holds every rule in the order in which the files of this package are initialised; see All. The rules themselves are
// variables that the compiler lays out, so that a plugin's call, which most often needs none, does not build them.
var registry = make([]*Rule, 0, 160)

func add(r *Rule) bool {
	registry = append(registry, r)
	return true
}

func addAll(rules []Rule) bool {
	for i := range rules {
		add(&rules[i])
	}
	return true
}

// All returns every rule, in the order of registration. The slice is the caller's, the rules are not.
func All() []*Rule { return append([]*Rule(nil), registry...) }

// Lookup finds a rule by its id; nil when there is none of that id.
func Lookup(id string) *Rule {
	for _, r := range registry {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// Page is the rule as `cni-shim explain` prints it.
func (r *Rule) Page() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\nseverity: %s\n\n%s\n", r.ID, r.Title, r.Severity, wrap(r.Doc, 100))
	if r.Fix != "" {
		fmt.Fprintf(&b, "\nfix: %s\n", r.Fix)
	}
	if r.Bad != "" {
		fmt.Fprintf(&b, "\nwrong:\n\n%s\n", indent(printable(r.Bad)))
	}
	if r.Good != "" {
		fmt.Fprintf(&b, "\nright:\n\n%s\n", indent(printable(r.Good)))
	}
	if r.Source != "" {
		fmt.Fprintf(&b, "\nsource: %s\n", r.Source)
	}
	return b.String()
}

// printable shows an example without the marks of its place and with invisible bytes spelt out.
func printable(s string) string {
	var b strings.Builder
	for _, r := range strings.NewReplacer("«", "", "»", "").Replace(s) {
		switch {
		case r == '\n' || r >= ' ' && r < 0x7f || r > 0xff && r != 0x200b && r != 0xfeff:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "<%02X>", r)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

func indent(s string) string { return "    " + strings.ReplaceAll(s, "\n", "\n    ") }

// wrap breaks a paragraph at spaces so that no line is longer than width, where words allow.
func wrap(s string, width int) string {
	var b strings.Builder
	n := 0
	for i, w := range strings.Fields(s) {
		switch {
		case i == 0:
		case n+1+len(w) > width:
			b.WriteByte('\n')
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(w)
		n += len(w)
	}
	return b.String()
}
