package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ownName is the file that shows a directory to be the shim's own, where another than the default was asked for.
const ownName = ".cni-shim"

// Own reports why a directory that somebody has asked for is not the shim's to write to; "" where it is: it has the shim's mark, or is
// empty, or is not there and can be made. Then it has the mark from now on, if make. Elsewhere files of somebody else could have the
// names of the shim's.
func Own(dir string, make bool) (why string) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return err.Error()
	case len(entries) > 0:
		if _, err := Read(filepath.Join(dir, ownName), 4<<10); err != nil {
			return fmt.Sprintf("%s holds files of somebody else's", dir)
		}
	}
	if !make {
		return ""
	}
	if err := EnsureDir(dir, 0o755); err != nil {
		return err.Error()
	}
	if _, err := os.Lstat(filepath.Join(dir, ownName)); err == nil {
		return ""
	}
	if err := Create(filepath.Join(dir, ownName), []byte("cni-shim keeps its files here\n"), 0o644); err != nil {
		return err.Error()
	}
	return ""
}

// Below reports whether a path, followed through its links as far as it exists, is dir or lies below it.
func Below(path, dir string) bool {
	for at, rest := path, ""; ; at, rest = filepath.Dir(at), filepath.Join(filepath.Base(at), rest) {
		real, err := filepath.EvalSymlinks(at)
		if err == nil {
			real = filepath.Join(real, rest)
			return real == dir || strings.HasPrefix(real, dir+"/")
		}
		if at == filepath.Dir(at) {
			return false
		}
	}
}
