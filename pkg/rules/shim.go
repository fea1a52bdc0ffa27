package rules

import (
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/known"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/source"
)

// own is the shim's entry in a configuration, nil when it is not in it.
func (c *Conf) own() *Plugin {
	if c == nil || c.Root == nil {
		return nil
	}
	for _, pl := range c.Chain {
		if pl.Type == config.Type {
			return pl
		}
	}
	return nil
}

// outer is the shim's own list in a directory, and what it wraps of that directory.
type outer struct {
	entry   *source.Entry
	conf    *Conf
	shim    *Plugin
	wrapped *source.Entry // nil when it wraps something elsewhere, or nothing
	inner   *Conf         // of wrapped; nil when it cannot be read
	here    bool          // it wraps this directory's first other file
}

// outers are the lists of the directory in which the shim runs a chain of its own. One that it only observes is not among them.
func (d *Dir) outers() []outer {
	if !d.read {
		d.shims, d.read = d.readOuters(), true
	}
	return d.shims
}

func (d *Dir) readOuters() []outer {
	var out []outer
	for _, e := range d.candidates() {
		c := d.Confs[e.Name]
		pl := c.own()
		if pl == nil || c.bare() {
			continue
		}
		o := outer{entry: e, conf: c, shim: pl}
		switch n := pl.Node.Get("chain"); {
		case (n == nil || n.Is(jsondoc.Null)) && d.isHere(config.DefaultConfDir), n.Is(jsondoc.String) && d.isHere(n.Str()):
			o.here = true
			o.wrapped = d.firstOther()
		case n.Is(jsondoc.String) && d.isHere(filepath.Dir(n.Str())):
			o.wrapped = d.named(filepath.Base(n.Str()))
		}
		if o.wrapped != nil {
			if o.inner = d.Confs[o.wrapped.Name]; o.inner != nil && o.inner.Root == nil {
				o.inner = nil
			}
		}
		out = append(out, o)
	}
	return out
}

// bare reports whether the shim only observes a list, by config.Bare.
func (c *Conf) bare() bool {
	own := c.own()
	if own == nil {
		return false
	}
	var types []string
	for _, p := range c.Chain {
		types = append(types, p.Type)
	}
	return config.Bare(types, []byte(own.Node.Raw()))
}

// isHere tells whether a path in a configuration means the directory: it is its own, or one that runtimes read, for
// which a copy of a node's directory stands.
func (d *Dir) isHere(path string) bool {
	path = filepath.Clean(path)
	return filepath.Join(d.Root, path) == filepath.Clean(d.Path) || !d.OnNode && slices.Contains(node.ConfDirs(), path)
}

func (d *Dir) firstOther() *source.Entry {
	for _, e := range d.candidates() {
		if c := d.Confs[e.Name]; c.own() == nil && !(c != nil && c.Root == nil && namesShim(c.Raw)) {
			return e
		}
	}
	return nil
}

// namesShim tells a text that does not parse and yet is the shim's own list.
func namesShim(text []byte) bool {
	return strings.Contains(strings.Join(strings.Fields(string(text)), ""), `"type":"`+config.Type+`"`)
}

