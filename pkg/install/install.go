// Package install takes a node over, and gives it back.
//
// Taking over is: the program into the runtime's directory of plugins, the shim's list into its directory of network
// configurations, and what helps people and the service manager beside them. What stands against it is found before
// anything is touched; everything is put in place by rename; what was laid down is recorded, so that giving back
// removes exactly that.
package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/containernetworking/cni/libcni"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/inventory"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/outer"
)

// Options say what to install where. Paths are the node's own, without Root.
type Options struct {
	Root    string // of the node's files: an image, or DESTDIR; "" for this node
	ConfDir string // replaces what the runtime's configuration says; so do the next two
	BinDir  string
	Chain   string // a file or directory to wrap; "" for ConfDir
	Program string // to install; "" for the program that runs
	Version string // of it, for the record
	Force   bool   // go on in spite of errors that the node may survive
	DryRun  bool   // Uninstall only: say what would be done, and change nothing
	// Withdraw tells whether the watch takes the list away while the chain cannot be loaded; Unknown: as the runtime needs it.
	Withdraw node.Answer
	// Completion makes the completion script of a shell: bash, zsh or fish.
	Completion func(shell string) []byte
}

// Plan is what Install will do, and what stands against it.
type Plan struct {
	Runtime string `json:"runtime"` // its name, and where its settings are
	ConfDir string `json:"confDir"`
	BinDir  string `json:"binDir"`
	Network string `json:"network,omitempty"` // name of the chain's; empty where no chain can be loaded
	Chain   string `json:"chain,omitempty"`   // the chain in words
	// Withdraw tells whether the service takes the list away while the chain cannot be loaded, and WithdrawWhy why or why not.
	Withdraw    bool   `json:"withdraw"`
	WithdrawWhy string `json:"withdrawWhy,omitempty"` // empty where there will be no service

	Obstacles []Obstacle `json:"obstacles"`
	Actions   []Action   `json:"actions"`

	o     Options
	items []item
	list  []byte // as it will be; nil: it is left, or waits
	have  []byte // as it is; nil: there is none
	away  bool   // a watch has taken it away, and will write it back
}

// Obstacle is something that stands against the plan.
type Obstacle struct {
	Severity Severity `json:"severity"`
	Cause    string   `json:"cause"`
	Cure     string   `json:"cure,omitempty"`
	stubborn bool     // Force does not help
}

// Severity of an obstacle.
type Severity string

// With an error nothing is installed.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Action is one thing that is done, or not.
type Action struct {
	Do   Do     `json:"do"`
	Path string `json:"path"`
	Why  string `json:"why,omitempty"`
}

// Do is what is done with a file.
type Do string

// What is done with a file.
const (
	Write   Do = "write"   // where there was none
	Replace Do = "replace" // in the place of another
	Keep    Do = "keep"    // it is as it has to be
	Leave   Do = "leave"   // it is not the shim's, or cannot be written: why is said
	Wait    Do = "wait"    // it will be written later: why is said
	Remove  Do = "remove"
)

// New looks at the node and plans. It changes nothing. The error is one of the command line, or of a file that should
// be readable.
func New(ctx context.Context, o Options) (*Plan, error) {
	for _, p := range []string{o.ConfDir, o.BinDir, o.Chain} {
		if p != "" && !filepath.IsAbs(p) {
			return nil, fmt.Errorf("%q is no absolute path", p)
		}
	}
	p := &Plan{o: o, Obstacles: []Obstacle{}}
	r, more := pick(o.Root)
	p.where(r, more)
	ch, cause := p.load()
	runs := false
	if ch != nil {
		runs = p.runs(ctx, ch, r)
		var types []string
		for _, pl := range ch.Plugins {
			types = append(types, pl.Network.Type)
		}
		p.Network, p.Chain = ch.Name, fmt.Sprintf("%s in %s: %s", ch.Name, p.bare(ch.Source.Path), strings.Join(types, ", "))
	}
	p.check(r, ch)
	asks := r.AsksSTATUS(o.Root)
	p.withdraw(r.Name(), asks)
	if err := p.planFiles(); err != nil {
		return nil, err
	}
	p.planList(ch, runs, cause, asks == node.Yes)
	return p, nil
}

// pick is the runtime that is served: the first that runs, else the first that is installed, else the usual
// directories; and the names of others that run as well.
func pick(root string) (r node.Runtime, more []string) {
	found := node.Find(root)
	if len(found) == 0 {
		return node.Default(root), nil
	}
	for _, f := range found[1:] {
		if f.Running {
			more = append(more, f.Name())
		}
	}
	return found[0], more
}

