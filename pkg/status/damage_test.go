package status

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/pkg/evidence"
	"github.com/cni-shim/cni-shim/pkg/inventory"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// whole is a file with something in every list and map.
func whole(t *testing.T, s *Store) []byte {
	t.Helper()
	f := &report.Failure{Reason: reason.PluginKilled, Plugin: "p", Of: 1, Cause: "x", Evidence: []evidence.Fact{{Key: "signal", Text: "9"}}}
	events := []*Event{
		EventOf(&report.Record{Time: time.Now().UTC(), Verb: "ADD", Changed: true, Chain: &report.Chain{Network: "lab", Source: "directory", CNIVersion: "1.0.0",
			Plugins: []inventory.Plugin{{Type: "p", Path: "/p", Versions: []string{"1.0.0"}}}}, Runs: []report.Run{{Plugin: "p", Verb: "ADD", Duration: time.Second}},
			Pod: &report.Pod{Name: "web"}, Failure: f, Notes: []report.Note{{Message: "n", Always: true}}}, 3, os.ErrClosed),
		event("STATUS", nil),
	}
	for _, e := range events {
		if err := s.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mutate gives f every text in which one value of a JSON text is another, or not there.
func mutate(t *testing.T, text []byte, f func(what string, text []byte)) {
	t.Helper()
	var root any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	emit := func(what string) {
		b, err := json.MarshalIndent(root, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		f(what, b)
	}
	nested := json.RawMessage(strings.Repeat("[", 500) + strings.Repeat("]", 500))
	others := []any{nil, true, -5, json.RawMessage("1e300"), json.RawMessage("9223372036854775807"), json.RawMessage("9007199254740991"), "x",
		"9999-12-31T23:59:59-23:59", []any{}, []any{nil}, map[string]any{"x": nil}, nested}
	var walk func(path string, v any, set func(any), drop func())
	walk = func(path string, v any, set func(any), drop func()) {
		for i, o := range others {
			set(o)
			emit(fmt.Sprintf("%s: %d", path, i))
		}
		if drop != nil {
			drop()
			emit(path + " dropped")
		}
		set(v)
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				walk(path+"."+k, x, func(x any) { v[k] = x }, func() { delete(v, k) })
			}
		case []any:
			for i, x := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), x, func(x any) { v[i] = x }, nil)
			}
		}
	}
	walk("", root, func(x any) { root = x }, nil)
	for n := 0; n < len(text); n += 97 {
		f(fmt.Sprintf("cut at %d", n), text[:n])
	}
}

// The law: whatever stands in the file, after one more call of any kind readers take it, and what could not be believed is set aside
// once, and told.
func TestDamage(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "run", "status.json"))
	good := whole(t, s)
	if !sealed(good) {
		t.Fatalf("not sealed: %s", good)
	}
	calls := []func() *Event{
		func() *Event { return event("STATUS", nil) },
		func() *Event {
			return event("ADD", &report.Failure{Reason: reason.PluginKilled, Plugin: "p", Of: 1, Cause: "x"})
		},
	}
	kept, aside := 0, 0
	mutate(t, good, func(what string, text []byte) {
		_ = os.Remove(s.path + ".bad")
		if err := os.WriteFile(s.path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		for i := range calls { // in turns the one and the other first
			if err := s.Add(calls[(i+kept+aside)%len(calls)]()); err != nil {
				t.Fatalf("%s, call %d: %v", what, i, err)
			}
			if _, err := s.Read(); err != nil {
				t.Fatalf("%s, after call %d: %v", what, i, err)
			}
		}
		b, _ := os.ReadFile(s.path)
		f, err := s.Read()
		if err != nil || !sealed(b) {
			t.Fatalf("%s: %v\n%.2000s", what, err, b)
		}
		moved, noted := 0, 0
		if _, err := os.Stat(s.path + ".bad"); err == nil {
			moved = 1
		}
		for _, n := range f.Notes {
			if strings.Contains(n.Message, "was set aside as") {
				noted += int(n.Count)
			}
		}
		if moved != noted {
			t.Errorf("%s: set aside %d times, told %d times", what, moved, noted)
		}
		kept, aside = kept+1-moved, aside+moved
	})
	t.Logf("%d files kept, %d set aside", kept, aside)
	if kept < 200 || aside < 500 {
		t.Error("too few of either to say anything")
	}
}

// A usual call believes a file as the shim left it without reading all of it, and no other.
func TestSeal(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "run", "status.json"))
	good := whole(t, s)
	if s.outline() == nil {
		t.Fatal("a whole file is not believed")
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		if bad[i] ^= 1; sealed(bad) {
			t.Fatalf("byte %d is another: %s", i, bad)
		}
	}
	if sealed(append(good, ' ')) || sealed(nil) || sealed(good[:len(good)-1]) {
		t.Error("what is longer or shorter is believed")
	}
}
