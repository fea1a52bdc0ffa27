// Package outer makes the shim's own list, the one that the runtime reads, out of the chain that it wraps. Whoever installs the
// shim and whoever keeps the list true ask here, so they write the same.
package outer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/containernetworking/cni/libcni"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/config"
)

// Name is the file's: it sorts first, so that runtimes use it.
const Name = "00-cni-shim.conflist"

// The versions of the list: old runtimes take the first, new ones the highest of the others that they know (SPEC 1.1, section 1).
const cniVersion = "1.0.0"

var cniVersions = []string{"0.4.0", "1.0.0", "1.1.0"}

// capabilities are those that runtimes and meta-plugins pass (containerd, CRI-O, podman, nerdctl, multus). One that no plugin of
// the chain declares costs nothing: the shim hands each plugin what that plugin declares.
var capabilities = []string{
	"CNIDeviceInfoFile", "aliases", "bandwidth", "cgroupPath", "deviceID", "dns", "infinibandGUID",
	"io.kubernetes.cri.pod-annotations", "ipRanges", "ips", "mac", "portMappings",
}

// derived are the keys of the list that it gets from the chain, or that are the same in every list of the shim's.
var derived = []string{"cniVersion", "cniVersions", "name", "disableCheck", "disableGC", "loadOnlyInlinedPlugins", "plugins"}

// ErrForeign is a list that the shim does not stand in: it is not the shim's to write.
var ErrForeign = errors.New("the shim does not stand in it")

// List is the shim's list as somebody left it.
type List struct {
	Name    string // of the network
	keys    *object
	plugins []json.RawMessage // as they stand in the text; libcni's own have lost the order of keys and the digits of numbers
	types   []string          // of the plugins
	at      int               // the shim's place among them, the first
}

// Parse reads a list that libcni takes and the shim stands in. Another error than ErrForeign is libcni's refusal.
func Parse(text []byte) (*List, error) {
	conf, err := libcni.NetworkConfFromBytes(text)
	if err != nil {
		return nil, err
	}
	l := &List{Name: conf.Name, keys: parseObject(text)}
	for _, p := range conf.Plugins {
		l.types = append(l.types, p.Network.Type)
	}
	l.at = slices.Index(l.types, config.Type)
	if l.at < 0 || json.Unmarshal(l.keys.get("plugins"), &l.plugins) != nil || l.at >= len(l.plugins) {
		return nil, ErrForeign
	}
	return l, nil
}

// Config reads the shim's entry as the shim would be given it, as config.Parse does. An entry without "chain" stands for dir, unless
// the list is bare.
func (l *List) Config(dir string) (*config.Config, error) {
	c, err := config.Parse(l.plugins[l.at])
	c.Name, c.CNIVersion = l.Name, cniVersion
	if c.Chain.IsZero() && !l.Bare() {
		c.Chain.Path = dir
	}
	return c, err
}

// Bare reports whether the shim only observes the list, by config.Bare. Such a list is an admin's own, and not the shim's to write.
func (l *List) Bare() bool { return config.Bare(l.types, l.plugins[l.at]) }

// Beside returns the types of the plugins that others have put into the list.
func (l *List) Beside() []string {
	return slices.DeleteFunc(slices.Clone(l.types), func(t string) bool { return t == config.Type })
}

// Refers tells an entry that names the chain's place, or none, from one that holds the chain itself.
func (l *List) Refers() bool {
	entry := bytes.TrimSpace(parseObject(l.plugins[l.at]).get("chain"))
	return !bytes.HasPrefix(entry, []byte("{"))
}

// Without is the list as it would be had the shim never stood in it.
func (l *List) Without() ([]byte, error) { return l.keys.with(l.beside(0, len(l.plugins))) }

