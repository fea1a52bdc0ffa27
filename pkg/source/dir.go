// Package source reads configurations where they lie: a net.d directory as runtimes read it, a file. It judges
// nothing; see package rules.
package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Bounds of what is read. A network configuration has a few kilobytes.
const (
	MaxFile  = 16 << 20
	maxOther = 64 << 10 // of a file that runtimes do not read
	maxFiles = 10000
)

// Extensions are those that containerd and CRI-O read, CNI's own ConfFiles too; upper case is another extension.
var Extensions = [...]string{".conf", ".conflist", ".json"}

// Dir is a configuration directory.
type Dir struct {
	Path    string
	Entries []*Entry // in byte order of their names, as runtimes sort them
}

// Entry is one name in it.
type Entry struct {
	Name      string
	Path      string
	Candidate bool        // a runtime reads it: by its extension, and it is no directory
	Mode      fs.FileMode // of the name itself: a link is a link
	Target    string      // of a link
	Text      []byte      // nil when it could not be read; of other files than candidates the beginning
	Err       error       // why a candidate cannot be read
}

// IsDir tells a directory; a link to one is a link.
func (e *Entry) IsDir() bool { return e.Mode.IsDir() }

// Text is what was read of the entry at a path, nil when there is none.
func (d *Dir) Text(path string) []byte {
	for _, e := range d.Entries {
		if e.Path == path {
			return e.Text
		}
	}
	return nil
}

// Readable tells whether a runtime reads a file of that name.
func Readable(name string) bool {
	ext := filepath.Ext(name)
	for _, e := range Extensions {
		if ext == e {
			return true
		}
	}
	return false
}

// ReadDir reads a directory and the files in it, not those below it.
func ReadDir(path string) (*Dir, error) {
	list, err := os.ReadDir(path) // sorted by name, as libcni reads it
	if err != nil {
		return nil, err
	}
	if len(list) > maxFiles {
		return nil, fmt.Errorf("%s holds %d files; at most %d are read", path, len(list), maxFiles)
	}
	d := &Dir{Path: path}
	for _, l := range list {
		e := &Entry{Name: l.Name(), Path: filepath.Join(path, l.Name()), Mode: l.Type()}
		e.Candidate = Readable(e.Name) && !e.IsDir()
		if e.Mode&fs.ModeSymlink != 0 {
			e.Target, _ = os.Readlink(e.Path)
		}
		if e.Candidate {
			e.Text, e.Err = ReadFile(e.Path)
		} else if !e.IsDir() {
			e.Text, _ = read(e.Path, maxOther, true)
		}
		d.Entries = append(d.Entries, e)
	}
	return d, nil
}

// ReadFile reads a regular file, through links. A pipe or a device is an error: a runtime would wait for it for ever.
func ReadFile(path string) ([]byte, error) { return read(path, MaxFile, false) }

// ErrNotRegular: the name is not that of a file that can be read to its end.
var ErrNotRegular = errors.New("not a regular file")

func read(path string, limit int64, cut bool) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: ErrNotRegular}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return bounded(f, path, limit, cut)
}

// Read reads a stream that is no file, such as stdin, to its end. One that is longer than MaxFile is an error that says so, with name.
func Read(r io.Reader, name string) ([]byte, error) { return bounded(r, name, MaxFile, false) }

func bounded(r io.Reader, name string, limit int64, cut bool) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(text)) > limit {
		if !cut {
			return nil, fmt.Errorf("%s is larger than %d MiB", name, limit>>20)
		}
		text = text[:limit]
	}
	return text, err
}

// LooksLikeCNI tells whether a text is, or was meant as, a network configuration.
func LooksLikeCNI(text []byte) bool {
	s := string(text[:min(len(text), maxOther)])
	return strings.Contains(s, `"cniVersion"`) || strings.Contains(s, `"plugins"`) && strings.Contains(s, `"type"`)
}
