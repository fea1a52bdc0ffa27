// Package inventory knows which programs a chain runs: where each is found, whether it can be run on this node, and
// which CNI versions it speaks.
package inventory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/containernetworking/cni/pkg/invoke"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/known"
	"github.com/cni-shim/cni-shim/pkg/reason"
)

// probeTimeout bounds the VERSION calls of one inventory together.
const probeTimeout = 2 * time.Second

// Plugin is one program of a chain.
type Plugin struct {
	Type     string   `json:"type"`
	Index    int      `json:"index"`          // of the chain's plugin, from 0
	IPAM     bool     `json:"ipam,omitempty"` // the plugin's ipam.type rather than the plugin itself
	Path     string   `json:"path,omitempty"`
	Versions []string `json:"versions,omitempty"` // as it answers VERSION; empty where it gave no answer
	Asked    bool     `json:"asked,omitempty"`    // it was asked, whatever it answered
	ID       string   `json:"id,omitempty"`       // device, inode, size and mtime of the file: the same ID, the same program
}

// Problem is a program that is missing, cannot be run, or does not speak the chain's version.
type Problem struct {
	Plugin  Plugin
	Reason  *reason.Reason
	Cause   string // one line, without the plugin's name
	Fix     string
	Certain bool // every ADD fails because of it
}

// Inventory is what a chain runs.
type Inventory struct {
	Plugins  []Plugin
	Problems []Problem
}

// Fatal is the first problem because of which every ADD fails; nil when there is none.
func (v *Inventory) Fatal() *Problem {
	for i := range v.Problems {
		if v.Problems[i].Certain {
			return &v.Problems[i]
		}
	}
	return nil
}

// Take looks for the programs of a chain in paths. known are those of an earlier inventory: a program that has not changed
// since is not asked again, also where it gave no answer.
func Take(ctx context.Context, c *chain.Chain, paths []string, known []Plugin) *Inventory {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	v := &Inventory{}
	for i, p := range c.Plugins {
		v.add(ctx, c, Plugin{Type: p.Network.Type, Index: i}, paths, known, true)
		if t := p.Network.IPAM.Type; t != "" {
			v.add(ctx, c, Plugin{Type: t, Index: i, IPAM: true}, paths, known, delegatesIPAM(p.Network.Type))
		}
	}
	return v
}

// delegatesIPAM tells the plugins that are known to run ipam.type from CNI_PATH. Others may mean something of their own.
func delegatesIPAM(plugin string) bool {
	return slices.Contains([]string{"bridge", "calico", "dummy", "host-device", "ipvlan", "macvlan", "ptp", "sriov", "tap", "vlan"}, plugin)
}

func (v *Inventory) add(ctx context.Context, c *chain.Chain, p Plugin, paths []string, known []Plugin, needed bool) {
	if problem := p.look(ctx, versionOf(c), paths, known); problem != nil {
		problem.Plugin, problem.Certain = p, problem.Certain && needed
		v.Problems = append(v.Problems, *problem)
	}
	v.Plugins = append(v.Plugins, p)
}

// Look looks for one program, which a chain at that cniVersion runs, and asks it for its versions.
func Look(ctx context.Context, p Plugin, cniVersion string, paths []string) (Plugin, *Problem) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	problem := p.look(ctx, cniVersion, paths, nil)
	if problem != nil {
		problem.Plugin = p
	}
	return p, problem
}

