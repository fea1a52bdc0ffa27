package rules

import (
	"math"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/known"
)

// fields calls visit for every value of the plugins whose field is known, IPAM's included. Values that an installer
// still fills in are passed over, null too.
func (c *Conf) fields(visit func(pl *Plugin, n *jsondoc.Node, f *known.Field)) {
	for _, pl := range c.Plugins {
		each := func(n *jsondoc.Node, f *known.Field) { visit(pl, n, f) }
		for _, n := range pl.Node.Kids {
			if f := known.Find(known.Common, n.Key); f != nil {
				c.field(n, f, each)
			} else if pl.Known != nil {
				if f := pl.Known.Field(n.Key); f != nil {
					c.field(n, f, each)
				}
			}
		}
		if pl.IPAMs == nil || !pl.passes() && pl.IPAMs.Complete {
			continue
		}
		for _, n := range pl.IPAM.Kids {
			if f := pl.IPAMs.Field(n.Key); f != nil {
				c.field(n, f, each)
			}
		}
	}
}

// hasExact tells whether the object has the key in just that case. Answers are remembered: an object may have very
// many twins.
func (c *Conf) hasExact(object *jsondoc.Node, key string) bool {
	q := member{object, key}
	has, ok := c.exact[q]
	if !ok {
		if c.exact == nil {
			c.exact = map[member]bool{}
		}
		has = object.Get(key) != nil
		c.exact[q] = has
	}
	return has
}

func (c *Conf) field(n *jsondoc.Node, f *known.Field, each func(*jsondoc.Node, *known.Field)) {
	if n.Kind == jsondoc.Null || c.hole(n) || f.Name != "" && n.Key != f.Name && c.hasExact(n.Parent, f.Name) {
		return // the last: a twin in another case, which does not count
	}
	each(n, f)
	switch {
	case f.Type == known.Object && n.Kind == jsondoc.Object:
		for _, k := range n.Kids {
			if inner := known.Find(f.Fields, k.Key); inner != nil {
				c.field(k, inner, each)
			}
		}
	case f.Type == known.Array && n.Kind == jsondoc.Array, f.Type == known.Map && n.Kind == jsondoc.Object:
		for _, k := range n.Kids {
			if f.Elem != nil {
				c.field(k, f.Elem, each)
			}
		}
	}
}

// passes tells whether the plugin hands its ipam on as it stands, so that the IPAM plugin's own rules hold.
func (pl *Plugin) passes() bool {
	return pl.Known != nil && pl.IPAM != nil && (pl.Known.PassesIPAM || pl.Type == "calico" && pl.IPAMType == "calico-ipam")
}

// label names a value in a message: by its key, or that of the array it is in.
func label(n *jsondoc.Node) string {
	if name := keyOf(n); name == "" {
		return "the value"
	} else if n.KeyEnd > n.KeyStart {
		return `"` + name + `"`
	} else {
		return `an element of "` + name + `"`
	}
}

// keyOf is the key of a value, or that of the array it is in.
func keyOf(n *jsondoc.Node) string {
	for ; n != nil; n = n.Parent {
		if n.KeyEnd > n.KeyStart {
			return n.Key
		}
	}
	return ""
}

func wanted(t known.Type) (jsondoc.Kind, string) {
	switch t {
	case known.Bool:
		return jsondoc.Bool, "true or false"
	case known.Int, known.Uint:
		return jsondoc.Number, "a whole number"
	case known.Object, known.Map:
		return jsondoc.Object, "an object"
	case known.Array:
		return jsondoc.Array, "an array"
	}
	return jsondoc.String, "a string"
}