// Around is another list with the plugins that stand beside the shim in this one: those before it first, those behind it last. One that
// is in it already, with the same keys and values, is not put there again.
func (l *List) Around(text []byte) ([]byte, error) {
	list := parseObject(text)
	var plugins []json.RawMessage
	if err := json.Unmarshal(list.get("plugins"), &plugins); err != nil {
		return nil, fmt.Errorf("its plugins: %w", err)
	}
	isNew := func(p json.RawMessage) bool {
		return !slices.ContainsFunc(plugins, func(q json.RawMessage) bool { return Same(p, q) })
	}
	var all [2][]json.RawMessage
	for i, beside := range [...][]json.RawMessage{l.beside(0, l.at), l.beside(l.at, len(l.plugins))} {
		for _, p := range beside {
			if isNew(p) {
				all[i] = append(all[i], p)
			}
		}
	}
	if len(all[0])+len(all[1]) == 0 {
		return text, nil
	}
	return list.with(slices.Concat(all[0], plugins, all[1]))
}

// beside is the plugins from one place to another without the shim's entries.
func (l *List) beside(from, to int) (out []json.RawMessage) {
	for i := from; i < to; i++ {
		if l.types[i] != config.Type {
			out = append(out, l.plugins[i])
		}
	}
	return out
}

// with is the list with other plugins. The error is libcni's refusal.
func (o *object) with(plugins []json.RawMessage) ([]byte, error) {
	list := &object{}
	for _, k := range o.keys {
		list.set(k, o.get(k))
	}
	list.set("plugins", compact(plugins))
	text := list.indented()
	_, err := libcni.NetworkConfFromBytes(text)
	return text, err
}

// Generate makes the list for a chain, which is found in dir. Of the list as it is, nil where there is none, it keeps as it is what
// others have put there: keys that are not derived from the chain, of the shim's entry and of the list, and plugins beside the shim.
// The result is a list that libcni takes.
func Generate(wrapped *chain.Chain, have *List, dir string) ([]byte, error) {
	entry, others, plugins, at := &object{}, &object{}, []json.RawMessage{nil}, 0
	if have != nil {
		entry, others, plugins, at = parseObject(have.plugins[have.at]), have.keys, slices.Clone(have.plugins), have.at
	}
	entry.set("type", quoted(config.Type))
	if c := entry.get("chain"); c == nil || string(c) == "null" {
		entry.set("chain", quoted(dir))
	}
	entry.set("capabilities", union(entry.get("capabilities"), wrapped))
	plugins[at] = entry.raw()

	list := &object{}
	list.set("cniVersion", quoted(cniVersion))
	list.set("cniVersions", compact(cniVersions))
	list.set("name", quoted(wrapped.Name))
	if wrapped.DisableCheck {
		list.set("disableCheck", []byte("true"))
	}
	if wrapped.DisableGC {
		list.set("disableGC", []byte("true"))
	}
	list.set("loadOnlyInlinedPlugins", []byte("true")) // else libcni runs the plugins of <dir>/<name> twice
	for _, k := range others.keys {
		if !slices.Contains(derived, k) {
			list.set(k, others.get(k))
		}
	}
	list.set("plugins", compact(plugins))
	text := list.indented()
	if _, err := Parse(text); err != nil {
		return nil, fmt.Errorf("the list that would be written: %w", err) // a name that libcni refuses in lists alone
	}
	return text, nil
}

// Same tells two texts that mean the same, whatever their spaces and the order of their keys.
func Same(a, b []byte) bool {
	x, okX := decode(a)
	y, okY := decode(b)
	return okX && okY && reflect.DeepEqual(x, y)
}

func decode(text []byte) (v any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // two long numbers are not the same for having the same float
	return v, d.Decode(&v) == nil
}

// union is what is declared already with the runtimes' keys and those of the chain's plugins, in the order of their names. An admin
// cannot take one of these away here: a plugin that declares it would no longer get it.
func union(declared json.RawMessage, wrapped *chain.Chain) json.RawMessage {
	all := map[string]json.RawMessage{}
	_ = json.Unmarshal(declared, &all) // another type than an object is none
	if all == nil {
		all = map[string]json.RawMessage{}
	}
	for _, k := range capabilities {
		all[k] = []byte("true")
	}
	for _, p := range wrapped.Plugins {
		for k, on := range p.Network.Capabilities {
			if on {
				all[k] = []byte("true")
			}
		}
	}
	out := &object{}
	for _, k := range slices.Sorted(maps.Keys(all)) {
		out.set(k, all[k])
	}
	return out.raw()
}
