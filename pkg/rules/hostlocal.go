package rules

import (
	"net"
	"net/netip"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
)

// rangeSet is one range set of host-local; each gives a pod one address.
type rangeSet struct {
	node   *jsondoc.Node
	ranges []addrRange
}

// addrRange is one range. A member is invalid where the text has none or one that does not parse.
type addrRange struct {
	node                     *jsondoc.Node // the object that holds it
	subnetNode               *jsondoc.Node
	startNode, endNode       *jsondoc.Node
	gatewayNode              *jsondoc.Node
	prefix                   netip.Prefix
	start, end               netip.Addr // as given, or host-local's default
	gateway                  netip.Addr
	network, first, lastAddr netip.Addr // of the subnet: its own address, and the default ends
}

// ranges reads the ranges of a plugin whose host-local gets its ipam as it stands, in the order in which host-local
// takes them: the old-style one beside the type first.
func (p *Pass) ranges(pl *Plugin) []rangeSet {
	if pl.IPAMType != "host-local" || !pl.passes() {
		return nil
	}
	if !pl.read {
		pl.sets, pl.read = p.readRanges(pl), true
	}
	return pl.sets
}

func (p *Pass) readRanges(pl *Plugin) []rangeSet {
	var sets []rangeSet
	if n := pl.IPAM.Fold("subnet"); n != nil {
		sets = append(sets, rangeSet{n, []addrRange{p.readRange(pl.IPAM)}})
	}
	for _, s := range kids(pl.IPAM.Fold("ranges")) {
		set := rangeSet{node: s, ranges: make([]addrRange, 0, len(s.Kids))}
		for _, r := range s.Kids {
			if s.Kind == jsondoc.Array && r.Kind == jsondoc.Object {
				set.ranges = append(set.ranges, p.readRange(r))
			}
		}
		sets = append(sets, set)
	}
	return sets
}

func (p *Pass) readRange(n *jsondoc.Node) addrRange {
	r := addrRange{node: n, subnetNode: n.Fold("subnet"), startNode: n.Fold("rangeStart"), endNode: n.Fold("rangeEnd"), gatewayNode: n.Fold("gateway")}
	pre, ok := parseCIDR(r.subnetNode.Str())
	if !ok {
		return r
	}
	r.prefix = pre
	r.network = pre.Masked().Addr()
	r.first = r.network.Next()
	r.lastAddr = lastOf(pre.Masked())
	r.start, r.end = r.first, r.lastAddr
	if r.lastAddr.Is4() {
		r.end = r.lastAddr.Prev() // not the broadcast address
	}
	if a, ok := parseIP(r.startNode.Str()); ok {
		r.start = a
	}
	if a, ok := parseIP(r.endNode.Str()); ok {
		r.end = a
	}
	r.gateway, _ = parseIP(r.gatewayNode.Str())
	return r
}

// eachRange calls f for every range whose subnet parses.
func (p *Pass) eachRange(f func(pl *Plugin, r addrRange)) {
	for _, pl := range p.Plugins {
		for _, set := range p.ranges(pl) {
			for _, r := range set.ranges {
				if r.prefix.IsValid() {
					f(pl, r)
				}
			}
		}
	}
}

// parseCIDR and parseIP take what package net takes, which the plugins use, and return IPv4 in its short form.
func parseCIDR(s string) (netip.Prefix, bool) {
	if s == "" {
		return netip.Prefix{}, false
	}
	if _, _, err := net.ParseCIDR(s); err != nil {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(a.Unmap(), p.Bits()-96), true
	}
	return p, true
}

