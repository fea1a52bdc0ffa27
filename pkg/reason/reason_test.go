package reason

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden list")

// TestNamesAreForEver holds names and message ids to the golden list: readers key on them.
func TestNamesAreForEver(t *testing.T) {
	var b strings.Builder
	for _, r := range All() {
		fmt.Fprintf(&b, "%-22s %s\n", r.Name, r.MessageID)
	}
	golden := filepath.Join("testdata", "names.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("names or message ids differ from %s:\n%s", golden, b.String())
	}
}

func TestEveryReasonIsWhole(t *testing.T) {
	name, id := regexp.MustCompile(`^[A-Z][A-Za-z0-9]+$`), regexp.MustCompile(`^[0-9a-f]{32}$`)
	blames := map[Blame]bool{Configuration: true, Node: true, AddOn: true, Cluster: true, Cloud: true, Runtime: true, Nobody: true}
	seen, group := map[string]bool{}, Config
	for _, r := range All() {
		switch {
		case !name.MatchString(r.Name), !id.MatchString(r.MessageID), seen[r.Name], seen[r.MessageID]:
			t.Errorf("%s: name or message id %q malformed or taken", r.Name, r.MessageID)
		case r.Group < group:
			t.Errorf("%s: out of its group's place", r.Name)
		case r.Title == "" || r.Cause == "" || r.Cure == "" || len(r.Confirm) == 0 || !blames[r.Who]:
			t.Errorf("%s: incomplete", r.Name)
		case strings.HasSuffix(r.Title, ".") || strings.HasSuffix(r.Cure, ".") || strings.Contains(r.Title+r.Cure+r.Cause, "\n"):
			t.Errorf("%s: title and cure are one line without a full stop", r.Name)
		case len(r.Title) > 72 || len(r.Cure) > 130:
			t.Errorf("%s: title of %d or cure of %d bytes does not fit a line", r.Name, len(r.Title), len(r.Cure))
		}
		seen[r.Name], seen[r.MessageID], group = true, true, r.Group
		if Lookup(r.Name) != r {
			t.Errorf("%s: not found by name", r.Name)
		}
		if _, err := os.Stat(strings.ToLower(r.Name) + ".go"); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
	}
	files, _ := filepath.Glob("*.go")
	if n := len(files) - 2; n != len(All()) { // reason.go and this file
		t.Errorf("%d files of reasons, %d in All", n, len(All()))
	}
}

// TestConfirmIsShell: what a page tells to run is one command line that a shell takes as it stands, with nothing to fill in.
func TestConfirmIsShell(t *testing.T) {
	for _, r := range All() {
		for _, command := range r.Confirm {
			if out, err := exec.Command("sh", "-n", "-c", command).CombinedOutput(); err != nil {
				t.Errorf("%s: %q: %s", r.Name, command, out)
			}
			if strings.ContainsAny(command, "\n…") || regexp.MustCompile(`<[A-Za-z]|(^| )[A-Z]{4,}( |$)`).MatchString(command) {
				t.Errorf("%s: %q wants something filled in", r.Name, command)
			}
		}
	}
}
