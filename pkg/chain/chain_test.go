package chain

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/containernetworking/cni/libcni"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/reason"
)

const list = `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"bridge","x":{"keep":9007199254740993}}]}`

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Which file of a directory is the chain.
func TestDirectory(t *testing.T) {
	own := `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"cni-shim"}]}`
	for name, c := range map[string]struct {
		files      map[string]string
		file, fail string
	}{
		"own list skipped":        {map[string]string{"00-cni-shim.conflist": own, "10-a.conflist": list, "20-b.conflist": "{"}, "10-a.conflist", ""},
		"own list broken skipped": {map[string]string{"00-cni-shim.conflist": own + "}", "10-a.conflist": list}, "10-a.conflist", ""},
		"never falls through":     {map[string]string{"10-a.conflist": "{", "20-b.conflist": list}, "", "10-a.conflist:1:2: the text ends inside the configuration, 1 bracket open"},
		"single plugin":           {map[string]string{"10-a.conf": `{"cniVersion":"1.0.0","name":"lab","type":"bridge"}`}, "10-a.conf", ""},
		"list in .conf":           {map[string]string{"10-a.conf": list}, "", "10-a.conf:1:36: a list in a file that is read as one plugin, and has no type"},
		"wrong name":              {map[string]string{"10-a.conflist.bak": list}, "", "D: no network configuration (10-a.conflist.bak: not a name that runtimes read)"},
		"sub-directory broken":    {map[string]string{"10-a.conflist": list, "lab/1.conf": `{"type":"x",}`}, "", `1.conf:1:12: trailing comma after "x"`},
		"empty":                   {nil, "", "D: no network configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "D")
			_ = os.Mkdir(dir, 0o755)
			write(t, dir, c.files)
			got, err := Load(&config.Config{Name: "lab", Chain: config.Chain{Path: dir}})
			if c.fail != "" {
				if err == nil || err.Error() != c.fail {
					t.Errorf("got %v, want %s", err, c.fail)
				}
				return
			}
			if err != nil || filepath.Base(got.Source.Path) != c.file || got.Source.Kind != Directory {
				t.Errorf("%+v %v", got, err)
			}
		})
	}
}

// What must not be waited for or followed for ever.
func TestHostileFiles(t *testing.T) {
	dir := t.TempDir()
	fifo, loop, big := filepath.Join(dir, "a.conflist"), filepath.Join(dir, "b.conflist"), filepath.Join(dir, "c.conflist")
	if err := errors.Join(syscall.Mkfifo(fifo, 0o644), os.Symlink("b.conflist", loop), os.WriteFile(big, nil, 0o644), os.Truncate(big, 100<<20)); err != nil {
		t.Fatal(err)
	}
	deep := filepath.Join(dir, "d.conflist")
	if err := os.WriteFile(deep, []byte(`{"name":"x","plugins":`+strings.Repeat("[", 200000)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, loop, big, deep, "/dev/zero"} {
		if _, err := LoadFile(path); err == nil {
			t.Errorf("%s was read", path)
		}
	}
}

func TestInline(t *testing.T) {
	c := &config.Config{Name: "lab", CNIVersion: "1.1.0", Chain: config.Chain{Inline: []byte(`{"plugins":[{"type":"a"},{"type":"b"}]}`)}}
	got, err := Load(c)
	if err != nil || got.Name != "lab" || got.CNIVersion != "1.1.0" || got.Label(1) != "b (2/2)" {
		t.Errorf("%+v %v", got, err)
	}
	c.Chain.Inline = []byte(`{"plugins":[{"mtu":1}]}`)
	var e *Error
	if _, err := Load(c); !errors.As(err, &e) || e.Reason != reason.ConfigInvalid || e.Cause != `"chain": plugin index 0: missing 'type'` {
		t.Errorf("%v", err)
	}
}

// A stored chain is the chain: bytes that libcni re-reads to the same plugin objects, those of the sub-directory included.
func TestRaw(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"10-a.conflist": list, "lab/1.conf": `{"type":"tuning","sysctl":{"net.x":"1"}}`})
	a, err := LoadFile(filepath.Join(dir, "10-a.conflist"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := FromRaw(a.Raw(), Stored)
	if err != nil || len(b.Plugins) != 2 || b.Name != "lab" || b.Source.Path != a.Source.Path {
		t.Fatalf("%+v %v", b, err)
	}
	for i := range a.Plugins {
		if string(a.Plugins[i].Bytes) != string(b.Plugins[i].Bytes) {
			t.Errorf("%s became %s", a.Plugins[i].Bytes, b.Plugins[i].Bytes)
		}
	}
}

// The law: LoadFile takes a list exactly when libcni does, and every place it blames lies in the text.
func FuzzLoadFile(f *testing.F) {
	for _, s := range []string{list, "{}", `{"name":"x"}`, `{"name":"x","plugins":[{}]}`, `{"name":"x","plugins":[{"type":"a"}],}`, "\xef\xbb\xbf{}", `{"name":7}`} {
		f.Add([]byte(s))
	}
	path := filepath.Join(f.TempDir(), "10-a.conflist")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		_, want := libcni.NetworkConfFromFile(path)
		_, err := LoadFile(path)
		if (err == nil) != (want == nil) {
			t.Fatalf("libcni: %v; LoadFile: %v", want, err)
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Cause == "" || e.Fix == "" || e.Reason == nil) {
			t.Fatalf("%#v", err)
		}
	})
}

// What we ship in conf/ is taken by libcni, and the outer list is the shim's own.
func TestSamples(t *testing.T) {
	own, err := LoadFile("../../conf/00-cni-shim.conflist")
	if err != nil || !own.Own() || own.CNIVersion != "1.1.0" || !own.LoadOnlyInlinedPlugins {
		t.Errorf("%+v %v", own, err)
	}
	samples, _ := filepath.Glob("../../conf/chains/*")
	for _, s := range samples {
		if c, err := LoadFile(s); err != nil || c.Own() || c.Name != own.Name {
			t.Errorf("%s: %+v %v", s, c, err)
		}
	}
	if len(samples) == 0 {
		t.Error("no samples")
	}
}
