package attachment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/config"
)

var key = Key{"lab", "c1", "eth0"}

func put(t *testing.T, s *Store) string {
	t.Helper()
	e := &Entry{Key: key, Netns: "/run/netns/x", Chain: chain.Raw{Config: []byte(`{"name":"lab", "big": 9007199254740993}`)}, Created: time.Now()}
	if err := s.Put(e); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(s.run, "lab", "c1@eth0")
}

func TestLife(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "lib"))
	if _, err := s.Get(key); !errors.Is(err, os.ErrNotExist) || s.Known(key) {
		t.Fatalf("%v", err)
	}
	path := put(t, s)
	e, err := s.Get(key)
	if err != nil || e.Done != nil || string(e.Chain.Config) != `{"name":"lab","big":9007199254740993}` {
		t.Fatalf("%+v %v", e, err)
	}
	if fi, _ := os.Stat(path); fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", fi.Mode())
	}
	if err := s.Complete(key, Done{Inner: []byte(`{"a":1}`)}); err != nil {
		t.Fatal(err)
	}
	if e, err = s.Get(key); err != nil || e.Done == nil || string(e.Done.Inner) != `{"a":1}` {
		t.Fatalf("%+v %v", e, err)
	}
	if keys, err := s.List("lab"); err != nil || len(keys) != 1 || keys[0] != key {
		t.Errorf("%v %v", keys, err)
	}
	if err := errors.Join(s.Remove(key), s.Remove(key)); err != nil || s.Known(key) {
		t.Errorf("%v", err)
	}
}

// Whatever the power took of the second line, the first holds; a first line that is not whole is no entry and no success.
func TestCut(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "lib"))
	path := put(t, s)
	first, _ := os.ReadFile(path)
	if err := s.Complete(key, Done{Inner: []byte(`{"a":1}`)}); err != nil {
		t.Fatal(err)
	}
	whole, _ := os.ReadFile(path)
	for n := range whole {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := s.Get(key)
		switch {
		case n == 0 && !errors.Is(err, os.ErrNotExist):
			t.Fatalf("an empty file: %v", err)
		case n > 0 && n < len(first) && !errors.Is(err, ErrCorrupt):
			t.Fatalf("%d of %d bytes: %v", n, len(first), err)
		case n >= len(first) && (err != nil || e.Key != key):
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	if !s.Known(key) {
		t.Error("a corrupt entry counts as nothing set up")
	}
}

func TestUntrusted(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "lib"))
	path := put(t, s)
	copied, _ := os.ReadFile(path)
	elsewhere := filepath.Join(t.TempDir(), "x")
	if err := errors.Join(os.WriteFile(elsewhere, copied, 0o600), os.Remove(path), os.Symlink(elsewhere, path)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(key); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a link was followed: %v", err)
	}
	if err := s.Put(&Entry{Key: Key{"lab", "../../x", "eth0"}}); err == nil {
		t.Error("a container id left the directory")
	}
	if err := os.Chmod(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(&Entry{Key: key}); err == nil {
		t.Error("a directory that anybody can write to was used")
	}
}

// The law: whatever stands in an entry's file, it is an entry of that key, or corrupt; never a panic, never another's.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"{}\n", `{"format":1,"network":"lab","containerId":"c1","ifName":"eth0"}` + "\n" + `{"added":"x"}`, "\n", "null\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parse(b, key)
		if (err == nil) == errors.Is(err, ErrCorrupt) || err == nil && e.Key != key {
			t.Fatalf("%+v %v", e, err)
		}
	})
}

// A place that is refused is left as it is: no directory is made there.
func TestRefusedStateDirIsNotMade(t *testing.T) {
	dir := fmt.Sprintf("/run/cni-shim-refused-%d", os.Getpid())
	t.Cleanup(func() { os.RemoveAll(dir) })
	if use, refused := StateDir(dir, true); use != config.DefaultStateDir || refused == "" {
		t.Errorf("%s is used, %q", use, refused)
	}
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("%s: %v", dir, err)
	}
}