// where settles the directories.
func (p *Plan) where(r node.Runtime, more []string) {
	p.Runtime = r.Name()
	switch {
	case r.Config != "":
		p.Runtime += ", " + r.Config
	case len(node.Find(p.o.Root)) == 0:
		p.Runtime = "none found; the usual directories"
	}
	p.ConfDir, p.BinDir = r.ConfDir, r.BinDirs[0]
	for _, d := range r.BinDirs {
		if _, err := os.Stat(p.path(d)); err == nil && p.mountProblem(d, true) == "" {
			p.BinDir = d
			break
		}
	}
	if p.o.ConfDir != "" {
		p.ConfDir = filepath.Clean(p.o.ConfDir)
	}
	if p.o.BinDir != "" {
		p.BinDir = filepath.Clean(p.o.BinDir)
	}
	if len(more) > 0 {
		p.warn("run install again with --conf-dir and --bin-dir for the other one's directories, if they differ", "%s is running, too: %s is served", strings.Join(more, ", "), r.Name())
	}
}

// bins are the directories that the runtime looks for plugins in.
func (p *Plan) bins(r node.Runtime) []string {
	dirs := []string{p.path(p.BinDir)}
	if p.o.BinDir == "" {
		for _, d := range r.BinDirs {
			dirs = append(dirs, p.path(d))
		}
	}
	return dirs
}

// runs tells whether the chain's programs are there and can be run. Those of another tree are not tried.
func (p *Plan) runs(ctx context.Context, ch *chain.Chain, r node.Runtime) bool {
	if p.o.Root != "" {
		return true
	}
	f := inventory.Take(ctx, ch, p.bins(r), nil).Fatal()
	if f != nil {
		p.warn(f.Fix, "the chain cannot run: %s: %s", f.Plugin.Type, f.Cause)
	}
	return f == nil
}

// load reads the chain that will be wrapped: that of the shim's list as it is, else what the options say.
func (p *Plan) load() (*chain.Chain, error) {
	entry := config.Default()
	if text, _, err := p.readList(); err == nil {
		if l, err := outer.Parse(text); err == nil {
			entry, _ = l.Config(p.ConfDir)
		}
	}
	if p.o.Chain != "" {
		entry.Chain = config.Chain{Path: p.o.Chain}
	}
	if entry.Chain.IsZero() {
		entry.Chain.Path = p.ConfDir
	}
	if entry.Chain.Path == p.ConfDir && !p.there(p.ConfDir) {
		return nil, fmt.Errorf("%s: no network configuration; the directory does not exist", p.ConfDir)
	}
	if entry.Chain.Path != "" {
		entry.Chain.Path = p.path(entry.Chain.Path)
	}
	return chain.Load(entry)
}

// planList decides about the shim's list. A list before the chain is valid makes a runtime that never asks for STATUS
// take the node for ready, and then every pod fails; one that asks keeps the node NotReady and tells why.
func (p *Plan) planList(ch *chain.Chain, runs bool, cause error, asks bool) {
	path := filepath.Join(p.ConfDir, outer.Name)
	have, away, err := p.readList()
	if err != nil {
		p.fail(true, "", "%s: %v", path, err)
		return
	}
	if p.have, p.away = have, away; away {
		p.have = nil
	}
	var l *outer.List
	if have != nil {
		if l, err = outer.Parse(have); err == outer.ErrForeign {
			p.fail(true, "rename it, so that it ends in the place that its author meant", "%s is a list that the shim does not stand in", path)
			return
		}
	}
	if l != nil && l.Bare() {
		p.act(Leave, path, "it is an admin's own: the shim stands bare in it, and observes")
		return
	}
	if other := p.elsewhere(); have == nil && other != "" && p.o.Chain == "" {
		p.act(Leave, path, "the shim stands in "+other+" already")
		return
	}
	if cause != nil {
		p.warn("see to the chain", "%s", p.bareText(cause.Error()))
	}
	if !runs && have == nil && !asks {
		p.act(Wait, path, "until the chain can take pods: this runtime does not ask for STATUS, as far as can be told, and would take the node for ready")
		return
	}
	from := p.ConfDir
	if p.o.Chain != "" {
		from = p.o.Chain
	}
	switch {
	case ch != nil:
	case away:
		p.act(Wait, path, "until the chain can be loaded: the watch has taken it away, and will write it back")
		return
	case l != nil:
		p.act(Keep, path, "")
		return
	default:
		ch = &chain.Chain{NetworkConfigList: &libcni.NetworkConfigList{Name: placeholder}}
	}
	text, err := outer.Generate(ch, l, from)
	if err != nil {
		p.fail(true, "", "%s: %v", path, err)
		return
	}
	if p.have != nil && outer.Same(have, text) {
		p.act(Keep, path, "")
		return
	}
	p.list = text
	if p.have == nil {
		p.act(Write, path, "")
	} else {
		p.act(Replace, path, "")
	}
}