// look fills in what is found of a program, and returns what is wrong with it.
func (p *Plugin) look(ctx context.Context, cniVersion string, paths []string, known []Plugin) *Problem {
	path, err := delegate.FindInPath(p.Type, paths)
	if err != nil {
		cause, fix := Missing(p.Type, paths)
		return &Problem{Reason: reason.PluginNotFound, Cause: cause, Fix: fix, Certain: true}
	}
	p.Path = path
	fi, err := os.Stat(path)
	if err != nil {
		return nil // gone since; the run will tell
	}
	if p.Type == config.Type || isSelf(fi) {
		return &Problem{Reason: reason.ConfigInvalid, Cause: "the chain leads back to the shim", Fix: "name the real plugins in the wrapped chain, not cni-shim", Certain: true}
	}
	if fi.Mode().Perm()&0o111 == 0 {
		return &Problem{Reason: reason.PluginNotExecutable, Cause: fmt.Sprintf("%s has no execute permission (%s)", path, fi.Mode().Perm()), Fix: "chmod 755 " + path, Certain: true}
	}
	p.ID = identity(fi)
	for _, k := range known {
		if k.ID == p.ID && k.ID != "" && k.Path == path {
			p.Versions, p.Asked = k.Versions, k.Asked
		}
	}
	if !p.Asked {
		if why := p.probe(ctx); why != nil {
			p.ID = "" // it is asked again
			return why
		}
	}
	if len(p.Versions) > 0 && !slices.Contains(p.Versions, cniVersion) {
		// Plugins that answer VERSION carelessly and work all the same exist: told, never in the way.
		return &Problem{Reason: reason.VersionIncompatible, Cause: fmt.Sprintf("%s speaks %s, not the chain's cniVersion %s", path, strings.Join(p.Versions, ", "), cniVersion),
			Fix: "set cniVersion to one that every plugin of the chain supports"}
	}
	return nil
}

// probe asks a program for its versions. Only a program that the system cannot start, or starts in vain, is a problem.
func (p *Plugin) probe(ctx context.Context) *Problem {
	exec := &delegate.Exec{Quiet: true}
	info, err := invoke.GetVersionInfo(ctx, p.Path, exec)
	if err == nil {
		p.Versions, p.Asked = info.SupportedVersions(), true
		return nil
	}
	if errno := exec.Last.Errno; Definite(errno) {
		return Unrunnable(p.Path, errno)
	}
	if a := exec.Last; a.Started {
		if why := Garbled(p.Path, a.Exit, a.Stderr); why != nil {
			return why
		}
	}
	p.Asked = exec.Last.Started
	return nil
}

func versionOf(c *chain.Chain) string {
	if c.CNIVersion == "" {
		return "0.1.0"
	}
	return c.CNIVersion
}

func identity(fi os.FileInfo) string {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d:%d:%d:%d.%d", st.Dev, st.Ino, st.Size, st.Mtim.Sec, st.Mtim.Nsec)
}

func isSelf(fi os.FileInfo) bool {
	self, err := os.Stat("/proc/self/exe")
	return err == nil && os.SameFile(fi, self)
}

// Missing says what stands where a program was looked for and not found, and the cure.
func Missing(name string, paths []string) (cause, fix string) {
	fix = reason.PluginNotFound.Cure
	if strings.ContainsRune(name, '/') {
		return "its type is a path; runtimes look for a plain name in CNI_PATH", "write the file's name alone"
	}
	var names, searched []string
	unread := ""
	for _, dir := range paths {
		if delegate.IsWorkingDir(dir) {
			continue
		}
		searched = append(searched, dir)
		if fi, err := os.Stat(filepath.Join(dir, name)); err == nil && fi.IsDir() {
			return filepath.Join(dir, name) + " is a directory, no program", "install the plugin's program in its place"
		}
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return filepath.Join(dir, name) + " is a link that leads nowhere, or no regular file", "install the plugin's program in its place"
		}
		entries, err := os.ReadDir(dir)
		var errno syscall.Errno
		if errors.As(err, &errno) && errno != syscall.ENOENT {
			unread += fmt.Sprintf("; %s cannot be read: %v", dir, errno)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
	}
	cause = fmt.Sprintf("no such program in %s", strings.Join(searched, ":"))
	if len(searched) < len(paths) {
		cause = strings.TrimSuffix(cause, " in ") + "; an empty or \".\" element of CNI_PATH, the working directory, is not searched"
	}
	if near := known.Nearest(name, names); near != "" {
		cause += fmt.Sprintf(" (there is %q)", near)
	}
	cause += unread
	return cause, fix
}

// Stamp is an inventory as it is kept between calls, so that an unchanged chain is neither asked nor told again.
type Stamp struct {
	Digest  string   `json:"digest"`
	Plugins []Plugin `json:"plugins"`
}

// MarshalStamp gives the bytes to keep.
func (v *Inventory) MarshalStamp(digest string) []byte {
	b, _ := json.Marshal(Stamp{digest, v.Plugins}) // strings only
	return append(b, '\n')
}

// There tells whether a program is in one of the directories.
func There(name string, paths []string) bool {
	_, err := delegate.FindInPath(name, paths)
	return err == nil
}
