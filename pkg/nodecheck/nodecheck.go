// Package nodecheck checks a whole node: the runtime's own configuration, the network configurations that it names,
// and all that their chains need besides: programs, files, tools, kernel.
package nodecheck

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/check"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/rules"
)

// Node checks the node whose files lie under root; "" is this one. Where several runtimes are installed, those that
// run are checked, or the first if none does.
func Node(root string) (*check.Result, error) {
	all := &check.Result{}
	for _, r := range inUse(root, all) {
		c := &checker{root: root, runtime: r, out: all}
		if err := c.check(); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all.List, func(a, b diag.Diagnostic) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column)
	})
	return all, nil
}

func inUse(root string, out *check.Result) []node.Runtime {
	found := node.Find(root)
	if len(found) == 0 {
		r := node.Default(root)
		tell(out, place{file: r.ConfDir}, "node-runtime-unknown", "", "no configuration of a container runtime was found")
		return []node.Runtime{r}
	}
	running := found[:0:0]
	for _, r := range found {
		if r.Running {
			running = append(running, r)
		}
	}
	if len(running) == 0 {
		return found[:1]
	}
	return running
}

// checker checks what one runtime reads.
type checker struct {
	root    string
	runtime node.Runtime
	out     *check.Result
}

func (c *checker) path(p string) string {
	if c.root == "" {
		return p
	}
	return filepath.Join(c.root, p)
}

func (c *checker) check() error {
	for _, p := range c.runtime.Problems {
		rule := "node-runtime-config-ignored"
		if p.Refused {
			rule = "node-runtime-config-invalid"
		}
		tell(c.out, place{p.File, p.Line, p.Column, p.Column}, rule, "", "%s", p.Cause)
	}
	dir := c.path(c.runtime.ConfDir)
	r, err := check.Path(dir, check.Options{Runtime: strings.ReplaceAll(string(c.runtime.Kind), "-", ""), OnNode: true, Root: c.root, All: c.runtime.MaxConfNum != 1})
	if errors.Is(err, fs.ErrNotExist) {
		tell(c.out, place{file: c.runtime.ConfDir}, "node-conf-dir-missing", "", "%s, which %s reads, does not exist", c.runtime.ConfDir, c.runtime.Name())
		return nil
	}
	if err != nil {
		return err
	}
	c.out.List = append(c.out.List, r.List...)
	c.out.Files = append(c.out.Files, r.Files...)
	if r.Dir == nil {
		return nil
	}
	if name := c.runtime.DefaultNetwork; name != "" && !r.Dir.Names(name) {
		tell(c.out, place{file: c.runtime.Config}, "node-default-network-missing", "", "no configuration in %s defines the network %q, which is %s's cni_default_network", c.runtime.ConfDir, name, c.runtime.Kind)
	}
	if !c.binDirs() {
		return nil
	}
	for _, conf := range r.Dir.InForce() {
		p := &pass{checker: c, conf: conf, path: filepath.Join(r.Dir.Path, conf.Name), lines: diag.NewLines(conf.Raw)}
		for _, pl := range conf.Plugins {
			p.programs(pl)
			p.files(pl)
			p.tools(pl)
			p.modules(pl)
		}
	}
	return nil
}

// binDirs tells whether there is a directory of plugins to look in.
func (c *checker) binDirs() bool {
	for _, d := range c.runtime.BinDirs {
		if exists(c.path(d)) {
			return true
		}
	}
	dirs := strings.Join(c.runtime.BinDirs, ", ")
	tell(c.out, place{file: c.runtime.BinDirs[0]}, "node-bin-dir-missing", "", "%s, where %s looks for plugins, does not exist", dirs, c.runtime.Name())
	return false
}

// pass is the look at one configuration that is in force.
type pass struct {
	*checker
	conf  *rules.Conf
	path  string // of its file
	lines *diag.Lines
}

// at tells of a value in the configuration.
func (p *pass) at(n *jsondoc.Node, rule, fix, format string, args ...any) *diag.Diagnostic {
	start, end := n.Start, n.End
	if n.Kind >= jsondoc.Array {
		end = start + 1
	}
	line, column := p.lines.Place(start)
	_, endColumn := p.lines.Place(end)
	return tell(p.out, place{p.path, line, column, endColumn}, rule, fix, format, args...)
}
