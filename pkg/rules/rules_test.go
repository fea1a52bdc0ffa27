package rules_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/check"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/rules"
)

// withoutExample are rules whose breach no text can show: bytes, links, and the last resort. TestDirectories of
// package check has the ones of the file system, TestNode of package nodecheck those of a whole node.
var withoutExample = map[string]bool{"encoding-utf16": true, "libcni-refuses": true, "file-not-regular": true, "file-dangling-link": true, "file-unreadable": true, "shim-runs-twice": true}

// Every rule finds its bad example at the place marked, and nothing worse than information in its good one.
func TestExamples(t *testing.T) {
	id := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)
	seen := map[string]bool{}
	for _, r := range rules.All() {
		t.Run(r.ID, func(t *testing.T) {
			if seen[r.ID] || !id.MatchString(r.ID) || r.Title == "" || r.Doc == "" || r.Fix == "" || r.Source == "" || strings.HasSuffix(r.Title, ".") || strings.HasSuffix(r.Fix, ".") {
				t.Errorf("words: %+v", r)
			}
			seen[r.ID] = true
			if rules.Lookup(r.ID) != r || !strings.Contains(r.Page(), r.Title) {
				t.Error("lookup or page")
			}
			if withoutExample[r.ID] || strings.HasPrefix(r.ID, "node-") {
				return
			}
			list, marked := run(t, r, r.Bad)
			found := false
			for _, d := range list {
				if d.Rule == r.ID {
					found = found || place(d) == marked || marked == ""
				}
			}
			if !found {
				t.Errorf("bad example, marked at %s:\n%s\nfound %v", marked, r.Bad, list)
			}
			if strings.HasPrefix(r.ID, "json-") || strings.HasPrefix(r.ID, "encoding-") {
				return // their good examples are JSON, and no configurations
			}
			list, _ = run(t, r, r.Good)
			if worst, any := list.Worst(); any && worst != diag.Info {
				t.Errorf("good example:\n%s\nfound %v", r.Good, list)
			}
		})
	}
}

func place(d diag.Diagnostic) string {
	p := d.Place
	p.File = filepath.Base(p.File)
	return p.String()
}

// run checks an example in a directory of its own and returns the place that it marks, "" for none.
func run(t *testing.T, r *rules.Rule, example string) (diag.List, string) {
	name := r.File
	if name == "" {
		name = "10-net.conflist"
	}
	text, isDir := strings.CutPrefix(example, "-- ")
	if !isDir {
		text = name + " --\n" + example
	}
	dir, marked := t.TempDir(), ""
	for _, f := range strings.Split(text, "\n-- ") {
		name, body, _ := strings.Cut(f, " --\n")
		if start := strings.Index(body, "«"); start >= 0 {
			line, column := diag.LineColumn([]byte(body), start)
			marked = diag.Place{File: filepath.Base(name), Line: line, Column: column}.String()
			body = strings.NewReplacer("«", "", "»", "").Replace(body)
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := dir
	if !isDir {
		path = filepath.Join(dir, name)
	}
	res, err := check.Path(path, check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return res.List, marked
}
