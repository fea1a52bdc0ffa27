// Package known is what is known of network plugins: the fields they read, of which type and range, what they need
// and when they run. The checks, and the JSON Schema for editors, take it from here. A plugin that is not listed is
// free to have what fields it likes.
package known

import "slices"

// Type is what a field must hold.
type Type uint8

// The types of fields. All of them take null for "not given".
const (
	Any    Type = iota
	Bool        // true or false
	Int         // a whole number
	Uint        // a whole number that is not negative
	String      //
	IP          // a string: an address with no prefix length
	CIDR        // a string: an address and its prefix length
	MAC         // a string: a hardware address
	Iface       // a string: an interface's name, at most 15 characters
	Object      // with Fields
	Array       // of Elem
	Map         // from strings to Elem
)

// Field is one key of a plugin's configuration. The zero value of a bound means that there is none.
type Field struct {
	Name     string
	Type     Type
	Elem     *Field   // of an Array or a Map
	Fields   []Field  // of an Object; nil where any key may stand
	Enum     []string // the words it may be; case counts
	Min, Max int64    // of a number; Max 0 with Min 0 means no bound
	Zero     bool     // 0 is also right, below Min
	Required bool     // the plugin refuses to run without it
	Doc      string
}

// Plugin is one network plugin or one IPAM plugin.
type Plugin struct {
	Type       string
	Fields     []Field // without those of every plugin, see Common
	Complete   bool    // Fields holds all that it reads, so another key close to one of them is a slip
	Chained    bool    // needs a previous result; creates no interface
	IPAM       bool    // runs as another plugin's ipam
	PassesIPAM bool    // hands its ipam object on unchanged, to the IPAM plugin that it names
	NeedsIPAM  bool    // refuses to run without ipam
	Since      string  // the lowest cniVersion it answers; "" for all
	Capability string  // the one that it does nothing without
	Doc        string
}

// Field finds a field by its name without regard to case, as encoding/json does; nil when there is none.
func (p *Plugin) Field(name string) *Field { return find(p.Fields, name) }

// Lookup finds a network plugin; nil when it is not known, or known by its name only.
func Lookup(name string) *Plugin { return lookup(name, false) }

// Chained reports whether a plugin is known to need a previous result: it cannot start a chain, and makes no interface.
func Chained(name string) bool {
	p := Lookup(name)
	return p != nil && p.Chained
}

// LookupIPAM finds an IPAM plugin.
func LookupIPAM(name string) *Plugin { return lookup(name, true) }

func lookup(name string, ipam bool) *Plugin {
	for _, list := range [...][]Plugin{reference, ipams, others} {
		for i := range list {
			if list[i].Type == name && list[i].IPAM == ipam {
				return &list[i]
			}
		}
	}
	return nil
}

// Plugins returns what is known, network plugins first. The slice is the caller's, the plugins are not.
func Plugins() []*Plugin {
	var all []*Plugin
	for _, list := range [...][]Plugin{reference, others, ipams} {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	return all
}

// Heard tells the types of all plugins heard of, those of which nothing else is known included.
func Heard(name string, ipam bool) bool {
	names := pluginNames
	if ipam {
		names = ipamNames
	}
	return lookup(name, ipam) != nil || slices.Contains(names, name)
}

// Versions are the versions of the CNI specification, in order.
var Versions = []string{"0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"}

// Capabilities are the arguments that a runtime may pass, as containerd, CRI-O, podman and nerdctl do.
var Capabilities = []string{
	"portMappings", "bandwidth", "ipRanges", "ips", "mac", "dns", "aliases", "deviceID", "infinibandGUID", "cgroupPath",
	"io.kubernetes.cri.pod-annotations", "CNIDeviceInfoFile",
}

// List is the keys of a configuration list; they are case sensitive.
var List = []Field{
	{Name: "cniVersion", Type: String, Enum: Versions, Doc: "version of the CNI specification"},
	{Name: "cniVersions", Type: Array, Elem: &Field{Type: String}, Doc: "all versions that the list works with; the runtime takes the highest it knows"},
	{Name: "name", Type: String, Required: true, Doc: "name of the network, unique on the node"},
	{Name: "disableCheck", Type: Bool, Doc: "the runtime must not call CHECK"},
	{Name: "disableGC", Type: Bool, Doc: "the runtime must not call GC"},
	{Name: "loadOnlyInlinedPlugins", Type: Bool, Doc: "plugins of the directory <name>/ are not added"},
	{Name: "plugins", Type: Array, Elem: &Field{Type: Object}, Doc: "the chain, in the order in which it runs"},
}

// Common is the keys that every plugin's configuration may have.
var Common = []Field{
	{Name: "cniVersion", Type: String, Doc: "set by the runtime to the list's"},
	{Name: "name", Type: String, Doc: "set by the runtime to the list's"},
	{Name: "type", Type: String, Required: true, Doc: "file name of the program"},
	{Name: "capabilities", Type: Map, Elem: &Field{Type: Bool}, Doc: "what the runtime passes to this plugin"},
	{Name: "ipam", Type: Object, Fields: []Field{{Name: "type", Type: String}}, Doc: "address management"},
	{Name: "dns", Type: Object, Fields: dns, Doc: "resolver of the pod, where the runtime uses it"},
	{Name: "args", Type: Any},
	{Name: "runtimeConfig", Type: Any},
	{Name: "prevResult", Type: Any},
	{Name: "cni.dev/valid-attachments", Type: Any},
}

var dns = []Field{
	{Name: "nameservers", Type: Array, Elem: &Field{Type: String}},
	{Name: "domain", Type: String},
	{Name: "search", Type: Array, Elem: &Field{Type: String}},
	{Name: "options", Type: Array, Elem: &Field{Type: String}},
}
