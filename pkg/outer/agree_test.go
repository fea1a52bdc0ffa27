package outer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/check"
)

// What is generated is what check wants: of a list beside the chain that it wraps there is nothing to say.
func TestCheckAgrees(t *testing.T) {
	for name, text := range map[string]string{
		"10-a.conflist": wrapped,
		"10-b.conflist": `{"cniVersion":"0.4.0","name":"b","disableCheck":true,"disableGC":"True","plugins":[{"type":"bridge"},{"type":"portmap","capabilities":{"portMappings":true,"zap":true}}]}`,
		"10-c.conf":     `{"cniVersion":"0.3.1","name":"c","type":"bridge","capabilities":{"zip":true}}`,
		"10-d.json":     `{"name":"d","type":"loopback"}`,
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, "b"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "b", "1.conf"), []byte(`{"type":"tuning"}`), 0o644); err != nil {
			t.Fatal(err)
		}
		before, err := check.Path(dir, check.Options{})
		if err != nil {
			t.Fatal(err)
		}
		list, err := Generate(load(t, text, name), nil, dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := Write(dir, list, nil); err != nil {
			t.Fatal(err)
		}
		r, err := check.Path(dir, check.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range r.List {
			if filepath.Base(d.File) == Name || strings.HasPrefix(d.Rule, "shim-") || len(r.List) > len(before.List) {
				t.Errorf("%s: %s", name, d)
			}
		}
	}
}