var fieldType = Rule{
	ID: "field-type", Title: "a field of the wrong type", Severity: diag.Error, Refuses: true,
	Doc:    "The plugin decodes its configuration into fixed types and refuses every ADD when one does not fit: a number in quotes, \"true\" for true, an object where an array of arrays is wanted. Where the field is one of every plugin (ipam, capabilities, dns, name), libcni refuses the file itself.",
	Fix:    "write the value in the type that the field has",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "mtu": «"1450"»}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "mtu": 1450}]}`,
	Source: "containernetworking/cni:pkg/types/types.go; the configuration structs of the plugin concerned",
	Check: func(p *Pass) {
		p.fields(func(pl *Plugin, n *jsondoc.Node, f *known.Field) {
			kind, word := wanted(f.Type)
			if f.Type == known.Any {
				return
			}
			if n.Kind != kind {
				p.value(n, typeFix(n, f), "%s must be %s, not %s", label(n), word, n.Kind)
				return
			}
			if f.Type == known.Int || f.Type == known.Uint {
				if v, err := strconv.ParseFloat(n.Raw(), 64); err == nil && v != math.Trunc(v) {
					p.value(n, "", "%s must be a whole number, not %s", label(n), n.Raw())
				}
			}
		})
	},
}

var _ = add(&fieldType)

func typeFix(n *jsondoc.Node, f *known.Field) string {
	raw := n.Raw()
	switch f.Type {
	case known.Bool:
		if n.Kind == jsondoc.String && isBoolWord(n.Str()) {
			return "write " + strings.ToLower(n.Str()) + " without quotes"
		}
		return "write true or false"
	case known.Int, known.Uint:
		if _, err := strconv.Atoi(n.Str()); err == nil {
			return "write " + n.Str() + " without quotes"
		}
		return "write a number"
	case known.Object, known.Map:
		if n.Kind == jsondoc.String && f.Name == "ipam" {
			return `write { "type": ` + raw + ` }`
		}
		if n.Kind == jsondoc.String && keyOf(n) == "routes" {
			return `write { "dst": ` + raw + ` }`
		}
		return "write an object: { … }"
	case known.Array:
		if keyOf(n) == "ranges" && n.Kind == jsondoc.Object {
			return "put each range set into brackets of its own: [ [ { … } ] ]"
		}
		return "put it in brackets: [ … ]"
	}
	if n.Kind < jsondoc.Array {
		return "put it in double quotes"
	}
	return "write a string"
}

var fieldRange = Rule{
	ID: "field-range", Title: "a number outside its range", Severity: diag.Error,
	Doc:    "The plugin or the kernel refuses the number, and with it every ADD: an MTU below 68 or above 65535, a VLAN above 4094, a mark bit above 31.",
	Fix:    "write a number within the range",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "vlan": «4095»}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "vlan": 4094}]}`,
	Source: "containernetworking/plugins:plugins/main/bridge/bridge.go, main/vlan/vlan.go, meta/portmap/main.go, meta/bandwidth/main.go",
	Check: func(p *Pass) {
		p.fields(func(pl *Plugin, n *jsondoc.Node, f *known.Field) {
			if n.Kind != jsondoc.Number || f.Type != known.Int && f.Type != known.Uint {
				return
			}
			v, err := strconv.ParseFloat(n.Raw(), 64)
			if err != nil || math.Abs(v) >= 1<<63 || v == 0 && f.Zero {
				return
			}
			least := math.Inf(-1)
			if f.Name == "maxID" {
				if lo := n.Parent.Fold("minID"); lo.Is(jsondoc.Number) {
					least, _ = strconv.ParseFloat(lo.Raw(), 64)
				}
			}
			switch {
			case v < least:
				p.value(n, "swap minID and maxID", "maxID %s is less than minID", n.Raw())
			case f.Type == known.Uint && v < 0:
				p.value(n, "", "%s is %s; it must not be negative", label(n), n.Raw())
			case f.Max != 0 && (v < float64(f.Min) || v > float64(f.Max)):
				or := ""
				if f.Zero {
					or = ", or 0 for the default"
				}
				p.value(n, "write a number from "+strconv.FormatInt(f.Min, 10)+" to "+strconv.FormatInt(f.Max, 10)+or, "%s is %s; %s takes %d to %d%s", label(n), n.Raw(), pl.Type, f.Min, f.Max, or)
			}
		})
	},
}

