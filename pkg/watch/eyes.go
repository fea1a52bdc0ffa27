package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/fsnotify/fsnotify"

	"github.com/cni-shim/cni-shim/pkg/outer"
)

// place is where a change matters: a name in a directory, or with no name the whole directory.
type place struct{ dir, name string }

// maxLinks is how many links the system follows (path_resolution(7)).
const maxLinks = 40

// placesOf are the places at which what a path leads to can change: each directory in which a link on the way stands, and its end, a
// directory as a whole or a file by its name. Of a path that does not exist it is the nearest directory that does, and the next name.
func placesOf(path string) (out []place) {
	at, rest := "/", strings.Split(filepath.Clean(path), "/")
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		fi, err := os.Lstat(next)
		switch {
		case err != nil:
			return append(out, place{at, name})
		case fi.Mode()&os.ModeSymlink != 0:
			out = append(out, place{at, name})
			target, err := os.Readlink(next)
			if links++; err != nil || links > maxLinks {
				return out
			}
			if filepath.IsAbs(target) {
				at = "/"
			}
			rest = append(strings.Split(target, "/"), rest...)
		case !fi.IsDir():
			return append(out, place{at, name})
		default:
			at = next
		}
	}
	return append(out, place{at, ""})
}

// eyes are inotify's watches on directories. The zero value watches none.
type eyes struct {
	fs    *fsnotify.Watcher   // nil as long as there is none: a node has few, and others use them up
	names map[string][]string // that matter, by directory; nil: all do
	ids   map[string]identity // of the directories watched
}

// identity tells a directory from another one that took its path.
type identity struct{ dev, ino uint64 }

func (e *eyes) close() {
	if e.fs != nil {
		e.fs.Close()
	}
}

// channels are those of events and of their loss.
func (e *eyes) channels() (<-chan fsnotify.Event, <-chan error) {
	if e.fs == nil {
		return nil, nil
	}
	return e.fs.Events, e.fs.Errors
}

// open watches the places and nothing else. It tells whether a directory is watched that was not, and what cannot be watched.
func (e *eyes) open(places []place) (more bool, failed []string) {
	if e.fs == nil {
		fs, err := fsnotify.NewWatcher()
		if err != nil {
			return false, []string{fmt.Sprintf("changes are seen once a minute only: %v (see fs.inotify.max_user_instances)", err)}
		}
		e.fs, e.ids = fs, map[string]identity{}
	}
	e.names = map[string][]string{}
	for _, p := range places {
		if names, ok := e.names[p.dir]; p.name == "" || ok && names == nil {
			e.names[p.dir] = nil
		} else {
			e.names[p.dir] = append(names, p.name)
		}
	}
	for dir, had := range e.ids {
		_, wanted := e.names[dir]
		if is, ok := identify(dir); !wanted || !ok || is != had {
			_ = e.fs.Remove(dir) // it may have gone with the directory
			delete(e.ids, dir)
		}
	}
	for dir := range e.names {
		if _, ok := e.ids[dir]; ok {
			continue
		}
		is, ok := identify(dir)
		if !ok {
			more = true // it has gone since the places were found
			continue
		}
		if err := e.fs.Add(dir); err != nil {
			failed = append(failed, fmt.Sprintf("changes in %s are seen once a minute only: inotify: %v (see fs.inotify.max_user_watches)", dir, err))
			continue
		}
		e.ids[dir], more = is, true
	}
	slices.Sort(failed)
	return more, failed
}

func identify(dir string) (identity, bool) {
	var st syscall.Stat_t
	err := syscall.Lstat(dir, &st)
	return identity{uint64(st.Dev), st.Ino}, err == nil
}

// concerns tells whether an event at a path is about a place.
func (e *eyes) concerns(path string) bool {
	if _, ok := e.names[path]; ok {
		return true // the directory itself has gone or was moved
	}
	dir, name := filepath.Split(path)
	names, ok := e.names[filepath.Clean(dir)]
	return ok && (names == nil && !outer.Temporary(name) || slices.Contains(names, name))
}