func parseIP(s string) (netip.Addr, bool) {
	if s == "" {
		return netip.Addr{}, false
	}
	if net.ParseIP(s) == nil {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap(), err == nil
}

func isCIDR(s string) bool { _, _, err := net.ParseCIDR(s); return err == nil }

func isIP(s string) bool { return net.ParseIP(s) != nil }

func cidrFix(s string) string {
	if a, ok := parseIP(s); ok && a.IsUnspecified() {
		return `write "` + s + `/0"`
	} else if ok {
		return "add the prefix length: " + s + "/…"
	}
	return "write an address and its prefix length, as 10.1.0.0/16"
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := range b {
		switch bits := p.Bits() - 8*i; {
		case bits <= 0:
			b[i] = 0xff
		case bits < 8:
			b[i] |= 0xff >> bits
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

const hostLocalSource = "containernetworking/plugins:plugins/ipam/host-local/backend/allocator"

func hostLocal(ipam string) string {
	return `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "ipam": ` + ipam + `}]}`
}

var ipamNoRanges = Rule{
	ID: "ipam-no-ranges", Title: "host-local without ranges", Severity: diag.Error,
	Doc:    "host-local has neither subnet nor ranges, and the plugin no ipRanges capability by which a runtime could pass them: every ADD fails. An empty range set fails too.",
	Fix:    `add "ranges": [ [ { "subnet": "…" } ] ]`,
	Bad:    hostLocal(`«{»"type": "host-local"}`),
	Good:   hostLocal(`{"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}]]}`),
	Source: hostLocalSource + "/config.go (LoadIPAMConfig)",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			if pl.IPAMType != "host-local" || !pl.passes() || pl.capable("ipRanges") || pl.Node.Fold("runtimeConfig") != nil {
				continue
			}
			if p.Manifest && pl.Node.Fold("bridge").Str() == "kube-bridge" {
				continue // kube-router puts the node's subnet in
			}
			sets := p.ranges(pl)
			if n := pl.IPAM.Fold("ranges"); len(sets) == 0 && (n == nil || n.Kind == jsondoc.Array) {
				p.value(pl.IPAM, "", "host-local has neither subnet nor ranges")
			}
			for _, s := range sets {
				if s.node.Kind == jsondoc.Array && len(s.node.Kids) == 0 {
					p.value(s.node, "", "the range set is empty")
				}
			}
		}
	},
}

var _ = add(&ipamNoRanges)

var ipamSubnetInvalid = Rule{
	ID: "ipam-subnet-invalid", Title: "a subnet that does not parse", Severity: diag.Error,
	Doc:    "A subnet is a network address and its prefix length. usePodCidr is calico's word; host-local under another plugin refuses it, and every ADD with it.",
	Fix:    "write the network address and its prefix length",
	Bad:    hostLocal(`{"type": "host-local", "subnet": «"10.1.0.0"»}`),
	Good:   hostLocal(`{"type": "host-local", "subnet": "10.1.0.0/16"}`),
	Source: hostLocalSource + "/range.go; containernetworking/cni:pkg/types/types.go (IPNet)",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			for _, set := range p.ranges(pl) {
				for _, r := range set.ranges {
					switch n := r.subnetNode; {
					case n == nil:
						p.value(r.node, `add "subnet"`, `the range has no "subnet"`)
					case n.Kind == jsondoc.String && !p.hole(n) && !isCIDR(n.Str()):
						p.value(n, cidrFix(n.Str()), "the subnet %q is no network address with a prefix length", n.Str())
					}
				}
			}
		}
	},
}

var _ = add(&ipamSubnetInvalid)

var ipamSubnetHostBits = Rule{
	ID: "ipam-subnet-host-bits", Title: "a subnet with host bits set", Severity: diag.Error,
	Doc:    "host-local wants the network's own address, and refuses 10.1.0.5/16 where 10.1.0.0/16 is meant.",
	Fix:    "write the network's address",
	Bad:    hostLocal(`{"type": "host-local", "subnet": «"10.1.0.5/16"»}`),
	Good:   hostLocal(`{"type": "host-local", "subnet": "10.1.0.0/16"}`),
	Source: hostLocalSource + "/range.go (Canonicalize)",
	Check: func(p *Pass) {
		p.eachRange(func(_ *Plugin, r addrRange) {
			if r.network != r.prefix.Addr() && !r.tooSmall() {
				p.value(r.subnetNode, `write "`+r.prefix.Masked().String()+`"`, "the subnet %s has host bits set", r.subnetNode.Str())
			}
		})
	},
}

var _ = add(&ipamSubnetHostBits)

func (r *addrRange) tooSmall() bool { return r.prefix.Bits() > r.prefix.Addr().BitLen()-2 }