func (d *Dir) named(name string) *source.Entry {
	for _, e := range d.Entries {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// wraps tells whether one of two files is the shim's own list and the other what it wraps: they share a name, as they
// must.
func (d *Dir) wraps(a, b string) bool {
	for _, o := range d.outers() {
		if o.wrapped != nil && (o.entry.Name == a && o.wrapped.Name == b || o.entry.Name == b && o.wrapped.Name == a) {
			return true
		}
	}
	return false
}

// The examples: the shim's own list beside what it wraps.
const (
	shimInner = "\n-- 10-lab.conflist --\n" + `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}, {"type": "portmap", "capabilities": {"portMappings": true}}]}`
	shimGood  = "-- 00-cni-shim.conflist --\n" + `{"cniVersion": "1.0.0", "name": "lab", "loadOnlyInlinedPlugins": true, "plugins": [{"type": "cni-shim", "capabilities": {"portMappings": true}}]}` + shimInner
)

var shimNameDiffers = Rule{
	ID: "shim-name-differs", Title: "the shim's list has another name than the one it wraps", Severity: diag.Warning,
	Doc:    "Address reservations, firewall rules and the runtime's cache hang on the network's name. Under another one, pods of before cannot be deleted, and their addresses stay taken.",
	Fix:    "give the shim's list the name of the wrapped one",
	Bad:    "-- 00-cni-shim.conflist --\n" + `{"cniVersion": "1.0.0", "name": «"k8s"», "loadOnlyInlinedPlugins": true, "plugins": [{"type": "cni-shim", "capabilities": {"portMappings": true}}]}` + shimInner,
	Good:   shimGood,
	Source: "containernetworking/cni:libcni/api.go (cache file of a result); containernetworking/plugins:plugins/ipam/host-local/backend/disk",
	Dir: func(p *DirPass) {
		for _, o := range p.outers() {
			if o.inner == nil {
				continue
			}
			mine, theirs := o.conf.name(), o.inner.name()
			if mine.Is(jsondoc.String) && theirs.Is(jsondoc.String) && mine.Str() != theirs.Str() && theirs.Str() != "" {
				p.value(diag.Warning, o.entry.Path, mine, `write "`+theirs.Str()+`"`, "the shim's list is named %q, %s is %q: pods of before cannot be deleted", mine.Str(), o.wrapped.Name, theirs.Str())
			}
		}
	},
}

var _ = add(&shimNameDiffers)

var shimNotFirst = Rule{
	ID: "shim-not-first", Title: "the shim's list does not sort first", Severity: diag.Warning,
	Doc:    "Runtimes use the first name in byte order. Behind another network's file the shim never runs.",
	Fix:    "rename it to 00-cni-shim.conflist",
	Bad:    "-- 10-lab.conflist --\n" + `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}` + "\n-- 99-cni-shim.conflist --\n«{»" + `"cniVersion": "1.0.0", "name": "lab", "loadOnlyInlinedPlugins": true, "plugins": [{"type": "cni-shim"}]}`,
	Good:   shimGood,
	Source: "containerd/go-cni:opts.go (sort.Strings); cri-o/ocicni:pkg/ocicni/ocicni.go",
	Dir: func(p *DirPass) {
		for _, o := range p.outers() {
			for _, e := range p.candidates() {
				if c := p.Confs[e.Name]; e.Name < o.entry.Name && (c == nil || c.Root == nil || !allLoopback(c)) && c.own() == nil {
					p.value(diag.Warning, o.entry.Path, o.conf.Root, "", "%s sorts before %s, so the runtime uses it and the shim never runs", e.Name, o.entry.Name)
					break
				}
			}
		}
	},
}

var _ = add(&shimNotFirst)

var shimCapabilityMissing = Rule{
	ID: "shim-capability-missing", Title: "the shim does not declare a capability of the wrapped chain", Severity: diag.Warning,
	Doc:    "The runtime passes port mappings, bandwidth and the like only to a plugin that declares the capability. What the shim does not declare, it is not given and cannot hand on.",
	Fix:    "declare every capability that a wrapped plugin declares",
	Bad:    "-- 00-cni-shim.conflist --\n" + `{"cniVersion": "1.0.0", "name": "lab", "loadOnlyInlinedPlugins": true, "plugins": [{"type": "cni-shim", "capabilities": «{»"mac": true}}]}` + shimInner,
	Good:   shimGood,
	Source: "containernetworking/cni:libcni/api.go (injectRuntimeConfig)",
	Dir: func(p *DirPass) {
		for _, o := range p.outers() {
			chain := o.inner
			if n := o.shim.Node.Get("chain"); n.Is(jsondoc.Object) {
				chain = o.conf // its plugins are the shim's delegates there
			}
			if chain == nil {
				continue
			}
			missing := map[string]string{}
			for _, pl := range chain.Plugins {
				if pl == o.shim || pl.Parent != nil && pl.Parent != o.shim {
					continue // multus and flannel hand a capability on by rules of their own
				}
				for _, k := range kids(pl.Node.Fold("capabilities")) {
					if k.True() && !o.shim.capable(k.Key) && missing[k.Key] == "" {
						missing[k.Key] = pl.Type
					}
				}
			}
			if len(missing) == 0 {
				continue
			}
			var names []string
			for name := range missing {
				names = append(names, name)
			}
			sort.Strings(names)
			at := o.shim.Node.Fold("capabilities")
			if at == nil {
				at = o.shim.Node
			}
			p.value(diag.Warning, o.entry.Path, at, `add "`+strings.Join(names, `": true, "`)+`": true`, "the shim does not declare %s, which %s declares: the runtime will not pass it", strings.Join(names, ", "), missing[names[0]])
		}
	},
}

var _ = add(&shimCapabilityMissing)

var shimFlagDiffers = Rule{
	ID: "shim-flag-differs", Title: "disableCheck or disableGC is not that of the wrapped list", Severity: diag.Warning,
	Doc:    "The runtime looks at the shim's list only. What the wrapped list forbids, CHECK or GC, is asked for all the same unless the shim's list forbids it too.",
	Fix:    "copy the flag from the wrapped list",
	Bad:    "-- 00-cni-shim.conflist --\n«{»" + `"cniVersion": "1.0.0", "name": "lab", "loadOnlyInlinedPlugins": true, "plugins": [{"type": "cni-shim"}]}` + "\n-- 10-lab.conflist --\n" + `{"cniVersion": "1.0.0", "name": "lab", "disableCheck": true, "plugins": [{"type": "bridge"}]}`,
	Good:   shimGood,
	Source: "containernetworking/cni:libcni/api.go (CheckNetworkList, GCNetworkList)",
	Dir: func(p *DirPass) {
		for _, o := range p.outers() {
			if o.inner == nil {
				continue
			}
			for _, flag := range [...]string{"disableCheck", "disableGC"} {
				mine, theirs := o.conf.Root.Get(flag), (*jsondoc.Node)(nil)
				if o.inner.Kind == List {
					theirs = o.inner.Root.Get(flag)
				}
				if set(mine) == set(theirs) {
					continue
				}
				word, at := "is not set", o.conf.Root
				if mine != nil {
					at = mine
				}
				if set(mine) {
					word = "is set"
				}
				p.value(diag.Warning, o.entry.Path, at, "", "%s %s here, and otherwise in %s", flag, word, o.wrapped.Name)
			}
		}
	},
}

var _ = add(&shimFlagDiffers)

// set tells a flag that libcni reads as true: it takes the word in quotes, too.
func set(n *jsondoc.Node) bool {
	return n.True() || n.Is(jsondoc.String) && strings.EqualFold(n.Str(), "true")
}

var shimSubdirPlugins = Rule{
	ID: "shim-subdir-plugins", Title: "the shim's list does not set loadOnlyInlinedPlugins", Severity: diag.Warning,
	Doc:    "libcni 1.3 appends <name>/*.conf to every list of that name: to the shim's own, and to the wrapped one, so those plugins run twice. Where there is no such directory the flag is only a precaution (info).",
	Fix:    `add "loadOnlyInlinedPlugins": true`,
	Bad:    "-- 00-cni-shim.conflist --\n«{»" + `"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "cni-shim", "capabilities": {"portMappings": true}}]}` + shimInner + "\n-- lab/10-tuning.conf --\n" + `{"type": "tuning"}`,
	Good:   shimGood,
	Source: "containernetworking/cni:libcni/conf.go (NetworkConfFromFile)",
	Dir: func(p *DirPass) {
		for _, o := range p.outers() {
			if o.conf.Kind != List || o.conf.inlinedOnly() {
				continue
			}
			s, message := diag.Info, "loadOnlyInlinedPlugins is not set: plugins of a directory named like the network would run twice"
			if len(o.conf.Sub.Files) > 0 {
				s, message = diag.Warning, "loadOnlyInlinedPlugins is not set: the plugins of the directory named like the network run twice"
			}
			p.value(s, o.entry.Path, o.conf.Root, "", "%s", message)
		}
	},
}

var _ = add(&shimSubdirPlugins)

var shimNothingToWrap = Rule{
	ID: "shim-nothing-to-wrap", Title: "the shim finds no chain to run", Severity: diag.Error,
	Doc:    "The shim's list refers to this directory, and there is no other configuration in it: the add-on's file is gone, or was renamed by another add-on, as Cilium does unless its cni.exclusive is false. Every ADD fails.",
	Fix:    "bring the add-on's configuration back, or remove the shim's list",
	Bad:    "-- 00-cni-shim.conflist --\n«{»" + `"cniVersion": "1.0.0", "name": "lab", "loadOnlyInlinedPlugins": true, "plugins": [{"type": "cni-shim"}]}`,
	Good:   shimGood,
	Source: "cilium/cilium:Documentation (cni.exclusive)",
	Dir: func(p *DirPass) {
		for _, o := range p.outers() {
			n := o.shim.Node.Get("chain")
			switch {
			case o.here && o.wrapped == nil:
				p.value(diag.Error, o.entry.Path, o.conf.Root, "", "there is no other configuration in the directory that the shim could run%s", p.renamedOther())
			case n.Is(jsondoc.String) && !o.here && o.wrapped == nil && p.isHere(filepath.Dir(n.Str())):
				p.value(diag.Error, o.entry.Path, n, "", "%s does not exist", n.Str())
			}
		}
	},
}

var _ = add(&shimNothingToWrap)

// renamedOther tells of a configuration that another add-on has put out of the way.
func (p *DirPass) renamedOther() string {
	for _, e := range p.Entries {
		if !e.Candidate && source.LooksLikeCNI(e.Text) && !namesShim(e.Text) {
			return "; " + e.Name + " is one, under a name that is not read"
		}
	}
	return ""
}

var shimRenamed = Rule{
	ID: "shim-renamed", Title: "the shim's own list was renamed", Severity: diag.Warning,
	Doc:    "Another add-on has renamed the shim's list, so no runtime reads it and the shim does not run. Cilium does so with every configuration that is not its own, unless its cni.exclusive is false.",
	Fix:    "set cni.exclusive to false in Cilium's configuration, then rename the file back",
	Bad:    "-- 00-cni-shim.conflist.cilium_bak --\n«{»" + `"cniVersion": "1.0.0", "name": "lab", "loadOnlyInlinedPlugins": true, "plugins": [{"type": "cni-shim"}]}` + shimInner,
	Good:   shimGood,
	Source: "cilium/cilium:Documentation (cni.exclusive)",
	Dir: func(p *DirPass) {
		for _, e := range p.Entries {
			if !e.Candidate && !e.IsDir() && p.shimRenamed(e) {
				p.top(diag.Warning, e.Path, "", "no runtime reads %s, so the shim does not run", e.Name)
			}
		}
	},
}

var _ = add(&shimRenamed)

// shimRenamed tells the shim's own list under a name that is not read, while no other list of the shim's is.
func (d *Dir) shimRenamed(e *source.Entry) bool {
	return source.LooksLikeCNI(e.Text) && namesShim(e.Text) && len(d.outers()) == 0
}

var shimAppendedPlugin = Rule{
	ID: "shim-appended-plugin", Title: "another plugin stands behind the shim", Severity: diag.Info,
	Doc:    "Service meshes append their plugin to the first list, which is the shim's. The runtime runs it itself, after the chain that the shim runs, so its failures do not pass through the shim.",
	Fix:    "nothing need be done; to have it told too, move it into the wrapped list",
	Bad:    "-- 00-cni-shim.conflist --\n" + `{"cniVersion": "1.0.0", "name": "lab", "loadOnlyInlinedPlugins": true, "plugins": [{"type": "cni-shim", "capabilities": {"portMappings": true}}, {"type": «"istio-cni"»}]}` + shimInner,
	Good:   shimGood,
	Source: "istio/istio:cni/pkg/install (chained into the first configuration)",
	Dir: func(p *DirPass) {
		for _, o := range p.outers() {
			for i, pl := range o.conf.Chain {
				if pl == o.shim {
					for _, behind := range o.conf.Chain[i+1:] {
						if behind.TypeNode != nil {
							p.value(diag.Info, o.entry.Path, behind.TypeNode, "", "%s is run by the runtime, after the chain that the shim runs", behind.Type)
						}
					}
				}
			}
		}
	},
}

var _ = add(&shimAppendedPlugin)

var shimObserves = Rule{
	ID: "shim-observes", Title: "the shim stands bare in a list", Severity: diag.Info,
	Doc:    "Without a chain of its own, in a list with a plugin that makes an interface, the shim checks and logs that list, and the runtime runs the others itself: their failures do not pass through the shim.",
	Fix:    `to have failures told, move the others into the shim's entry: "chain": { "plugins": [ … ] }`,
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": «"cni-shim"»}, {"type": "bridge"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "cni-shim", "chain": {"plugins": [{"type": "bridge"}]}}]}`,
	Source: "containernetworking/cni:SPEC.md (section 3)",
	Check: func(p *Pass) {
		if pl := p.own(); pl != nil && pl.TypeNode != nil && p.bare() {
			p.value(pl.TypeNode, "", "the shim has no chain here, so it only checks and logs the other plugins, which the runtime runs")
		}
	},
}

var _ = add(&shimObserves)

var shimEntryInvalid = Rule{
	ID: "shim-entry-invalid", Title: "a key of the shim's entry that cannot be used", Severity: diag.Error,
	Doc:    "chain is a directory, a file, both as absolute paths, or the configuration itself; statusFile and stateDir are absolute paths; timeouts are durations. Every ADD fails with another.",
	Fix:    "write the key as README describes it",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "cni-shim", "chain": «"net.d"»}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "cni-shim", "chain": "/etc/cni/net.d"}]}`,
	Source: "README.md (The shim's own entry)",
	Check: func(p *Pass) {
		pl := p.own()
		if pl == nil {
			return
		}
		_, err := config.Parse([]byte(pl.Node.Raw()))
		e, ok := err.(*config.Error)
		if !ok {
			return
		}
		n, fields := pl.Node, known.Lookup(config.Type).Fields
		for _, key := range strings.Split(e.Key, ".") {
			k, f := n.Get(key), known.Find(fields, key)
			if k == nil || f == nil {
				break
			}
			if kind, _ := wanted(f.Type); f.Type != known.Any && k.Kind != kind {
				return // told as a field of the wrong type
			}
			n, fields = k, f.Fields
		}
		p.value(n, e.Fix, "%s", e.Cause)
	},
}

var _ = add(&shimEntryInvalid)