var _ = add(&fieldRange)

var fieldEnum = Rule{
	ID: "field-enum", Title: "a word that the plugin does not know", Severity: diag.Error,
	Doc:    "The field takes certain words only, in lower case, and the plugin refuses every ADD with another.",
	Fix:    "write one of the words that the plugin knows",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "ipvlan", "mode": «"L2"»}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "ipvlan", "mode": "l2"}]}`,
	Source: "containernetworking/plugins:plugins/main/macvlan/macvlan.go, main/ipvlan/ipvlan.go, meta/firewall, meta/portmap, pkg/ip/ipmasq_linux.go",
	Check: func(p *Pass) {
		p.fields(func(pl *Plugin, n *jsondoc.Node, f *known.Field) {
			if f.Enum == nil || n.Kind != jsondoc.String || slices.Contains(f.Enum, n.Str()) {
				return
			}
			fix := ""
			if near := known.Near(n.Str(), f.Enum); near != "" {
				fix = `write "` + near + `"`
			}
			p.value(n, fix, "%s is %q; %s takes %s", label(n), n.Str(), pl.Type, orList(f.Enum))
		})
	},
}

var _ = add(&fieldEnum)

func orList(words []string) string {
	var w []string
	for _, s := range words {
		if s != "" {
			w = append(w, s)
		}
	}
	if len(w) < 2 {
		return strings.Join(w, "")
	}
	return strings.Join(w[:len(w)-1], ", ") + " or " + w[len(w)-1]
}

var fieldRequired = Rule{
	ID: "field-required", Title: "a field is missing that the plugin insists on", Severity: diag.Error,
	Doc:    "vlan needs master, vrf vrfname, host-device one of device, hwaddr, kernelpath and pciBusID (or the deviceID capability), multus delegates or clusterNetwork, whereabouts range or ipRanges, ptp and dummy ipam. Without it every ADD fails.",
	Fix:    "add the field",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [«{»"type": "vlan", "vlanId": 5}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "vlan", "master": "eth0", "vlanId": 5}]}`,
	Source: "containernetworking/plugins:plugins/main/vlan, main/host-device, meta/vrf, main/ptp, main/dummy; k8snetworkplumbingwg/multus-cni:pkg/types/conf.go; k8snetworkplumbingwg/whereabouts#243",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			if pl.Known == nil {
				continue
			}
			for _, f := range pl.Known.Fields {
				if n := pl.Node.Fold(f.Name); f.Required && (n == nil || n.Is(jsondoc.String) && n.Str() == "") {
					p.value(pl.Node, `add "`+f.Name+`"`, "%s needs %q", pl.Type, f.Name)
				}
			}
			if pl.Known.NeedsIPAM && pl.Node.Fold("ipam") == nil {
				p.value(pl.Node, `add "ipam": { "type": … }`, `%s needs "ipam"`, pl.Type)
			}
			if pl.Type == "host-device" && !pl.has("device", "hwaddr", "kernelpath", "pciBusID") && !pl.capable("deviceID") && pl.Node.Fold("runtimeConfig") == nil && !p.Manifest {
				p.value(pl.Node, "", `host-device needs one of "device", "hwaddr", "kernelpath" and "pciBusID"`)
			}
			if pl.Type == "multus" && (pl.Parent == nil || pl.Parent.Type != "multus") && len(kids(pl.Node.Fold("delegates"))) == 0 && !pl.has("clusterNetwork") {
				p.value(pl.Node, "", `multus needs "delegates" or "clusterNetwork"`)
			}
			for _, v := range kids(pl.Node.Fold("vlanTrunk")) {
				if lo, hi := v.Fold("minID"), v.Fold("maxID"); pl.Type == "bridge" && (lo == nil) != (hi == nil) {
					p.value(v, "", `bridge wants "minID" and "maxID" together`)
				}
			}
			if pl.IPAMType == "whereabouts" && pl.IPAM.Fold("range") == nil && pl.IPAM.Fold("ipRanges") == nil {
				p.value(pl.IPAM, "", `whereabouts needs "range" or "ipRanges"`)
			}
		}
	},
}