var ipamSubnetTooSmall = Rule{
	ID: "ipam-subnet-too-small", Title: "a subnet without room for a pod", Severity: diag.Error,
	Doc:    "host-local keeps the network's address, the broadcast address and the gateway; a /31, /32, /127 or /128 is refused.",
	Fix:    "use a subnet of /30 (IPv6 /126) or larger",
	Bad:    hostLocal(`{"type": "host-local", "subnet": «"10.1.0.0/31"»}`),
	Good:   hostLocal(`{"type": "host-local", "subnet": "10.1.0.0/24"}`),
	Source: hostLocalSource + "/range.go (Canonicalize)",
	Check: func(p *Pass) {
		p.eachRange(func(_ *Plugin, r addrRange) {
			if r.tooSmall() {
				p.value(r.subnetNode, "", "the subnet %s is too small to give out addresses", r.subnetNode.Str())
			}
		})
	},
}

var _ = add(&ipamSubnetTooSmall)

var ipamRangeOutsideSubnet = Rule{
	ID: "ipam-range-outside-subnet", Title: "an end of the range outside its subnet", Severity: diag.Error,
	Doc:    "rangeStart and rangeEnd must lie in the subnet; host-local refuses every ADD otherwise.",
	Fix:    "use an address of the subnet, or a larger subnet",
	Bad:    hostLocal(`{"type": "host-local", "subnet": "10.1.0.0/24", "rangeStart": «"10.1.1.10"»}`),
	Good:   hostLocal(`{"type": "host-local", "subnet": "10.1.0.0/24", "rangeStart": "10.1.0.10"}`),
	Source: hostLocalSource + "/range.go (Canonicalize)",
	Check: func(p *Pass) {
		p.eachRange(func(_ *Plugin, r addrRange) {
			for _, n := range [...]*jsondoc.Node{r.startNode, r.endNode} {
				if a, ok := parseIP(n.Str()); ok && !r.prefix.Contains(a) {
					p.value(n, "", "%s %s is not in %s", n.Key, n.Str(), r.prefix.Masked())
				} else if n.Is(jsondoc.String) && !ok && n.Str() != "" && !p.hole(n) {
					p.value(n, "write an address without a prefix length", "%s %q is no IP address", n.Key, n.Str())
				}
			}
		})
	},
}

var _ = add(&ipamRangeOutsideSubnet)

var ipamRangeInverted = Rule{
	ID: "ipam-range-inverted", Title: "the range ends before it starts", Severity: diag.Error,
	Doc:    "host-local refuses a range whose rangeEnd lies before its rangeStart.",
	Fix:    "swap rangeStart and rangeEnd",
	Bad:    hostLocal(`{"type": "host-local", "subnet": "10.1.0.0/24", "rangeStart": "10.1.0.90", "rangeEnd": «"10.1.0.10"»}`),
	Good:   hostLocal(`{"type": "host-local", "subnet": "10.1.0.0/24", "rangeStart": "10.1.0.10", "rangeEnd": "10.1.0.90"}`),
	Source: hostLocalSource + "/range.go (Canonicalize)",
	Check: func(p *Pass) {
		p.eachRange(func(_ *Plugin, r addrRange) {
			if r.prefix.Contains(r.start) && r.prefix.Contains(r.end) && r.end.Less(r.start) && !r.tooSmall() {
				n := r.endNode
				if n == nil {
					n = r.startNode
				}
				p.value(n, "", "the range ends at %s, before it starts at %s", r.end, r.start)
			}
		})
	},
}

var _ = add(&ipamRangeInverted)

var ipamRangeEdge = Rule{
	ID: "ipam-range-edge", Title: "the range includes the network's or the broadcast address", Severity: diag.Warning,
	Doc:    "host-local gives such an address to a pod if the range says so; the pod cannot use it.",
	Fix:    "start at the first address behind the network's, end before the broadcast address",
	Bad:    hostLocal(`{"type": "host-local", "subnet": "10.1.0.0/24", "rangeStart": "10.1.0.10", "rangeEnd": «"10.1.0.255"»}`),
	Good:   hostLocal(`{"type": "host-local", "subnet": "10.1.0.0/24", "rangeStart": "10.1.0.10", "rangeEnd": "10.1.0.254"}`),
	Source: hostLocalSource + "/range.go",
	Check: func(p *Pass) {
		p.eachRange(func(_ *Plugin, r addrRange) {
			if r.startNode != nil && r.start == r.network {
				p.value(r.startNode, `write "`+r.first.String()+`"`, "the range starts at %s, the network's own address", r.start)
			}
			if r.endNode != nil && r.end == r.lastAddr && r.end.Is4() {
				p.value(r.endNode, `write "`+r.lastAddr.Prev().String()+`"`, "the range ends at %s, the broadcast address", r.end)
			}
		})
	},
}

