package rules

import (
	"strconv"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/known"
)

func itoa(n int) string { return strconv.Itoa(n) }

// caseTwin is a list-level member whose key is the name but for its case, where the name itself is missing.
func (c *Conf) caseTwin(name string) *jsondoc.Node {
	if c.Kind != List || c.Root.Kind != jsondoc.Object || c.Root.Get(name) != nil {
		return nil
	}
	for _, k := range c.Root.Kids {
		if strings.EqualFold(k.Key, name) {
			return k
		}
	}
	return nil
}

var keyCase = Rule{
	ID: "key-case", Title: "a list-level key in another case", Severity: diag.Warning, Refuses: true,
	Doc:    "A list's keys are case sensitive, other than those of a plugin. libcni does not see this one; where the list needs it, libcni refuses the file (error).",
	Fix:    "write the key as the specification does",
	Bad:    `{«"cniversion"»: "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/conf.go (map lookup)",
	Check: func(p *Pass) {
		for _, f := range known.List {
			if k := p.caseTwin(f.Name); k != nil {
				s := diag.Warning
				if f.Name == "name" || f.Name == "plugins" && len(p.Sub.Files) == 0 {
					s = diag.Error
				}
				p.as(s, k.KeyStart, k.KeyEnd, `write "`+f.Name+`"`, "libcni does not see %q: a list's keys are case sensitive", k.Key)
			}
		}
	},
}

var _ = add(&keyCase)

var keyMisspelled = Rule{
	ID: "key-misspelled", Title: "a key that nobody reads, close to one that is read", Severity: diag.Warning,
	Doc:    "The plugin passes over keys that it does not know, so the setting has no effect. Only plugins whose every field is known are judged.",
	Fix:    "write the key that the plugin reads",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", «"hairpin"»: true}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "hairpinMode": true}]}`,
	Source: "the configuration structs of the plugin concerned; containernetworking/cni:libcni/conf.go",
	Check: func(p *Pass) {
		if p.Kind == List && p.Root.Kind == jsondoc.Object {
			p.misspelled(p.Root, known.List, "libcni")
		}
		for _, pl := range p.Plugins {
			if pl.Known != nil && pl.Known.Complete {
				p.misspelled(pl.Node, append(append([]known.Field(nil), pl.Known.Fields...), known.Common...), pl.Type)
			}
			if pl.IPAMs != nil && pl.IPAMs.Complete && pl.passes() {
				p.misspelled(pl.IPAM, append([]known.Field{{Name: "type"}}, pl.IPAMs.Fields...), pl.IPAMType)
			}
		}
	},
}

var _ = add(&keyMisspelled)

// misspelled reports the unknown keys of an object that are close to a field, and those of the objects inside it.
func (p *Pass) misspelled(n *jsondoc.Node, fields []known.Field, reader string) {
	var names []string
	for _, f := range fields {
		if !present(n, f.Name) {
			names = append(names, f.Name)
		}
	}
	unknown := 0
	for _, k := range n.Kids {
		if f := known.Find(fields, k.Key); f != nil {
			switch e := f.Elem; {
			case k.Kind == jsondoc.Object && f.Type == known.Object && f.Fields != nil && f.Name != "ipam" && f.Name != "dns":
				p.misspelled(k, f.Fields, reader)
			case k.Kind == jsondoc.Array && e != nil:
				for _, o := range k.Kids {
					if e.Type == known.Array && o.Kind == jsondoc.Array {
						for _, r := range o.Kids {
							if r.Kind == jsondoc.Object && e.Elem.Fields != nil {
								p.misspelled(r, e.Elem.Fields, reader)
							}
						}
					} else if o.Kind == jsondoc.Object && e.Type == known.Object && e.Fields != nil {
						p.misspelled(o, e.Fields, reader)
					}
				}
			}
			continue
		}
		if unknown++; unknown > 100 { // an object of a machine's making
			return
		}
		if near := nearKey(k.Key, names); near != "" && !strings.EqualFold(near, k.Key) {
			p.key(k, `write "`+near+`"`, "%s does not read %q; %q is meant, probably", reader, k.Key, near)
		}
	}
}

func present(n *jsondoc.Node, name string) bool {
	for _, k := range n.Kids {
		if strings.EqualFold(k.Key, name) {
			return true
		}
	}
	return false
}

// synonyms are words that people write for a field, where no slip of the keyboard explains it.
var synonyms = [...][2]string{
	{"gateway", "gw"}, {"via", "gw"}, {"destination", "dst"}, {"dest", "dst"}, {"to", "dst"}, {"vlan", "vlanId"}, {"vlan_id", "vlanId"}, {"hairpin", "hairpinMode"}, {"promisc", "promiscMode"},
	{"masquerade", "ipMasq"}, {"parent", "master"}, {"version", "cniVersion"}, {"cidr", "subnet"}, {"network", "subnet"}, {"start", "rangeStart"}, {"end", "rangeEnd"}, {"sysctls", "sysctl"}, {"bridgeName", "bridge"},
	{"rate", "ingressRate"}, {"burst", "ingressBurst"}, {"defaultGateway", "isDefaultGateway"}, {"gatewayIP", "gateway"}, {"ip", "address"}, {"interface", "master"}, {"vrf", "vrfname"}, {"vrfName", "vrfname"}, {"nameserver", "nameservers"},
	{"macaddress", "mac"}, {"pciAddress", "pciBusID"}, {"route", "routes"}, {"range", "ranges"}, {"range_start", "rangeStart"}, {"range_end", "rangeEnd"},
}

