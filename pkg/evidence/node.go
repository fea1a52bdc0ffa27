package evidence

import (
	"encoding/json"
	"os"
	"path/filepath"
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

// read returns the start of a small file, "" where it cannot be read. Links are followed: for files of the kernel and of
// the add-on, whose contents are never told as they stand.
func (l *look) read(p string, limit int64) string {
	b, err := disk.ReadAnyone(l.path(p), limit)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// lstat describes what stands at a path; gone tells that nothing does, and is false when that cannot be told.
func (l *look) lstat(p string) (fi os.FileInfo, gone bool) {
	fi, err := os.Lstat(l.path(p))
	return fi, os.IsNotExist(err)
}

// names lists a directory, at most limit entries of it.
func (l *look) names(dir string, limit int) (names []string, ok bool) {
	f, err := os.OpenFile(l.path(dir), os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	for len(names) < limit && !l.over() {
		some, err := f.Readdirnames(min(256, limit-len(names)))
		names = append(names, some...)
		if err != nil {
			break
		}
	}
	return names, true
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
