package evidence

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

// path is where a file of the node is found.
func (l *look) path(p string) string {
	if l.in.Root == "" {
		return p
	}
	return filepath.Join(l.in.Root, p)
}

// mayHang reports whether a path is not to be read: a plugin has waited in vain, and it is on a disk, for all that its name says.
func (l *look) mayHang(p string) bool {
	return l.f.Timeout && !slices.ContainsFunc([]string{"/run", "/var/run", "/proc", "/sys", "/dev"}, func(dir string) bool { return below(p, dir) })
}

// read returns the start of a small file, "" where it cannot be read. Links are followed: for files of the kernel and of
// the add-on, whose contents are never told as they stand.
func (l *look) read(p string, limit int64) string {
	if l.mayHang(p) {
		return ""
	}
	b, err := disk.ReadAnyone(l.path(p), limit)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// lstat describes what stands at a path; gone tells that nothing does, and is false when that cannot be told.
func (l *look) lstat(p string) (fi os.FileInfo, gone bool) {
	if l.mayHang(p) {
		return nil, false
	}
	fi, err := os.Lstat(l.path(p))
	return fi, os.IsNotExist(err)
}

// each gives the names in a directory, in no order, and holds a few of them at a time however many there are. whole is false when
// time was over before the end, ok when the directory could not be read.
func (l *look) each(dir string, f func(name string)) (whole, ok bool) {
	if l.mayHang(dir) {
		return false, false
	}
	d, err := os.OpenFile(l.path(dir), os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false, false
	}
	defer d.Close()
	for !l.over() {
		names, err := d.Readdirnames(256)
		for _, name := range names {
			f(name)
		}
		if err != nil {
			return err == io.EOF, true
		}
	}
	return false, true
}

// names lists a directory, at most limit entries of it.
func (l *look) names(dir string, limit int) (names []string, ok bool) {
	_, ok = l.each(dir, func(name string) {
		if len(names) < limit {
			names = append(names, name)
		}
	})
	return names, ok
}

// count is a number with its noun.
func count(n any, one, many string) string {
	if s := fmt.Sprint(n); s != "1" {
		return s + " " + many
	}
	return "1 " + one
}

// since tells when and how long ago.
func since(t time.Time) string {
	age := time.Since(t).Round(time.Second)
	if age > 48*time.Hour {
		age = age.Round(time.Hour)
	}
	return t.UTC().Format(time.RFC3339) + " (" + age.String() + " ago)"
}

// config reads the plugin's configuration into v, as far as it fits.
func (l *look) config(v any) { _ = json.Unmarshal(l.in.Config, v) }

// pathsIn finds absolute paths in what the plugin said, in order, each once, at most eight.
func (l *look) pathsIn(wanted func(string) bool) []string {
	var found []string
	seen := map[string]bool{}
	for word := range strings.FieldsFuncSeq(l.text, func(r rune) bool {
		return r <= ' ' || strings.ContainsRune("\"'`()[]{}<>,;=|", r)
	}) {
		word = strings.TrimRight(strings.TrimPrefix(word, "unix://"), ":.\\")
		if i := strings.Index(word, ":/"); i >= 0 && !strings.Contains(word, "://") { // "stat:/path"
			word = word[i+1:]
		}
		if !strings.HasPrefix(word, "/") || len(word) > 256 || len(word) < 4 || seen[word] || !wanted(word) {
			continue
		}
		seen[word] = true
		if found = append(found, filepath.Clean(word)); len(found) == 8 {
			break
		}
	}
	return found
}
