package evidence

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/failure"
)

// BrokenStore says what stands where host-local keeps its files and is no directory, or no file, with what to do about it; empty where
// nothing does, or the plugin's IPAM is another.
//
// It looks only where f names the network's directory, one above it or a file in it, as every error of host-local about its files does,
// and never after a timeout. So the plugin has had the disk's answer about the same names a moment before, and the look, in the thread of
// the call, waits for no disk that hangs.
func BrokenStore(f *failure.Facts, in Input) (cause, fix string) {
	return newLook(context.Background(), 0, f, in).brokenStore()
}

func (l *look) brokenStore() (cause, fix string) {
	var conf struct {
		Name string
		IPAM struct{ Type, DataDir string }
	}
	l.config(&conf)
	if conf.IPAM.Type != "host-local" || conf.Name == "" || strings.ContainsRune(conf.Name, '/') {
		return "", ""
	}
	given := conf.IPAM.DataDir != ""
	root := conf.IPAM.DataDir
	if !given {
		root = "/var/lib/cni/networks"
	}
	dir := filepath.Join(root, conf.Name)
	if l.f.Timeout || len(l.pathsIn(func(p string) bool { return below(dir, p) || below(p, dir) })) == 0 {
		return "", ""
	}
	if at, what := l.obstacle(dir); what != "" {
		fix = "remove " + at + ": host-local makes a directory there"
		if given && len(at) <= len(root) {
			fix = fmt.Sprintf("correct \"dataDir\" of ipam (%s), or remove %s", root, at)
		}
		return fmt.Sprintf("%s is %s, where host-local needs a directory", at, what), fix
	}
	for _, name := range []string{"lock", "last_reserved_ip.0"} {
		at := filepath.Join(dir, name)
		if fi, err := os.Stat(l.path(at)); err == nil && !fi.Mode().IsRegular() {
			return fmt.Sprintf("%s is no file, where host-local needs one", at), "remove " + at
		}
	}
	return "", ""
}

// below reports whether a path is that of a directory or of something in it.
func below(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// obstacle finds the first part of a path that is there and is no directory.
func (l *look) obstacle(path string) (at, what string) {
	if parent := filepath.Dir(path); parent != path {
		if at, what = l.obstacle(parent); what != "" {
			return at, what
		}
	}
	fi, err := os.Stat(l.path(path))
	switch link, gone := l.lstat(path); {
	case err == nil && !fi.IsDir():
		return path, "a file"
	case err != nil && !gone && link != nil && link.Mode()&os.ModeSymlink != 0:
		return path, "a link that leads nowhere"
	}
	return "", ""
}

// stateFiles reports what stands where host-local needs a file or a directory; else size and age of the files that a text names.
func stateFiles(l *look) {
	if cause, _ := l.brokenStore(); cause != "" {
		l.note("store", "%s", cause)
		return
	}
	namedFile(l)
}