func nearKey(key string, names []string) string {
	bare := strings.Trim(key, ": \t")
	for _, name := range names {
		for _, s := range synonyms {
			if strings.EqualFold(s[0], bare) && s[1] == name {
				return name
			}
		}
		if bare != key && strings.EqualFold(bare, name) {
			return name
		}
	}
	return known.Near(key, names)
}

var keyMisplaced = Rule{
	ID: "key-misplaced", Title: "a key at the wrong level", Severity: diag.Warning,
	Doc:    "The key is one that is read, but not where it stands: subnet beside ipam instead of inside it, portMappings beside capabilities, snat inside them (info). It has no effect here.",
	Fix:    "move it to where it is read",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", «"subnet"»: "10.1.0.0/16", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}]]}}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "ipam": {"type": "host-local", "subnet": "10.1.0.0/16"}}]}`,
	Source: "the configuration structs of the plugin concerned",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			p.misplaced(pl)
		}
		if p.Kind == List && p.Root.Kind == jsondoc.Object {
			for _, key := range [...]string{"ipam", "capabilities"} {
				if k := p.Root.Get(key); k.Is(jsondoc.Object) && p.isList() {
					p.key(k, "move it into the plugin that it is for", "%q is read inside a plugin, not beside plugins", key)
				}
			}
		}
	},
}

var _ = add(&keyMisplaced)

func (p *Pass) misplaced(pl *Plugin) {
	k := pl.Known
	if k == nil || !k.Complete && k.Type != "flannel" {
		return
	}
	hostLocal := known.LookupIPAM("host-local")
	for _, n := range pl.Node.Kids {
		if k.Field(n.Key) != nil || known.Find(known.Common, n.Key) != nil {
			continue
		}
		switch f := hostLocal.Field(n.Key); {
		case pl.IPAM != nil && pl.passes() && f != nil && f.Name != "name" && f.Name != "dataDir" && f.Name != "resolvConf":
			p.key(n, "move it into ipam", "%q is read inside ipam, not beside it", n.Key)
		case isCapability(n.Key) && n.Kind == jsondoc.Bool && k.Capability != "":
			p.key(n, `write "capabilities": { "`+n.Key+`": true }`, "%q is a capability and is read inside capabilities", n.Key)
		case k.Type == "flannel" && known.Lookup("bridge").Field(n.Key) != nil:
			p.key(n, "move it into delegate", "%q is read inside delegate, not beside it", n.Key)
		}
	}
	for _, n := range kids(pl.Node.Fold("capabilities")) {
		if k.Field(n.Key) != nil && !isCapability(n.Key) {
			p.as(diag.Info, n.KeyStart, n.KeyEnd, "move it beside capabilities", "%q is an option of %s, not a capability; it has no effect here", n.Key, pl.Type)
		}
	}
	if pl.IPAMs != nil && pl.IPAMs.Complete && pl.passes() {
		p.misplacedInside(pl)
	}
	for _, n := range kids(pl.IPAM) {
		if pl.IPAMs != nil && pl.IPAMs.Complete && pl.IPAMs.Field(n.Key) == nil && k.Field(n.Key) != nil && pl.Node.Fold(n.Key) == nil {
			p.key(n, "move it beside ipam", "%q is read by %s beside ipam, not inside it", n.Key, pl.Type)
		}
	}
}

// misplacedInside reports what is read in ipam itself and stands in an object of one of its lists, which has no such key and none like
// it: routes in a range.
func (p *Pass) misplacedInside(pl *Plugin) {
	for _, list := range pl.IPAM.Kids {
		f := pl.IPAMs.Field(list.Key)
		if f == nil || f.Elem == nil {
			continue
		}
		elem, objects := f.Elem, list.Kids
		if elem.Type == known.Array { // of range sets
			elem, objects = elem.Elem, nil
			for _, set := range list.Kids {
				objects = append(objects, set.Kids...)
			}
		}
		if elem.Fields == nil {
			continue
		}
		var names []string
		for _, e := range elem.Fields {
			names = append(names, e.Name)
		}
		for _, o := range objects {
			for _, k := range kids(o) {
				if pl.IPAMs.Field(k.Key) != nil && known.Find(elem.Fields, k.Key) == nil && nearKey(k.Key, names) == "" && pl.IPAM.Fold(k.Key) == nil {
					p.key(k, "move it into ipam itself", "%q is read in ipam itself, not inside its %s", k.Key, f.Name)
				}
			}
		}
	}
}

func isCapability(key string) bool {
	for _, c := range known.Capabilities {
		if c == key {
			return true
		}
	}
	return false
}
