package evidence

import (
	"path/filepath"
	"strings"
)

// stateFile tells which file of the agent's is missing, and who writes it.
func stateFile(l *look) {
	for _, p := range l.pathsIn(func(p string) bool { return strings.Count(p, "/") > 1 && !strings.HasSuffix(p, "/") }) {
		fi, gone := l.lstat(p)
		switch {
		case gone:
			where := ""
			dir := filepath.Dir(p)
			if names, ok := l.names(dir, 2); !ok {
				where = "; its directory is not there either"
			} else if len(names) == 0 {
				where = "; its directory is empty"
			}
			l.note("file", "%s is not there%s%s", p, where, writer(p))
		case fi != nil && fi.Mode().IsRegular():
			l.note("file", "%s is there by now, since %s", p, since(fi.ModTime()))
		}
	}
}

// writer names the program that is known to write a file.
func writer(p string) string {
	for _, w := range [...]struct{ part, who string }{
		{"flannel/subnet.env", "flanneld (the kube-flannel pod) writes it when it has its lease"},
		{"calico/nodename", "the calico-node pod writes it when it starts"},
		{"calico/mtu", "the calico-node pod writes it when it starts"},
		{"kubeconfig", "the add-on's install container writes it"},
		{"multus", "the multus pod writes it"},
		{"ovn", "the ovnkube-node pod writes it"},
		{"cilium", "the cilium pod writes it"},
		{"antrea", "the antrea-agent pod writes it"},
		{"weave", "the weave-net pod writes it"},
	} {
		if strings.Contains(p, w.part) {
			return "; " + w.who
		}
	}
	return ""
}

// namedFile tells size and age of the state files that a text names, never what they hold.
func namedFile(l *look) {
	for _, p := range l.pathsIn(func(p string) bool { return strings.Count(p, "/") > 2 }) {
		if fi, _ := l.lstat(p); fi != nil && fi.Mode().IsRegular() {
			l.note("file", "%s has %d bytes, written %s", p, fi.Size(), since(fi.ModTime()))
		}
	}
}