var _ = add(&ipamRangeEdge)

var ipamRangesMixedFamily = Rule{
	ID: "ipam-ranges-mixed-family", Title: "IPv4 and IPv6 in one range set", Severity: diag.Error,
	Doc:    "The ranges of one set give one address between them, so they are of one family. For an address of each write two sets.",
	Fix:    "put the IPv6 range into a set of its own: [ [ … ], [ … ] ]",
	Bad:    hostLocal(`{"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}, {"subnet": «"fd00:1::/64"»}]]}`),
	Good:   hostLocal(`{"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}], [{"subnet": "fd00:1::/64"}]]}`),
	Source: hostLocalSource + "/range_set.go (Canonicalize)",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			for _, set := range p.ranges(pl) {
				for _, r := range set.ranges {
					if first := set.ranges[0].prefix; r.prefix.IsValid() && first.IsValid() && r.prefix.Addr().Is4() != first.Addr().Is4() {
						p.value(r.subnetNode, "", "IPv4 and IPv6 in one range set")
						break
					}
				}
			}
		}
	},
}

var _ = add(&ipamRangesMixedFamily)

var ipamRangesOverlap = Rule{
	ID: "ipam-ranges-overlap", Title: "two ranges overlap", Severity: diag.Error,
	Doc:    "host-local refuses ranges that share addresses, within a set and between sets.",
	Fix:    "drop one of them, or narrow it",
	Bad:    hostLocal(`{"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}, {"subnet": «"10.1.8.0/24"»}]]}`),
	Good:   hostLocal(`{"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}, {"subnet": "10.2.8.0/24"}]]}`),
	Source: hostLocalSource + "/config.go, range_set.go",
	Check: func(p *Pass) {
		const enough = 300 // ranges that are compared, each with each
		for _, pl := range p.Plugins {
			var before []addrRange
			for _, set := range p.ranges(pl) {
				for _, r := range set.ranges {
					if !r.prefix.IsValid() || len(before) > enough {
						continue
					}
					for _, b := range before {
						if b.prefix.Addr().Is4() == r.prefix.Addr().Is4() && !r.end.Less(b.start) && !b.end.Less(r.start) {
							p.value(r.subnetNode, "", "%s overlaps %s", r.subnetNode.Str(), b.subnetNode.Str())
							break
						}
					}
					before = append(before, r)
				}
			}
		}
	},
}

var _ = add(&ipamRangesOverlap)

var ipamGatewayInvalid = Rule{
	ID: "ipam-gateway-invalid", Title: "a gateway that is no address", Severity: diag.Error,
	Doc:    "A gateway is an address without a prefix length; the IPAM plugin refuses every ADD with another.",
	Fix:    "write the address without a prefix length",
	Bad:    hostLocal(`{"type": "host-local", "subnet": "10.1.0.0/16", "gateway": «"10.1.0.1/16"»}`),
	Good:   hostLocal(`{"type": "host-local", "subnet": "10.1.0.0/16", "gateway": "10.1.0.1"}`),
	Source: hostLocalSource + "/config.go; containernetworking/plugins:plugins/ipam/static/main.go",
	Check: func(p *Pass) {
		p.gateways(func(pl *Plugin, n *jsondoc.Node, _ netip.Prefix) {
			if n.Kind == jsondoc.String && n.Str() != "" && !isIP(n.Str()) {
				fix := ""
				if pre, ok := parseCIDR(n.Str()); ok {
					fix = `write "` + pre.Addr().String() + `"`
				}
				p.value(n, fix, "the gateway %q is no IP address", n.Str())
			}
		})
	},
}

var _ = add(&ipamGatewayInvalid)

