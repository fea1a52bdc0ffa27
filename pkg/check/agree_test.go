package check

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/rules"
)

// Whatever libcni refuses, the plugin (by package chain) and check name the same file, place, rule, cause and cure; and
// what it takes, both take.
func TestPluginAgrees(t *testing.T) {
	refused := 0
	for _, r := range rules.All() {
		for _, example := range []string{r.Bad, r.Good} {
			if example == "" || strings.HasPrefix(r.ID, "shim-") {
				continue
			}
			name := r.File
			if name == "" {
				name = "10-net.conflist"
			}
			files, isDir := strings.CutPrefix(example, "-- ")
			if !isDir {
				files = name + " --\n" + example
			}
			dir := t.TempDir()
			for _, f := range strings.Split(files, "\n-- ") {
				name, body, _ := strings.Cut(f, " --\n")
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(strings.NewReplacer("«", "", "»", "").Replace(body)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			paths, err := chain.Files(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range paths {
				result, err := Path(path, Options{})
				if err != nil {
					t.Fatal(err)
				}
				_, err = chain.LoadFile(path)
				var e *chain.Error
				if !errors.As(err, &e) {
					for _, d := range result.List {
						if d.Refused {
							t.Errorf("%s: check says %s, the plugin takes it", r.ID, d)
						}
					}
					continue
				}
				refused++
				found := false
				for _, d := range result.List {
					found = found || d.Refused && d.Place == e.Place && d.Rule == e.Rule && d.Message == e.Cause && d.Fix == e.Fix
				}
				if !found {
					t.Errorf("%s: the plugin says %s [%s] %s; check\n%v", r.ID, e.Error(), e.Rule, e.Fix, result.List)
				}
			}
		}
	}
	if refused < 40 {
		t.Errorf("only %d refused", refused)
	}
}
