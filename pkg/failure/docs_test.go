package failure

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/reason"
)

var update = flag.Bool("update", false, "rewrite the generated files")

// TestGenerated keeps the pages that are made of reasons and classes true to them.
func TestGenerated(t *testing.T) {
	for file, want := range map[string]string{
		"../../docs/reasons.md":       markdown(),
		"../../conf/cni-shim.catalog": catalog(),
	} {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s is not what the reasons make of it (%v): run 'go test ./pkg/failure -update'", file, err)
		}
	}
}

// TestCatalogCompiles lets journalctl compile the catalog and find every entry again.
func TestCatalogCompiles(t *testing.T) {
	journalctl, err := exec.LookPath("journalctl")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("no journalctl on this machine: 'make setup' installs it")
	} else if err != nil {
		t.Skip("no journalctl on this machine: 'make setup' installs it")
	}
	root := t.TempDir()
	for _, dir := range []string{"usr/lib/systemd/catalog", "var/lib/systemd/catalog"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "usr/lib/systemd/catalog/cni-shim.catalog"), []byte(catalog()), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(journalctl, "--root="+root, "--update-catalog").CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("journalctl --update-catalog: %v\n%s", err, out)
	}
	out, err := exec.Command(journalctl, "--root="+root, "--list-catalog").Output()
	if err != nil {
		t.Fatalf("journalctl --list-catalog: %v", err)
	}
	for _, r := range reason.All() {
		if !strings.Contains(string(out), r.MessageID+" cni-shim: "+r.Name+": "+r.Title) {
			t.Errorf("%s: not in the compiled catalog", r.Name)
		}
	}
}

func markdown() string {
	var b strings.Builder
	b.WriteString("# Reasons\n\nEvery failure that cni-shim reports carries one of these words. They are for ever: alerts and scripts may key on\n" +
		"them. `cni-shim explain REASON` shows the same page on a node, `cni-shim explain -` finds the reason of a pasted\n" +
		"error or log.\n\nThis page is generated from `pkg/reason` and `pkg/failure`.\n")
	group := reason.Group(255)
	for _, r := range reason.All() {
		if r.Group != group {
			group = r.Group
			fmt.Fprintf(&b, "\n## %s%s\n", strings.ToUpper(group.String()[:1]), group.String()[1:])
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s. %s\n\n- Cure: %s.\n- Whose turn: %s. The runtime's own retry %s.\n- `MESSAGE_ID=%s`\n\nConfirm:\n\n", r.Name,
			strings.ToUpper(r.Title[:1])+r.Title[1:], r.Cause, r.Cure, r.Who, retry(r), r.MessageID)
		for _, c := range r.Confirm {
			fmt.Fprintf(&b, "    %s\n", c)
		}
		if texts := examples(r.Name); len(texts) > 0 {
			b.WriteString("\nShows as:\n\n")
			for _, text := range texts {
				fmt.Fprintf(&b, "    %s\n", text)
			}
		}
	}
	return b.String()
}

func retry(r *reason.Reason) string {
	if r.Retry {
		return "may help"
	}
	return "does not help"
}

// examples are the shortest of a class's samples.
func examples(name string) []string {
	var texts []string
	for _, c := range registry {
		if c.Reason != name {
			continue
		}
		for _, s := range c.Samples {
			if len(s.Text) <= 110 && len(texts) < 3 {
				texts = append(texts, s.Text)
			}
		}
	}
	return texts
}

// catalog is the systemd journal catalog: see catalog(5) of systemd.
func catalog() string {
	var b strings.Builder
	b.WriteString("# Message catalog of cni-shim: `journalctl -x -t cni-shim` shows these texts below its entries.\n" +
		"# Generated from pkg/reason. Install in /usr/lib/systemd/catalog and run `journalctl --update-catalog`.\n")
	for _, r := range reason.All() {
		fmt.Fprintf(&b, "\n-- %s\nSubject: %s: %s\nDefined-By: cni-shim\nSupport: https://github.com/cni-shim/cni-shim/issues\n"+
			"Documentation: https://github.com/cni-shim/cni-shim/blob/main/docs/reasons.md#%s\n\n", r.MessageID, r.Name, r.Title, strings.ToLower(r.Name))
		// journalctl fills in fields without digits in their names, and shows the name of one that an entry lacks.
		b.WriteString("@CNI_COMMAND@ of network @CNI_NETWORK@ failed.\n\n")
		b.WriteString(fill(r.Cause, "") + "\n\n")
		b.WriteString(fill("Cure: "+r.Cure+".", "") + "\n\nTo confirm:\n")
		for _, c := range r.Confirm {
			fmt.Fprintf(&b, "    %s\n", c)
		}
		fmt.Fprintf(&b, "\nWhose turn: %s.\nThe runtime's own retry %s. See also: cni-shim explain %s\n", r.Who.Party(), retry(r), r.Name)
	}
	return b.String()
}

// fill breaks text into lines of at most 76 columns, the width that catalogs keep to.
func fill(text, indent string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column > 0 && column+1+len(word) > 76:
			b.WriteString("\n" + indent)
			column = len(indent)
		case column > 0:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
