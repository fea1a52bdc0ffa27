package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A file is replaced whole, with the mode asked for whatever the umask, and nothing is left beside it.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	for _, durable := range []bool{true, false} {
		for _, text := range []string{"a longer text", "short"} {
			if err := Replace(dir, "f", []byte(text), 0o644, durable); err != nil {
				t.Fatal(err)
			}
			b, err := Read(filepath.Join(dir, "f"), 100)
			if fi, _ := os.Stat(filepath.Join(dir, "f")); err != nil || string(b) != text || fi.Mode() != 0o644 {
				t.Errorf("%q %v %v", b, fi.Mode(), err)
			}
		}
	}
	if left, _ := os.ReadDir(filepath.Join(dir, tmp)); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// What is written in its place has no rest of what was there, and what is added comes behind it.
func TestInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	steps := []struct {
		name string
		do   func(string, []byte) error
		text string
		want string
	}{
		{"append to none", Append, "x", ""},
		{"create", func(p string, b []byte) error { return Create(p, b, 0o600) }, "a longer text", "a longer text"},
		{"append", Append, " and more", "a longer text and more"},
		{"create again", func(p string, b []byte) error { return Create(p, b, 0o600) }, "anew", "anew"},
	}
	for _, s := range steps {
		err := s.do(path, []byte(s.text))
		if s.want == "" {
			if !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %v", s.name, err)
			}
			continue
		}
		if b, _ := os.ReadFile(path); err != nil || string(b) != s.want {
			t.Errorf("%s: %q %v", s.name, b, err)
		}
	}
}

// Nothing that another user could have put in a file's place is read or followed, and nothing waits.
func TestUntrusted(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(path("plain"), []byte("x"), 0o600))
	must(os.WriteFile(path("open"), []byte("x"), 0o600))
	must(os.Chmod(path("open"), 0o622))
	must(os.Symlink("plain", path("link")))
	must(syscall.Mkfifo(path("fifo"), 0o600))
	must(os.Mkdir(path("dir"), 0o700))
	for name, says := range map[string]string{"open": "writable by others", "link": "a symbolic link", "fifo": "a FIFO", "dir": "a directory"} {
		if _, err := Read(path(name), 100); !errors.Is(err, ErrUntrusted) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if os.Geteuid() == 0 {
		must(os.Chown(path("plain"), 4242, -1))
		if _, err := Read(path("plain"), 100); !errors.Is(err, ErrUntrusted) || !strings.Contains(err.Error(), "uid 4242") {
			t.Errorf("another's: %v", err)
		}
	}
	if _, err := OpenLocked(path("link"), 0o600); !errors.Is(err, ErrUntrusted) {
		t.Errorf("a link was followed: %v", err)
	}
	if _, err := MakeDir(path("link"), 0o700); !errors.Is(err, ErrUntrusted) {
		t.Errorf("a link for a directory: %v", err)
	}
	if _, err := ReadAnyone(path("fifo"), 100); err == nil || !strings.Contains(err.Error(), "a FIFO") {
		t.Errorf("a FIFO of somebody's: %v", err)
	}
}

// A file is read to its end or not at all; those of the kernel have no size.
func TestBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, size := range []int{0, 1, 510, 511, 512, 4096, 5000} {
		if err := os.WriteFile(path, []byte(strings.Repeat("x", size)), 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := Read(path, int64(size)); err != nil || len(b) != size {
			t.Errorf("%d: %d %v", size, len(b), err)
		}
		if _, err := Read(path, int64(size)-1); size > 0 && err == nil {
			t.Errorf("%d: read beyond the bound", size)
		}
	}
	if b, err := ReadAnyone("/proc/self/stat", 4096); err != nil || len(b) == 0 {
		t.Errorf("%q %v", b, err)
	}
	if _, err := ReadAnyone("/dev/zero", 4096); err == nil {
		t.Error("a device was read")
	}
}

// A lock is one process's at a time, and free again after it.
func TestTryLock(t *testing.T) {
	dir := t.TempDir()
	unlock, err := TryLock(dir, "l")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TryLock(dir, "l"); !errors.Is(err, ErrLocked) {
		t.Errorf("taken twice: %v", err)
	}
	unlock()
	if unlock, err = TryLock(dir, "l"); err != nil {
		t.Fatal(err)
	}
	unlock()
}

// What a writer that was killed left goes; what one that runs is writing stays.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, tmp), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gone.999999999", "runs.1", "odd"} {
		if err := os.WriteFile(filepath.Join(dir, tmp, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	Sweep(dir)
	left, _ := os.ReadDir(filepath.Join(dir, tmp))
	if len(left) != 2 || left[0].Name() != "odd" || left[1].Name() != "runs.1" {
		t.Errorf("left: %v", left)
	}
}

// A directory is listed whole however many names it has, or as far as asked for.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	want := map[string]bool{}
	for i := range 500 {
		name := fmt.Sprintf("%d-%s", i, strings.Repeat("n", i%200))
		want[name] = true
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names, err := Names(dir, 1000)
	if err != nil || len(names) != len(want) {
		t.Errorf("%d names, %v", len(names), err)
	}
	for _, n := range names {
		if !want[n] {
			t.Errorf("%q", n)
		}
	}
	if some, err := Names(dir, 10); err != nil || len(some) < 10 || len(some) > 450 {
		t.Errorf("%d names of the first ten, %v", len(some), err)
	}
	if _, err := Names(filepath.Join(dir, "none"), 10); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
