package node

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The law: whatever a runtime's configuration holds, also one that imports itself, finding the runtimes ends, directories are clean
// paths, and a problem stands inside the file.
func FuzzConfig(f *testing.F) {
	f.Add([]byte("version = 2\nimports = [\"*.toml\", \"/etc/containerd/*\"]\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"/a/../b\"\nmax_conf_num = 2\n"))
	f.Add([]byte("version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nbin_dirs = [\"/a\", \"$SNAP/b\", 1]\nconf_dir = \"\"\n"))
	f.Add([]byte("[crio.network]\nnetwork_dir = \"/n/\"\nplugin_dirs = [\"/a\", \"/b//c\"]\ncni_default_network = \"x\"\n"))
	f.Add([]byte("[crio]\nnetwork = 1\n[[x]]\n[x.y\n"))
	root := f.TempDir()
	files := []string{"/etc/containerd/config.toml", "/etc/crio/crio.conf", "/etc/crio/crio.conf.d/10-a.conf"}
	for _, p := range files {
		if err := os.MkdirAll(filepath.Dir(root+p), 0o755); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, p := range files {
			if err := os.WriteFile(root+p, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		found := Find(root)
		if len(found) != 2 {
			t.Fatalf("%d runtimes", len(found))
		}
		for _, r := range found {
			for _, dir := range append([]string{r.ConfDir}, r.BinDirs...) {
				if dir != filepath.Clean(dir) {
					t.Errorf("%s: %q is no clean path", r.Name(), dir)
				}
			}
			for _, p := range r.Problems {
				if lines := bytes.Count(text, []byte{'\n'}) + 1; p.Cause == "" || p.Line > lines || p.Line < 0 {
					t.Errorf("%+v in a text of %d lines", p, lines)
				}
			}
		}
	})
}

// The law: what a program shows does not depend on where its pieces are cut.
func FuzzAsks(f *testing.F) {
	for _, s := range []string{"dep\tm\tv1.2.3\n", "dep\tm\tv1.2", calledAlways, calledAlways + calledSTATUS, "dep\tm\tv0.0.0" + calledAlways, "dep\tm\tv99999999999999999999.1"} {
		f.Add([]byte(s), uint(60))
	}
	f.Fuzz(func(t *testing.T, text []byte, before uint) {
		text = append([]byte(strings.Repeat("-", int(before%200))), text...)
		since := [3]int{1, 2, 3}
		whole := asksIn(bytes.NewReader(text), make([]byte, len(text)+100), "m", since)
		if cut := asksIn(bytes.NewReader(text), make([]byte, 80), "m", since); cut != whole {
			t.Fatalf("%v in pieces, %v as a whole", cut, whole)
		}
	})
}
