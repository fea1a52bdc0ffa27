package probe

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A line of iptables-save comes apart as the shell that would run it takes it.
func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		`iptables -t nat -A POSTROUTING -m comment --comment "name: \"lab\" id: \"c 1\"" -j CNI-1`: {"iptables", "-t", "nat", "-A", "POSTROUTING", "-m", "comment", "--comment", `name: "lab" id: "c 1"`, "-j", "CNI-1"},
		`a  b`: {"a", "b"},
		`a ""`: {"a", ""},
		``:     nil,
	} {
		if got := split(line); !slices.Equal(got, want) {
			t.Errorf("%s: %q", line, got)
		}
	}
}

// The law: words that are quoted as iptables-save quotes them come back, and any line gives no more than is in it.
func FuzzSplit(f *testing.F) {
	f.Add(`-A X -m comment --comment "name: \"lab\"" -j CNI-1`, "a\\ \"b")
	f.Fuzz(func(t *testing.T, line, word string) {
		n := 0
		for _, w := range split(line) {
			n += len(w)
		}
		if n > 3*len(line) { // a byte that is no UTF-8 becomes three
			t.Fatalf("%q: %q", line, split(line))
		}
		word = strings.ToValidUTF8(word, "?")
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
		if got := split("a " + quoted + " b"); !slices.Equal(got, []string{"a", word, "b"}) {
			t.Fatalf("%s: %q", quoted, got)
		}
	})
}

// What a resolv.conf says is what the dns capability gets.
func TestDNS(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte("# x\nnameserver 10.96.0.10\nnameserver fd00::a\nsearch a.local b.local\noptions ndots:5\nnameserver\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, want := string(dns(path)), `{"servers":["10.96.0.10","fd00::a"],"searches":["a.local","b.local"],"options":["ndots:5"]}`; got != want {
		t.Errorf("%s", got)
	}
	if got := string(dns(path + "x")); got != "{}" {
		t.Errorf("%s", got)
	}
}

// Differences are told by kind, with what is new before what is gone, and count how often a line is there.
func TestDifferences(t *testing.T) {
	shot := func(lines ...string) *snapshot {
		s := &snapshot{lines: map[string]map[string]int{}}
		s.add("link")
		s.add("rule", lines...)
		return s
	}
	var told []string
	for _, d := range differences(shot("a", "b", "c", "c"), shot("a", "c", "d")) {
		told = append(told, d.String())
	}
	if want := "+ rule: d;- rule: b;- rule: c"; strings.Join(told, ";") != want {
		t.Errorf("%q", told)
	}
	if len(differences(shot("a"), shot("a"))) != 0 {
		t.Error("the same differs from itself")
	}
}

// Only what is a probe's by its name is removed.
func TestRemoveOthers(t *testing.T) {
	for _, name := range []string{"", "web", "../cni-shim-probe-1", "cni-shim-probe-../x", "cni-shim-probe-none"} {
		if err := Remove(t.Context(), t.TempDir(), name, false); err == nil {
			t.Errorf("%q is removed", name)
		}
	}
}

// host-local's own files are told from reservations, and an address that somebody has from one that is free.
func TestHostLocalFiles(t *testing.T) {
	for what, own := range map[string]bool{"/n/lab/lock (0 bytes, sum 1)": true, "/n/lab/last_reserved_ip.0 (9 bytes, sum 1)": true, "/n/lab/": true, "/n/lab/10.1.0.2 (70 bytes, sum 2)": false} {
		if ofHostLocal(what) != own {
			t.Errorf("%s: %v", what, !own)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"10.1.0.2", "fd00__2"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for address, free := range map[string]bool{"10.1.0.2": false, "10.1.0.3": true, "fd00::2": false, "fd00::3": true, "../x": false, "": false} {
		if (&tidy{}).free(dir, address) != free {
			t.Errorf("%s: %v", address, !free)
		}
	}
}

// The law: whatever a resolv.conf holds, what the capability gets is JSON of its words.
func FuzzDNS(f *testing.F) {
	f.Add([]byte("nameserver 10.96.0.10\nsearch a b\noptions ndots:5\n"))
	path := filepath.Join(f.TempDir(), "resolv.conf")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		var got map[string][]string
		if err := json.Unmarshal(dns(path), &got); err != nil {
			t.Fatal(err)
		}
		for key, words := range got {
			if len(words) == 0 || len(words) > len(text) {
				t.Fatalf("%s: %q", key, words)
			}
		}
	})
}
