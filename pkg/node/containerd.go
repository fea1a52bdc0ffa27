package node

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// distro is one way in which containerd comes to a node.
type distro struct {
	name    string
	configs []string // the first that exists holds
	signs   []string // files that show it installed, where it has no configuration
	socket  string
	confDir string // defaults
	binDirs []string
}

// distros in the order of their weight: a Kubernetes that brings containerd along runs that one.
var distros = [...]distro{
	{name: "k3s", configs: []string{"/var/lib/rancher/k3s/agent/etc/containerd/config.toml"}, socket: "/run/k3s/containerd/containerd.sock",
		confDir: "/var/lib/rancher/k3s/agent/etc/cni/net.d", binDirs: []string{"/var/lib/rancher/k3s/data/cni", "/var/lib/rancher/k3s/data/current/bin"}},
	{name: "rke2", configs: []string{"/var/lib/rancher/rke2/agent/etc/containerd/config.toml"}, socket: "/run/k3s/containerd/containerd.sock"},
	{name: "k0s", configs: []string{"/etc/k0s/containerd.toml"}, signs: []string{"/run/k0s/containerd.sock"}, socket: "/run/k0s/containerd.sock"},
	{name: "microk8s", configs: []string{"/var/snap/microk8s/current/args/containerd.toml"}, socket: "/var/snap/microk8s/common/run/containerd.sock",
		confDir: "/var/snap/microk8s/current/args/cni-network", binDirs: []string{"/var/snap/microk8s/current/opt/cni/bin"}},
	{configs: []string{"/etc/containerd/config.toml"}, socket: "/run/containerd/containerd.sock",
		signs: []string{"/usr/bin/containerd", "/usr/local/bin/containerd", "/run/containerd/containerd.sock"}},
}

// ConfDirs are the directories that runtimes read network configurations from by default, the usual one first.
func ConfDirs() []string {
	dirs := []string{DefaultConfDir}
	for i := range distros {
		if d := distros[i].confDir; d != "" {
			dirs = append(dirs, d)
		}
	}
	return dirs
}

// containerds finds every containerd of the node.
func (t tree) containerds() []Runtime {
	var found []Runtime
	for i := range distros {
		d := &distros[i]
		r := Runtime{Kind: Containerd, Distro: d.name, ConfDir: d.confDir, BinDirs: t.existing(d.binDirs), MaxConfNum: 1}
		if r.ConfDir == "" {
			r.ConfDir = DefaultConfDir
		}
		if len(r.BinDirs) == 0 {
			r.BinDirs = t.defaultBins()
		}
		for _, c := range d.configs {
			if r.Config == "" && t.exists(c) {
				r.Config = c
			}
		}
		if r.Config == "" && !t.exists(d.signs...) {
			continue
		}
		r.Socket = d.socket
		if r.Config != "" {
			t.containerd(&r)
		}
		r.Running = t.exists(r.Socket)
		found = append(found, r)
	}
	return found
}

func (t tree) existing(paths []string) []string {
	for _, p := range paths {
		if t.exists(p) {
			return []string{p}
		}
	}
	return paths[:min(1, len(paths))]
}

// sections of the CRI plugin's network settings, by the configuration's version (containerd docs/cri/config.md).
var sections = [...][]string{
	1: {"plugins", "cri", "cni"},
	2: {"plugins", "io.containerd.grpc.v1.cri", "cni"},
	3: {"plugins", "io.containerd.cri.v1.runtime", "cni"},
}

// containerd reads the settings of one containerd with the files that it imports. Later files win, key by key, as
// since containerd 2.0; before, an imported file replaced a plugin's whole table.
func (t tree) containerd(r *Runtime) {
	all := table{}
	t.imports(r, all, r.Config, map[string]bool{})
	if s, ok := all.in("grpc").str("address"); ok && s != "" && t.exists(s) { // else the command line names another
		r.Socket = s
	}
	off, _ := all.strs("disabled_plugins")
	r.NoCRI = slices.Contains(off, "cri") || slices.Contains(off, "io.containerd.grpc.v1.cri")
	version := 1
	if v, ok := all["version"].(int64); ok && v >= 1 && int(v) < len(sections) {
		version = int(v)
	}
	if version == 3 {
		r.CallsSTATUS = Yes // containerd 2 writes it; 2.0.0 alone does not ask yet
	}
	cni := table{}
	for v, path := range sections {
		s := all.in(path...)
		if v == 0 || s == nil {
			continue
		}
		// Version 2 is migrated as it is read: its own section, and what is named as in 3 already.
		if v == version || v == 3 && version == 2 {
			cni.merge(s)
			continue
		}
		r.Problems = append(r.Problems, Problem{File: r.Config, Cause: fmt.Sprintf("the table %q is that of version %d, and the file is of version %d: it is not read", strings.Join(path, "."), v, version)})
	}
	vars := strings.NewReplacer("${SNAP_DATA}", "/var/snap/microk8s/current", "$SNAP_DATA", "/var/snap/microk8s/current", "${SNAP}", "/snap/microk8s/current", "$SNAP", "/snap/microk8s/current")
	if s, ok := cni.str("conf_dir"); ok && s != "" {
		r.ConfDir = filepath.Join("/", vars.Replace(s))
	}
	dirs, _ := cni.strs("bin_dirs")
	if s, ok := cni.str("bin_dir"); ok && dirs == nil {
		dirs = []string{s}
	}
	for i, s := range dirs {
		dirs[i] = vars.Replace(s)
	}
	r.search(dirs)
	if n, ok := cni["max_conf_num"].(int64); ok && n >= 0 {
		r.MaxConfNum = int(n)
	}
}

// search takes the directories of plugins that a configuration names, as the runtime sees them from its own working directory, which is
// / for a service. That directory itself is left out: nothing is run from there (see delegate.FindInPath).
func (r *Runtime) search(dirs []string) {
	var found []string
	for _, dir := range dirs {
		if filepath.Clean(dir) != "." {
			found = append(found, filepath.Join("/", dir))
		}
	}
	if len(found) > 0 {
		r.BinDirs = found
	}
}

// imports merges a file into all, and then those that it imports.
func (t tree) imports(r *Runtime, all table, path string, seen map[string]bool) {
	const many = 100
	if seen[path] || len(seen) >= many {
		return
	}
	seen[path] = true
	one, problem := t.readTOML(path)
	if problem != nil {
		r.Problems = append(r.Problems, *problem)
		return
	}
	all.merge(one)
	patterns, _ := one.strs("imports")
	for _, p := range patterns {
		if !filepath.IsAbs(p) {
			p = filepath.Join(filepath.Dir(path), p)
		}
		for _, f := range t.glob(p) {
			t.imports(r, all, f, seen)
		}
	}
}
