// Package node finds the container runtimes of a node and where their configuration says that network configurations
// and plugins lie. It reads files and runs nothing.
package node

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Kind is a runtime's own name.
type Kind string

// The runtimes whose configuration is understood.
const (
	Containerd Kind = "containerd"
	CRIO       Kind = "cri-o"
)

// Where things are by default, for both runtimes.
const (
	DefaultConfDir = "/etc/cni/net.d"
	DefaultBinDir  = "/opt/cni/bin"
)

// Runtime is a container runtime of the node, and what its configuration says of networks. Paths are those of the
// node, without the root that Find was given.
type Runtime struct {
	Kind    Kind
	Distro  string // what brings it along: "k3s", "rke2", "k0s", "microk8s"; "" when it was installed for itself
	Config  string // the file that its settings begin in; "" when there is none, and defaults hold
	Socket  string // that it listens on, there or not
	Running bool   // its socket is there
	NoCRI   bool   // its configuration switches the service for pods off, as Docker's packages do

	ConfDir        string   // of network configurations
	BinDirs        []string // of plugins, in the order of search
	MaxConfNum     int      // how many networks a pod is attached to at most; 0: all. CRI-O: 1
	DefaultNetwork string   // the name of the pods' network (CRI-O's cni_default_network); "": the first file's

	// CallsSTATUS tells whether it asks plugins for STATUS, and so copies their answer into the node's condition.
	CallsSTATUS Answer
	Problems    []Problem // of its configuration
}

// Answer is what a configuration tells of a question.
type Answer uint8

// The answers. What cannot be told from the configuration alone is Unknown.
const (
	Unknown Answer = iota
	Yes
	No
)

// Problem is something of the runtime's configuration that it refuses, or passes over.
type Problem struct {
	File         string
	Line, Column int // from 1; 0 where no place is to blame
	Cause        string
	Refused      bool // the runtime does not start with it
}

// Name is the runtime as people call it: "k3s (containerd)".
func (r *Runtime) Name() string {
	if r.Distro == "" {
		return string(r.Kind)
	}
	return r.Distro + " (" + string(r.Kind) + ")"
}

// Find returns the runtimes installed under root ("" or "/" for this node): those that run first, then the ones that
// bring a Kubernetes of their own, then the plain ones. Nothing found is no error.
func Find(root string) []Runtime {
	n := tree{root}
	var found []Runtime
	for _, look := range [...]func() []Runtime{n.containerds, n.crio} {
		found = append(found, look()...)
	}
	slices.SortStableFunc(found, func(a, b Runtime) int {
		switch {
		case a.Running == b.Running:
			return 0
		case a.Running:
			return -1
		}
		return 1
	})
	return found
}

// Default is what holds on a node of whose runtime nothing is known.
func Default(root string) Runtime {
	return Runtime{Kind: Containerd, ConfDir: DefaultConfDir, BinDirs: tree{root}.defaultBins(), MaxConfNum: 1}
}

// tree is a node's file system.
type tree struct{ root string }

func (t tree) path(p string) string {
	if t.root == "" {
		return p
	}
	return filepath.Join(t.root, p)
}

func (t tree) exists(paths ...string) bool {
	for _, p := range paths {
		if _, err := os.Stat(t.path(p)); err == nil {
			return true
		}
	}
	return false
}

// glob is filepath.Glob of the node's files; a path without pattern is itself, there or not.
func (t tree) glob(pattern string) []string {
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}
	}
	matches, _ := filepath.Glob(t.path(pattern)) // a bad pattern matches nothing, and the runtime tells of it
	if t.root != "" {
		for i, m := range matches {
			matches[i] = "/" + strings.TrimPrefix(strings.TrimPrefix(m, filepath.Clean(t.root)), "/")
		}
	}
	return matches
}

// gkeBinDir is where Google's nodes keep plugins; their /opt is read-only.
const gkeBinDir = "/home/kubernetes/bin"

func (t tree) defaultBins() []string {
	if !t.exists(DefaultBinDir) && t.exists(gkeBinDir) {
		return []string{gkeBinDir}
	}
	return []string{DefaultBinDir}
}
