package check

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containernetworking/cni/libcni"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/rules"
)

const list = `{"cniVersion": "1.0.0", "name": %q, "plugins": [{"type": "bridge", "ipam": {"type": "host-local", "subnet": "10.1.0.0/16"}}, {"type": "portmap", "capabilities": {"portMappings": true}}]}`

// What no example in the rules can hold: links, pipes, permissions, bytes.
func TestDirectories(t *testing.T) {
	good := fmt.Sprintf(list, "lab")
	for name, c := range map[string]struct {
		make func(dir string) error
		want string
	}{
		"dangling link":    {func(dir string) error { return os.Symlink("nowhere", dir+"/10-a.conflist") }, "10-a.conflist: error [file-dangling-link]"},
		"link in a circle": {func(dir string) error { return os.Symlink("10-a.conf", dir+"/10-a.conf") }, "10-a.conf: error [file-dangling-link]"},
		"link to here":     {func(dir string) error { return os.Symlink(".", dir+"/10-a.conf") }, "10-a.conf: error [file-dangling-link]"},
		"link as text":     {func(dir string) error { return os.WriteFile(dir+"/10-a.conf", []byte("../real/10-a.conf"), 0o644) }, "10-a.conf: error [file-dangling-link]"},
		"good link": {func(dir string) error {
			return os.WriteFile(dir+"/real", []byte(good), 0o644)
		}, "real:1:1: warning [ext-ignored]\n.: error [dir-no-config]"},
		"directory": {func(dir string) error { return os.Mkdir(dir+"/10-a.conflist", 0o755) }, "10-a.conflist: warning [file-not-regular]\n.: error [dir-no-config]"},
		"utf-16":    {func(dir string) error { return os.WriteFile(dir+"/10-a.conf", []byte("\xff\xfe{\x00"), 0o644) }, "10-a.conf:1:1: error [encoding-utf16]"},
		"manifests": {func(dir string) error {
			return os.WriteFile(dir+"/a.yaml", []byte("kind: ConfigMap\ndata:\n  cni-conf.json: |\n    {\"cniVersion\": \"1.0.0\", \"name\": \"a\",, \"plugins\": [{\"type\": \"flannel\", \"mtu\": __CNI_MTU__}]}\n"), 0o644)
		}, "a.yaml:4:41: error [json-extra-comma]"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := c.make(dir); err != nil {
				t.Fatal(err)
			}
			r, err := Path(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range r.List {
				d.File, _ = filepath.Rel(dir, d.File)
				got = append(got, fmt.Sprintf("%s: %s [%s]", d.Place, d.Severity, d.Rule))
			}
			if strings.Join(got, "\n") != c.want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), c.want)
			}
		})
	}
}

// The laws of a check: a finding says "refused" exactly when libcni refuses; every place lies in the text.
func FuzzText(f *testing.F) {
	for _, r := range rules.All() {
		if !strings.HasPrefix(r.Bad, "-- ") {
			f.Add([]byte(strings.NewReplacer("«", "", "»", "").Replace(r.Bad)), uint8(0))
			f.Add([]byte(strings.NewReplacer("«", "", "»", "").Replace(r.Good)), uint8(1))
		}
	}
	f.Add([]byte("kind: ConfigMap\ndata:\n  cni-config: '{\"name\": \"it''s\"}'\n"), uint8(2))
	f.Fuzz(func(t *testing.T, text []byte, kind uint8) {
		name := []string{"a.conflist", "a.conf", "a.yaml", "stdin"}[kind%4]
		r := Text(name, text)
		refused := false
		for _, d := range r.List {
			refused = refused || d.Refused
			if d.Refused && d.Severity != diag.Error || d.Message == "" || strings.ContainsAny(d.Message, "\n\r") {
				t.Fatalf("%+v", d)
			}
			if d.Line != 0 && !inside(text, d.Place) {
				t.Fatalf("%+v is not in a text of %d bytes", d, len(text))
			}
		}
		var err error
		switch kind % 4 {
		case 0:
			var l *libcni.NetworkConfigList
			if l, err = libcni.NetworkConfFromBytes(text); err == nil && len(l.Plugins) == 0 {
				err = fmt.Errorf("no plugins")
			}
		case 1:
			var c *libcni.NetworkConfig
			//lint:ignore SA1019 deprecated, and still what runtimes do with these files
			if c, err = libcni.ConfFromBytes(text); err == nil { //nolint:staticcheck // as runtimes do
				//lint:ignore SA1019 deprecated, and still what runtimes do with these files
				_, err = libcni.ConfListFromConf(c) //nolint:staticcheck // as runtimes do
			}
		default:
			return
		}
		if len(r.Files) == 1 && r.Files[0].Parts != nil && r.Files[0].Parts[0].Where != nil || len(r.Files) == 1 && len(r.Files[0].Parts) == 0 {
			return // a manifest under that name
		}
		if refused != (err != nil) {
			t.Fatalf("refused %v, libcni: %v\n%v", refused, err, r.List)
		}
	})
}

func inside(text []byte, p diag.Place) bool {
	lines := bytes.Split(text, []byte{'\n'})
	ok := func(line, column int) bool {
		return line >= 1 && line <= len(lines) && column >= 1 && column <= len([]rune(string(lines[line-1])))+1
	}
	return ok(p.Line, p.Column) && ok(p.EndLine, p.EndColumn)
}

// A directory of 500 files is checked in under half a second.
func BenchmarkDirectory500(b *testing.B) {
	dir := b.TempDir()
	for i := range 500 {
		if err := os.WriteFile(fmt.Sprintf("%s/%03d-net.conflist", dir, i), fmt.Appendf(nil, list, fmt.Sprintf("net-%d", i)), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := Path(dir, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
