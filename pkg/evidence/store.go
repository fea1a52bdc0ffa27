package evidence

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// BrokenStore says what stands where host-local keeps its files and is no directory, or no file, with what to do about it; empty where
// nothing does, or the plugin's IPAM is another.
func BrokenStore(in Input) (cause, fix string) {
	l := &look{in: in}
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

// stateFiles tells what stands in the way of host-local's files, and of the files that a text names their size and age.
func stateFiles(l *look) {
	if cause, _ := BrokenStore(l.in); cause != "" {
		l.note("store", "%s", cause)
		return
	}
	namedFile(l)
}
