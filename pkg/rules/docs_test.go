package rules_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/rules"
)

var update = flag.Bool("update", false, "rewrite docs/rules.md")

// groups are the chapters of docs/rules.md, by the beginnings of ids; the last takes the rest.
var groups = []struct{ title, prefixes string }{
	{"Bytes and JSON syntax", "json- encoding- template- libcni-"},
	{"Directory and file system", "dir- ext- file- plugin-dir- kubeconfig-"},
	{"IPAM", "ipam- bridge-"},
	{"Fields of plugins", "field- iface- mac- sysctl- bandwidth- capability-"},
	{"Chains and delegates", "chain- delegate- multus-"},
	{"The node", "node- shim-"},
	{"Shape of the configuration", ""},
}

// docs/rules.md is made from the rules: go test ./pkg/rules -update
func TestDocs(t *testing.T) {
	var b strings.Builder
	b.WriteString("<!-- Made from the values in pkg/rules by `go test ./pkg/rules -update`; do not edit. -->\n# Rules of `cni-shim check`\n\n")
	b.WriteString("**error**: libcni refuses the file, or it loads and every ADD fails. **warning**: it loads and pods start, but not as\nits author meant, or not everywhere. **info**: harmless, worth knowing. `cni-shim explain RULE` prints the same page.\n")
	all := rules.All()
	slices.SortFunc(all, func(a, b *rules.Rule) int { return strings.Compare(a.ID, b.ID) })
	done := map[string]bool{}
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n", g.title)
		for _, r := range all {
			if done[r.ID] || !slices.ContainsFunc(strings.Fields(g.prefixes), func(p string) bool { return strings.HasPrefix(r.ID, p) }) && g.prefixes != "" {
				continue
			}
			done[r.ID] = true
			fmt.Fprintf(&b, "\n### %s\n\n%s\n\n%s (%s)\n\nFix: %s.\n", r.ID, sentence(r.Title), r.Doc, r.Severity, r.Fix)
			if r.Bad != "" {
				fmt.Fprintf(&b, "\nWrong:\n\n```\n%s\n```\n\nRight:\n\n```\n%s\n```\n", show(r.Bad), show(r.Good))
			}
			fmt.Fprintf(&b, "\nChecked against: %s\n", r.Source)
		}
	}
	golden(t, "../../docs/rules.md", b.String())
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// show spells out what a page would hide.
func show(s string) string {
	s = strings.NewReplacer("«", "", "»", "", "\ufeff", "<BOM>", "\u00a0", "<NBSP>", "\x00", "<NUL>", "\t", "<TAB>", "\xe4", "<E4>").Replace(s)
	return strings.TrimRight(s, "\n")
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is not what its values say; run go test with -update", path)
	}
}