// readList reads the shim's list, or what a watch that has taken it away will write back; then away is true.
func (p *Plan) readList() (text []byte, away bool, err error) {
	return outer.ReadKept(p.path(p.ConfDir), p.path(config.DefaultStateDir))
}

// withdraw decides whether the watch takes the list away while the chain cannot be loaded. A runtime that asks for no STATUS takes the
// node for ready as long as there is a list; one that asks is told, and must keep it.
func (p *Plan) withdraw(runtime string, asks node.Answer) {
	if !p.there(filepath.Dir(adminUnit)) {
		return
	}
	forced := p.o.Withdraw != node.Unknown
	if p.Withdraw = asks == node.No; forced {
		p.Withdraw = p.o.Withdraw == node.Yes
	}
	switch asks {
	case node.Yes:
		p.WithdrawWhy = runtime + " asks for STATUS and is told why the chain cannot run"
		if p.Withdraw {
			p.WithdrawWhy = "as asked, without effect: " + p.WithdrawWhy
		}
	case node.No:
		p.WithdrawWhy = runtime + " does not ask for STATUS: while the chain cannot be loaded the list is taken away, and the node is NotReady, as without the shim"
		if !p.Withdraw {
			p.WithdrawWhy = "as asked: " + runtime + " does not ask for STATUS, and takes the node for ready while the chain cannot be loaded"
		}
	default:
		p.WithdrawWhy = "it cannot be told whether " + runtime + " asks for STATUS (--withdraw yes if it does not)"
		if forced {
			p.WithdrawWhy = "as asked"
		}
	}
}

// placeholder names the shim's list while there is no chain whose name it could take. No pod is added under it.
const placeholder = "k8s-pod-network"

// elsewhere names a file under another name in which the shim stands.
func (p *Plan) elsewhere() string {
	files, _ := chain.Files(p.path(p.ConfDir))
	for _, f := range files {
		if filepath.Base(f) == outer.Name {
			continue
		}
		if c, err := chain.LoadFile(f); err == nil && c.Own() {
			return filepath.Base(f)
		}
	}
	return ""
}

func (p *Plan) act(do Do, path, why string) {
	p.Actions = append(p.Actions, Action{do, path, why})
}

func (p *Plan) warn(cure, format string, args ...any) {
	p.Obstacles = append(p.Obstacles, Obstacle{Severity: Warning, Cause: fmt.Sprintf(format, args...), Cure: cure})
}

func (p *Plan) fail(stubborn bool, cure, format string, args ...any) {
	p.Obstacles = append(p.Obstacles, Obstacle{Error, fmt.Sprintf(format, args...), cure, stubborn})
}

// Refused tells whether nothing will be installed.
func (p *Plan) Refused() bool {
	for _, o := range p.Obstacles {
		if o.Severity == Error && (o.stubborn || !p.o.Force) {
			return true
		}
	}
	return false
}

// Changes tells whether there is anything to do.
func (p *Plan) Changes() bool {
	for _, a := range p.Actions {
		if a.Do != Keep && a.Do != Leave && a.Do != Wait {
			return true
		}
	}
	return false
}

// path is where this process reaches a path of the node's.
func (p *Plan) path(s string) string { return under(p.o.Root, s) }

func under(root, s string) string {
	if root == "" {
		return s
	}
	return filepath.Join(root, s)
}

// bare is a path without the root.
func (p *Plan) bare(s string) string {
	if p.o.Root == "" {
		return s
	}
	return "/" + strings.TrimPrefix(strings.TrimPrefix(s, filepath.Clean(p.o.Root)), "/")
}

func (p *Plan) bareText(s string) string {
	if p.o.Root == "" {
		return s
	}
	return strings.ReplaceAll(s, strings.TrimSuffix(filepath.Clean(p.o.Root), "/")+"/", "/")
}

// mountProblem says why files cannot be written to a directory, or, where programs, why they cannot be run from it.
// A directory that does not exist is judged by the nearest that does.
func (p *Plan) mountProblem(dir string, programs bool) string {
	const readOnly, noexec = 0x1, 0x8 // ST_RDONLY, ST_NOEXEC of statvfs(3); Linux's statfs has the same
	at := p.path(dir)
	var fs syscall.Statfs_t
	for {
		err := syscall.Statfs(at, &fs)
		if err == nil {
			break
		}
		if err != syscall.ENOENT || at == "/" {
			return err.Error()
		}
		at = filepath.Dir(at)
	}
	switch {
	case fs.Flags&readOnly != 0:
		return "the file system is read-only"
	case programs && fs.Flags&noexec != 0:
		return "the file system is mounted noexec: no program can be run from it"
	}
	return ""
}
