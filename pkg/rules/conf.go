package rules

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/version"

	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/known"
	"github.com/cni-shim/cni-shim/pkg/source"
)

// Kind is how a runtime reads a file: by its extension.
type Kind uint8

// The kinds of configurations.
const (
	List     Kind = iota // a .conflist: a chain
	Single               // a .conf or .json: one plugin
	Fragment             // a .conf in the directory named like a network: appended to its chain
)

// KindOf tells how a runtime reads a file of that name.
func KindOf(name string) Kind {
	if strings.HasSuffix(name, ".conf") || strings.HasSuffix(name, ".json") {
		return Single
	}
	return List
}

// Conf is one network configuration, with everything that a rule may ask. Make it with New.
type Conf struct {
	Name     string // of the file, for messages
	Kind     Kind
	Manifest bool   // an installer reads it before a runtime does: its placeholders are right
	Raw      []byte // as given; findings are places in it
	Text     []byte // as libcni gets it: Raw, or of the same length with values for the placeholders
	Root     *jsondoc.Node
	Chain    []*Plugin // of the list, or the one
	Plugins  []*Plugin // the chain and the delegates inside it, as many as are judged one by one
	Version  string    // that the chain runs at; "" when there is none
	Sub      Sub       // the directory named like the network, beside the file

	faults []jsondoc.Fault
	exact  map[member]bool // see hasExact
}

// member is a key of an object.
type member struct {
	object *jsondoc.Node
	key    string
}

// Sub is what libcni 1.3 finds beside a list under the network's name.
type Sub struct {
	Path    string // of the directory or file; "" when there is nothing of that name
	NotADir bool
	Files   []string // its *.conf files
	Err     error    // why they do not load
	Culprit string   // the file that does not
}

// ReadSub looks in the directory of a list for what libcni finds there under the network's name, and returns the files
// to check.
func (c *Conf) ReadSub(dir string) []string {
	if c.Kind != List || c.Root == nil {
		return nil
	}
	list, err := libcni.NetworkConfFromBytes(c.Text)
	if err != nil || list.LoadOnlyInlinedPlugins {
		return nil
	}
	path := filepath.Join(dir, list.Name)
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	c.Sub.Path = path
	if !info.IsDir() {
		c.Sub.NotADir = true
		_, c.Sub.Err = libcni.ConfFiles(path, []string{".conf"})
		return nil
	}
	c.Sub.Files, c.Sub.Err = libcni.ConfFiles(path, []string{".conf"})
	c.Sub.Culprit = path
	for _, f := range c.Sub.Files {
		text, err := source.ReadFile(f)
		if err == nil {
			_, err = libcni.NetworkPluginConfFromBytes(text)
		}
		if err != nil && c.Sub.Err == nil {
			c.Sub.Err, c.Sub.Culprit = err, f
		}
	}
	if list.Name == "" {
		return nil // the directory itself; its files are checked on their own
	}
	return c.Sub.Files
}

// Plugin is one element of a chain, or a delegate inside one.
type Plugin struct {
	Node     *jsondoc.Node
	TypeNode *jsondoc.Node // nil when there is none, or when it is no string
	Type     string
	Known    *known.Plugin // nil when the type is not known
	Parent   *Plugin       // the meta-plugin that delegates to this one
	IPAM     *jsondoc.Node // nil when there is none
	IPAMType string
	IPAMs    *known.Plugin // the IPAM plugin, when it is known

	sets []rangeSet // of host-local, once they have been read; see ranges
	read bool
}

// New reads a configuration.
func New(name string, kind Kind, raw []byte, manifest bool) *Conf {
	c := &Conf{Name: name, Kind: kind, Raw: raw, Text: raw, Manifest: manifest}
	if manifest {
		c.Text = substitute(raw)
	}
	c.faults = jsondoc.Explain(c.Text)
	if len(c.faults) > 0 {
		return c
	}
	root, err := jsondoc.Parse(c.Text)
	if err != nil {
		return c
	}
	c.Root = root
	switch plugins := root.Get("plugins"); {
	case kind != List:
		c.add(root, nil, true)
	case plugins.Is(jsondoc.Array):
		for _, n := range plugins.Kids {
			c.add(n, nil, true)
		}
	}
	c.Version = c.effectiveVersion()
	return c
}

