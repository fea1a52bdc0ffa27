package watch

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

func TestPlacesOf(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.MkdirAll(at("a/b"), 0o755), os.WriteFile(at("a/b/f"), nil, 0o644), os.Symlink("../a/b", at("a/rel")),
		os.Symlink(at("a/rel/f"), at("abs")), os.Symlink("loop", at("loop")), os.Symlink("gone/x", at("dangling"))); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]place{
		"a/b":        {{at("a/b"), ""}},
		"a/b/f":      {{at("a/b"), "f"}},
		"a/b/none/x": {{at("a/b"), "none"}},
		"a/rel/":     {{at("a"), "rel"}, {at("a/b"), ""}},
		"abs":        {{dir, "abs"}, {at("a"), "rel"}, {at("a/b"), "f"}},
		"dangling":   {{dir, "dangling"}, {dir, "gone"}},
		"a/b/f/x":    {{at("a/b"), "f"}},
	} {
		if got := placesOf(at(path)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if got := placesOf(at("loop")); len(got) != maxLinks+1 {
		t.Errorf("a circle of links: %d places", len(got))
	}
}

// Directories that come, go and are replaced are watched again, each once; names that do not matter wake nobody.
func TestEyes(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e := &eyes{}
	defer e.close()
	sub := filepath.Join(dir, "sub")
	look := func(want ...string) {
		t.Helper()
		more, failed := e.open(append(placesOf(sub), place{dir, "one"}))
		got := e.fs.WatchList()
		slices.Sort(got)
		if again, _ := e.open(append(placesOf(sub), place{dir, "one"})); !more || again || failed != nil || !slices.Equal(got, want) {
			t.Errorf("more %v %v, failed %v, watches %v", more, again, failed, got)
		}
	}
	look(dir)
	if !e.concerns(sub) || !e.concerns(filepath.Join(dir, "one")) || e.concerns(filepath.Join(dir, "two")) {
		t.Error("the wrong names matter")
	}
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	look(dir, sub)
	if !e.concerns(filepath.Join(sub, "x")) || e.concerns(filepath.Join(sub, ".00-cni-shim.conflist.12")) || !e.concerns(sub) {
		t.Error("the wrong names matter")
	}
	if err := errors.Join(os.Rename(sub, sub+".old"), os.Mkdir(sub, 0o755)); err != nil {
		t.Fatal(err)
	}
	look(dir, sub)
	if err := os.WriteFile(filepath.Join(sub, "x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	events, _ := e.channels()
	for ev := range events {
		if ev.Name == filepath.Join(sub, "x") {
			break
		}
	}
	// A directory whose last watch is gone with it.
	if err := os.RemoveAll(sub); err != nil {
		t.Fatal(err)
	}
	if e.open(placesOf(sub)); !slices.Equal(e.fs.WatchList(), []string{dir}) {
		t.Errorf("%v", e.fs.WatchList())
	}
}

// A node has few inotify instances. Without one the watch looks all the same, says so, and tries again.
func TestNoInotify(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 0
	e := &eyes{}
	defer e.close()
	places := placesOf(t.TempDir())
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	more, failed := e.open(places)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if events, lost := e.channels(); more || events != nil || lost != nil || len(failed) != 1 || failed[0] != "changes are seen once a minute only: couldn't initialize inotify: too many open files (see fs.inotify.max_user_instances)" {
		t.Errorf("%v %v", more, failed)
	}
	if more, failed := e.open(places); !more || failed != nil {
		t.Errorf("%v %v", more, failed)
	}
}