var _ = add(&fieldRequired)

// has tells whether one of the fields is given and not empty.
func (pl *Plugin) has(names ...string) bool {
	for _, name := range names {
		if n := pl.Node.Fold(name); n != nil && !(n.Kind == jsondoc.String && n.Str() == "") {
			return true
		}
	}
	return false
}

// capable tells whether the plugin declares the capability.
func (pl *Plugin) capable(name string) bool { return pl.Node.Fold("capabilities").Get(name).True() }

var fieldConflict = Rule{
	ID: "field-conflict", Title: "two options that exclude each other", Severity: diag.Error,
	Doc:    "bridge refuses hairpinMode with promiscMode, and ipam with disableContainerInterface; portmap refuses externalSetMarkChain with markMasqBit, and options in the syntax of one backend with the other.",
	Fix:    "drop one of the two",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "hairpinMode": true, «"promiscMode"»: true}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "hairpinMode": true}]}`,
	Source: "containernetworking/plugins:plugins/main/bridge/bridge.go; plugins/meta/portmap/main.go",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			switch get := pl.Node.Fold; pl.Type {
			case "bridge":
				if a, b := get("hairpinMode"), get("promiscMode"); a.True() && b.True() {
					p.conflict(a, b, "bridge takes hairpinMode or promiscMode, not both")
				}
				if b := get("disableContainerInterface"); b.True() && pl.IPAMType != "" {
					p.conflict(pl.IPAM, b, "bridge takes no ipam where disableContainerInterface is set")
				}
			case "portmap":
				chain := get("externalSetMarkChain")
				if b := get("markMasqBit"); chain != nil && b != nil {
					p.conflict(chain, b, "portmap takes externalSetMarkChain or markMasqBit, not both")
				}
				backend := get("backend").Str()
				if backend == "nftables" && chain != nil {
					p.conflict(get("backend"), chain, "externalSetMarkChain is an option of the iptables backend, and nftables is asked for")
				}
				for _, key := range [...]string{"conditionsV4", "conditionsV6"} {
					n := get(key)
					if syntax := conditionSyntax(n); syntax != "" && backend != "" && syntax != backend {
						p.key(n, "write the conditions for "+backend+", or drop backend", "%s is in the syntax of %s, and the backend is %s", key, syntax, backend)
					}
				}
			}
		}
	},
}

var _ = add(&fieldConflict)

// conflict reports the later of two options.
func (p *Pass) conflict(a, b *jsondoc.Node, message string) {
	if a.KeyStart > b.KeyStart {
		b = a
	}
	p.key(b, "", "%s", message)
}

// conditionSyntax tells whose syntax portmap takes a list of conditions for: iptables writes options with hyphens and
// a lone "!".
func conditionSyntax(n *jsondoc.Node) string {
	if len(kids(n)) == 0 {
		return ""
	}
	for _, k := range n.Kids {
		if s := k.Str(); s == "!" || strings.HasPrefix(s, "-") {
			return "iptables"
		}
	}
	return "nftables"
}

var ifaceNameInvalid = Rule{
	ID: "iface-name-invalid", Title: "an interface's name that the kernel refuses", Severity: diag.Error,
	Doc:    "A name has 1 to 15 bytes, no slash, no colon, no white space, and is neither . nor ..",
	Fix:    "use at most 15 letters and digits",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "bridge": «"a-really-long-name"»}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "bridge": "lab0"}]}`,
	Source: "containernetworking/cni:pkg/utils/utils.go (ValidateInterfaceName); containernetworking/plugins:plugins/main/bridge/bridge.go",
	Check: func(p *Pass) {
		p.fields(func(pl *Plugin, n *jsondoc.Node, f *known.Field) {
			s := n.Str()
			if f.Type != known.Iface || n.Kind != jsondoc.String || f.Required && s == "" {
				return
			}
			switch {
			case s == "" && (f.Name == "bridge" && pl.Type == "bridge"):
				p.value(n, "", "%s is empty", label(n))
			case len(s) > 15:
				p.value(n, "", "the interface name %q has %d bytes; the kernel takes 15", s, len(s))
			case s == "." || s == ".." || strings.ContainsAny(s, "/: \t\n\r\v\f"):
				p.value(n, "", "%q is no name of an interface", s)
			}
		})
	},
}