// gateways calls f for the gateways of host-local and static, with the network that each is for.
func (p *Pass) gateways(f func(pl *Plugin, n *jsondoc.Node, network netip.Prefix)) {
	for _, pl := range p.Plugins {
		for _, set := range p.ranges(pl) {
			for _, r := range set.ranges {
				if r.gatewayNode != nil && !p.hole(r.gatewayNode) {
					f(pl, r.gatewayNode, r.prefix)
				}
			}
		}
		if pl.IPAMType == "static" && pl.passes() {
			for _, a := range kids(pl.IPAM.Fold("addresses")) {
				if n := a.Fold("gateway"); n != nil && !p.hole(n) {
					pre, _ := parseCIDR(a.Fold("address").Str())
					f(pl, n, pre)
				}
			}
		}
	}
}

var ipamGatewayOutsideSubnet = Rule{
	ID: "ipam-gateway-outside-subnet", Title: "a gateway outside its subnet", Severity: diag.Error,
	Doc:    "The kernel refuses a route through an address that it cannot reach, and with it every ADD. Without any route the gateway is unused and harmless (warning).",
	Fix:    "use an address of the subnet, usually its first",
	Bad:    hostLocal(`{"type": "host-local", "subnet": "10.1.0.0/24", "gateway": «"10.2.0.1"», "routes": [{"dst": "0.0.0.0/0"}]}`),
	Good:   hostLocal(`{"type": "host-local", "subnet": "10.1.0.0/24", "gateway": "10.1.0.1", "routes": [{"dst": "0.0.0.0/0"}]}`),
	Source: "containernetworking/plugins:pkg/ipam/ipam_linux.go (ConfigureIface)",
	Check: func(p *Pass) {
		p.gateways(func(pl *Plugin, n *jsondoc.Node, network netip.Prefix) {
			a, ok := parseIP(n.Str())
			if !ok || !network.IsValid() || network.Contains(a) {
				return
			}
			s := diag.Warning
			for _, r := range kids(pl.IPAM.Fold("routes")) {
				if r.Fold("gw") == nil && pl.Type != "ptp" {
					s = diag.Error
				}
			}
			if pl.Type == "bridge" && pl.Node.Fold("isDefaultGateway").True() {
				s = diag.Error
			}
			p.as(s, n.Start, n.End, "", "the gateway %s is not in %s", n.Str(), network.Masked())
		})
	},
}

var _ = add(&ipamGatewayOutsideSubnet)

var ipamAddressesCniversion = Rule{
	ID: "ipam-addresses-cniversion", Title: "more addresses of one family than the cniVersion allows", Severity: diag.Error,
	Doc:    "Results before 0.3.0 hold one IPv4 and one IPv6 address; the IPAM plugin refuses every ADD that gives more.",
	Fix:    "raise cniVersion to 0.3.0 at least",
	Bad:    `{"cniVersion": "0.2.0", "name": "lab", "plugins": [{"type": "bridge", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}], [{"subnet": «"10.2.0.0/16"»}]]}}]}`,
	Good:   hostLocal(`{"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}], [{"subnet": "10.2.0.0/16"}]]}`),
	Source: hostLocalSource + "/config.go; containernetworking/plugins:plugins/ipam/static/main.go",
	Check: func(p *Pass) {
		if p.atLeast("0.3.0") {
			return
		}
		for _, pl := range p.Plugins {
			count := map[bool]int{}
			more := func(n *jsondoc.Node, pre netip.Prefix) {
				if !pre.IsValid() {
					return
				}
				if count[pre.Addr().Is4()]++; count[pre.Addr().Is4()] == 2 {
					p.value(n, "", "a second address of one family needs cniVersion 0.3.0")
				}
			}
			for _, set := range p.ranges(pl) {
				if len(set.ranges) > 0 {
					more(set.ranges[0].subnetNode, set.ranges[0].prefix)
				}
			}
			if pl.IPAMType == "static" && pl.passes() {
				for _, a := range kids(pl.IPAM.Fold("addresses")) {
					pre, _ := parseCIDR(a.Fold("address").Str())
					more(a.Fold("address"), pre)
				}
			}
		}
	},
}

var _ = add(&ipamAddressesCniversion)