// Bounds of what a hostile file can have judged; no network has a tenth of it.
const (
	maxPlugins = 500  // each by itself
	maxChain   = 5000 // as a chain
)

// add notes a plugin and what it delegates to.
func (c *Conf) add(n *jsondoc.Node, parent *Plugin, inChain bool) {
	const deep = 4 // of delegates in delegates
	if n.Kind != jsondoc.Object || len(c.Chain) >= maxChain || c.Kind == Single && inChain && n.Fold("type") == nil && n.Get("plugins") != nil {
		return
	}
	p := &Plugin{Node: n, Parent: parent}
	if t := n.Fold("type"); t.Is(jsondoc.String) {
		p.TypeNode, p.Type = t, t.Str()
	}
	if p.Type == "" && parent != nil && parent.Type == "flannel" {
		p.Type = "bridge"
	}
	p.Known = known.Lookup(p.Type)
	if ipam := n.Fold("ipam"); ipam.Is(jsondoc.Object) {
		p.IPAM = ipam
		p.IPAMType = ipam.Fold("type").Str()
		p.IPAMs = known.LookupIPAM(p.IPAMType)
	}
	if inChain {
		c.Chain = append(c.Chain, p)
	}
	if len(c.Plugins) >= maxPlugins {
		return
	}
	c.Plugins = append(c.Plugins, p)
	depth := 0
	for up := p; up != nil; up = up.Parent {
		depth++
	}
	if depth > deep {
		return
	}
	switch p.Type {
	case "flannel":
		if d := n.Fold("delegate"); d.Is(jsondoc.Object) {
			c.add(d, p, false)
		}
	case "cni-shim":
		if d := n.Get("chain"); d.Get("plugins").Is(jsondoc.Array) {
			for _, e := range d.Get("plugins").Kids {
				c.add(e, p, false)
			}
		} else if d.Is(jsondoc.Object) {
			c.add(d, p, false)
		}
	case "multus":
		for _, d := range kids(n.Fold("delegates")) {
			if list := d.Get("plugins"); list.Is(jsondoc.Array) {
				for _, e := range list.Kids {
					c.add(e, p, false)
				}
			} else {
				c.add(d, p, false)
			}
		}
	}
}

func kids(n *jsondoc.Node) []*jsondoc.Node {
	if n == nil {
		return nil
	}
	return n.Kids
}

// effectiveVersion is the version at which libcni runs the chain: the highest it knows of cniVersion and cniVersions.
func (c *Conf) effectiveVersion() string {
	v := c.Root.Get("cniVersion").Str()
	if c.Kind != List {
		return c.Root.Fold("cniVersion").Str()
	}
	for _, n := range kids(c.Root.Get("cniVersions")) {
		s := n.Str()
		if gt, err := version.GreaterThan(s, version.Current()); err != nil || gt {
			continue
		}
		if v == "" {
			v = s
		} else if gt, err := version.GreaterThan(s, v); err == nil && gt {
			v = s
		} else if gt, err := version.GreaterThan(v, version.Current()); err == nil && gt {
			v = s
		}
	}
	return v
}

// atLeast tells whether the chain runs at that version or a later one; no version counts as 0.1.0, and one that
// does not parse is no version to compare.
func (c *Conf) atLeast(v string) bool {
	have := c.Version
	if have == "" {
		have = "0.1.0"
	}
	ok, err := version.GreaterThanOrEqualTo(have, v)
	return ok || err != nil
}

// substitute puts valid JSON in the place of an installer's placeholders, byte for byte: null where one stands for a
// value. One inside a string stays; rules pass over it, see hole.
func substitute(raw []byte) []byte {
	var out []byte
	inString := false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case c == '\n':
			inString = false
		case !inString && c == '_':
			n := jsondoc.PlaceholderAt(raw[i:])
			if n == 0 {
				continue
			}
			if out == nil {
				out = append([]byte(nil), raw...)
			}
			for j := i; j < i+n; j++ {
				out[j] = ' '
			}
			copy(out[i:], "null")
			i += n - 1
		}
	}
	if out == nil {
		return raw
	}
	return out
}

// hole tells whether an installer or a template still has to fill the string in; nothing can be said of it.
func (c *Conf) hole(n *jsondoc.Node) bool {
	if n == nil || n.Kind != jsondoc.String {
		return false
	}
	_, _, ok := jsondoc.Placeholder(c.Text[n.Start:n.End])
	return ok
}