var _ = add(&ifaceNameInvalid)

var macInvalid = Rule{
	ID: "mac-invalid", Title: "a hardware address that does not parse", Severity: diag.Error,
	Doc:    "An Ethernet address has six bytes: c2:11:22:33:44:55. The plugin refuses every ADD with another.",
	Fix:    "write six bytes in hexadecimal, separated by colons",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "macvlan", "mac": «"c2:11:22:33:44"»}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "macvlan", "mac": "c2:11:22:33:44:55"}]}`,
	Source: "containernetworking/plugins:plugins/meta/tuning/tuning.go; net.ParseMAC",
	Check: func(p *Pass) {
		p.fields(func(_ *Plugin, n *jsondoc.Node, f *known.Field) {
			if f.Type == known.MAC && n.Kind == jsondoc.String && n.Str() != "" {
				if _, err := net.ParseMAC(n.Str()); err != nil {
					p.value(n, "", "%q is no hardware address", n.Str())
				}
			}
		})
	},
}

var _ = add(&macInvalid)

var sysctlInvalid = Rule{
	ID: "sysctl-invalid", Title: "a sysctl outside net", Severity: diag.Error,
	Doc:    "tuning sets sysctls of the pod's network namespace only, net.*, and refuses every ADD that asks for another.",
	Fix:    "use the pod's securityContext.sysctls for the others",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}, {"type": "tuning", "sysctl": {«"kernel.msgmax"»: "65536"}}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}, {"type": "tuning", "sysctl": {"net.core.somaxconn": "512"}}]}`,
	Source: "containernetworking/plugins:plugins/meta/tuning/tuning.go (getSysctlFilename)",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			if pl.Type != "tuning" {
				continue
			}
			for _, k := range kids(pl.Node.Fold("sysctl")) {
				if path := strings.ReplaceAll(k.Key, ".", "/"); !strings.HasPrefix(path, "net/") || strings.Contains(path, "/../") {
					p.key(k, "", "tuning sets net.* only, not %q", k.Key)
				}
			}
		}
	},
}

var _ = add(&sysctlInvalid)

var bandwidthRateBurst = Rule{
	ID: "bandwidth-rate-burst", Title: "a rate without its burst", Severity: diag.Error,
	Doc:    "bandwidth wants both or neither for each direction, and refuses every ADD otherwise.",
	Fix:    "give both",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}, {"type": "bandwidth", «"ingressRate"»: 1000000}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}, {"type": "bandwidth", "ingressRate": 1000000, "ingressBurst": 1000000}]}`,
	Source: "containernetworking/plugins:plugins/meta/bandwidth/main.go (validateRateAndBurst)",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			if pl.Type != "bandwidth" {
				continue
			}
			for _, way := range [...]string{"ingress", "egress"} {
				rate, burst := pl.Node.Fold(way+"Rate"), pl.Node.Fold(way+"Burst")
				switch {
				case given(rate) && !given(burst):
					p.key(rate, `add "`+way+`Burst"`, "%sRate is set and %sBurst is not", way, way)
				case given(burst) && !given(rate):
					p.key(burst, `add "`+way+`Rate"`, "%sBurst is set and %sRate is not", way, way)
				}
			}
		}
	},
}

var _ = add(&bandwidthRateBurst)

// given tells a number that is there and not 0.
func given(n *jsondoc.Node) bool {
	if n == nil {
		return false
	}
	v, err := strconv.ParseFloat(n.Raw(), 64)
	return err != nil || v != 0
}
