package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file is replaced as a whole; what others have laid beside it is neither followed nor overwritten.
func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	path, precious := filepath.Join(dir, "10-a.conflist"), filepath.Join(dir, "precious")
	write := func(path, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	holds := func(path, want string) {
		t.Helper()
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s holds %q (%v), want %q", path, got, err, want)
		}
	}
	write(path, "old", 0o600)
	write(precious, "precious", 0o644)
	for _, name := range []string{".bak", ".tmp", ".tmp.1"} {
		if err := os.Symlink(precious, path+name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "nowhere"), path+".bak.1"); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.conflist")
	if err := os.Symlink("10-a.conflist", link); err != nil {
		t.Fatal(err)
	}
	backup, err := replaceFile(link, []byte("old"), []byte("new"))
	if err != nil || backup != path+".bak.2" {
		t.Fatalf("%s, %v", backup, err)
	}
	holds(path, "new")
	holds(backup, "old")
	holds(precious, "precious")
	if _, err := os.Lstat(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a dangling link was written through")
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := replaceFile(path, []byte("old"), []byte("newer")); err == nil || !strings.Contains(err.Error(), "changed meanwhile") {
		t.Errorf("a file that changed: %v", err)
	}
	holds(path, "new")
	left, _ := filepath.Glob(path + ".tmp*")
	if len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}
