package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// ownName is the file that shows a directory to be the shim's own, where another than the default was asked for.
const ownName = ".cni-shim"

// Own reports why a directory that somebody has asked for is not the shim's to write to; "" where it is: it has the shim's mark, or is
// empty, or is not there and can be made. Then it has the mark from now on, if make. Elsewhere files of somebody else could have the
// names of the shim's.
func Own(dir string, make bool) (why string) {
	if Marked(dir) {
		return ""
	}
	if names, namesErr := Names(dir, 1); namesErr == nil && len(names) > 0 {
		return fmt.Sprintf("%s holds files of somebody else's", dir)
	} else if namesErr != nil && !errors.Is(namesErr, os.ErrNotExist) {
		return namesErr.Error()
	}
	if !make {
		return ""
	}
	if err := EnsureDir(dir, 0o755); err != nil {
		return err.Error()
	}
	if err := Create(filepath.Join(dir, ownName), []byte("cni-shim keeps its files here\n"), 0o644); err != nil {
		return err.Error()
	}
	return ""
}

// Marked reports whether a directory bears the shim's mark, in a file that nobody else can have made.
func Marked(dir string) bool {
	var st syscall.Stat_t
	path := filepath.Join(dir, ownName)
	return syscall.Lstat(path, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFREG && trusted(path, &st) == nil
}

// Begins reports whether a file of the shim's own begins with a text.
func Begins(path, text string) (bool, error) {
	f, _, err := openOwn(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	b := make([]byte, len(text))
	n, err := f.Read(b)
	return err == nil && string(b[:n]) == text, nil
}

// Below reports whether a path, followed through its links as far as it exists, is one of the directories or lies below it.
func Below(path string, dirs ...string) bool {
	for at, rest := path, ""; ; at, rest = filepath.Dir(at), filepath.Join(filepath.Base(at), rest) {
		real, err := filepath.EvalSymlinks(at)
		if err != nil && at != filepath.Dir(at) {
			continue
		}
		real = filepath.Join(real, rest)
		return slices.ContainsFunc(dirs, func(dir string) bool { return real == dir || strings.HasPrefix(real, dir+"/") })
	}
}
