package evidence

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/inventory"
)

// directories tells what the directories of CNI_PATH hold, and the name nearest to the one wanted.
func directories(l *look) {
	name := l.f.Plugin
	if _, after, ok := strings.Cut(l.text, `failed to find plugin "`); ok { // a plugin's own delegate
		name, _, _ = strings.Cut(after, `"`)
	}
	var rooted []string
	for _, dir := range l.in.Paths {
		if delegate.IsWorkingDir(dir) {
			continue
		}
		rooted = append(rooted, l.path(dir))
		names, ok := l.names(dir, 512)
		switch {
		case !ok:
			l.note("directory", "%s cannot be read or is not there", dir)
		case len(names) == 0:
			l.note("directory", "%s is empty", dir)
		default:
			slices.Sort(names)
			more := ""
			if n := len(names) - 24; n > 0 {
				names, more = names[:24], fmt.Sprintf(" and %d more", n)
			}
			l.note("directory", "%s holds %s%s", dir, strings.Join(names, ", "), more)
		}
	}
	if name != "" && len(rooted) > 0 && len(name) < 64 {
		cause, _ := inventory.Missing(name, rooted)
		if _, near, ok := strings.Cut(cause, "(there is "); ok {
			l.note("nearest", "the name nearest to %q is %s", name, strings.TrimSuffix(near, ")"))
		}
	}
}

// program tells why the file cannot be run: its CPU, its interpreter, its mode and its mount.
func program(l *look) {
	paths := []string{l.f.Path}
	if named := l.pathsIn(func(p string) bool {
		for _, part := range [...]string{"/bin/", "/sbin/", "/cni", "/lib", "/var/", "/run/", "/etc/"} {
			if strings.Contains(p, part) {
				return true
			}
		}
		return p == l.f.Path
	}); len(named) > 0 {
		paths = named // an error of the plugin's own names the file that it could not use
	}
	for _, p := range paths {
		if p == "" {
			continue
		}
		fi, gone := l.lstat(p)
		if gone {
			l.note("program", "%s is not there", p)
			for gone && p != "/" { // what forbids making it is told by what it would stand in
				p = filepath.Dir(p)
				_, gone = l.lstat(p)
			}
			l.mount(p)
			continue
		}
		if fi == nil {
			continue
		}
		errno := l.f.Errno
		switch {
		case errno != 0:
		case strings.Contains(l.text, "exec format error"):
			errno = syscall.ENOEXEC
		case strings.Contains(l.text, "no such file or directory"), strings.Contains(l.text, "bad interpreter"):
			errno = syscall.ENOENT
		}
		if errno != 0 && errno != syscall.EACCES && errno != syscall.EPERM {
			l.note("program", "%s", strings.Replace(inventory.Unrunnable(l.path(p), errno).Cause, l.path(p), p, 1))
		}
		l.note("mode", "%s: %s, %d bytes, written %s", p, fi.Mode(), fi.Size(), since(fi.ModTime()))
		l.mount(p)
	}
}

// mount tells the options of a file's mount that forbid things.
func (l *look) mount(p string) {
	const readOnly, noExec = 1, 8 // ST_* of statfs(2)
	var fs syscall.Statfs_t
	if syscall.Statfs(l.path(p), &fs) != nil {
		return
	}
	var options []string
	if fs.Flags&readOnly != 0 {
		options = append(options, "read-only")
	}
	if fs.Flags&noExec != 0 {
		options = append(options, "noexec")
	}
	if len(options) > 0 {
		l.note("mount", "the file system of %s is mounted %s", p, strings.Join(options, ", "))
	}
}
