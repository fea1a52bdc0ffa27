package rules

import (
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/known"
)

var ipamTypeMissing = Rule{
	ID: "ipam-type-missing", Title: "ipam without type", Severity: diag.Warning,
	Doc:    "Without a type the plugin runs no IPAM, whatever else ipam holds: pods get an interface with no address. ptp and dummy refuse every ADD (error). An empty ipam, { }, says the same on purpose and is right.",
	Fix:    `add "type": "host-local" or another`,
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "ipam": «{»"subnet": "10.1.0.0/16"}}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "ipam": {"type": "host-local", "subnet": "10.1.0.0/16"}}]}`,
	Source: "containernetworking/plugins:plugins/main/bridge/bridge.go (isLayer3)",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			if !pl.passes() || pl.IPAMType != "" || pl.IPAM.Fold("type") != nil && pl.IPAM.Fold("type").Kind != jsondoc.String {
				continue
			}
			switch {
			case pl.Known.NeedsIPAM:
				p.as(diag.Error, pl.IPAM.Start, pl.IPAM.Start+1, "", "ipam has no type, and %s needs one", pl.Type)
			case len(pl.IPAM.Kids) > 0:
				p.value(pl.IPAM, "", "ipam has no type: pods get no address")
			}
		}
	},
}

var _ = add(&ipamTypeMissing)

var ipamTypeUnknown = Rule{
	ID: "ipam-type-unknown", Title: "an ipam type close to that of a known plugin", Severity: diag.Warning,
	Doc:    "No IPAM plugin of that name is known, and it differs by a slip from one that is. If there is no program of that name on the node, every ADD fails.",
	Fix:    "write the plugin's name",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "ipam": {"type": «"hostlocal"», "subnet": "10.1.0.0/16"}}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "ipam": {"type": "host-local", "subnet": "10.1.0.0/16"}}]}`,
	Source: "containernetworking/cni:pkg/invoke/find.go, delegate.go",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			n := pl.IPAM.Fold("type")
			if !n.Is(jsondoc.String) || n.Str() == "" || p.hole(n) {
				continue
			}
			if near := nearType(n.Str(), true); near != "" && known.Lookup(n.Str()) == nil {
				p.value(n, `write "`+near+`"`, "there is no known IPAM plugin %q; %q is meant, probably", n.Str(), near)
			}
		}
	},
}

var _ = add(&ipamTypeUnknown)

var ipamRouteInvalid = Rule{
	ID: "ipam-route-invalid", Title: "a route without a destination, or with one that does not parse", Severity: diag.Error,
	Doc:    "dst is an address with its prefix length, gw an address without. The IPAM plugin refuses every ADD with another.",
	Fix:    `write { "dst": "0.0.0.0/0" }, with "gw" where it is not the range's gateway`,
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "ipam": {"type": "host-local", "subnet": "10.1.0.0/16", "routes": [{"dst": «"0.0.0.0"»}]}}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "ipam": {"type": "host-local", "subnet": "10.1.0.0/16", "routes": [{"dst": "0.0.0.0/0"}]}}]}`,
	Source: "containernetworking/cni:pkg/types/types.go (route)",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			if !pl.passes() || pl.IPAMs == nil || pl.IPAMs.Field("routes") == nil {
				continue
			}
			for _, r := range kids(pl.IPAM.Fold("routes")) {
				if r.Kind != jsondoc.Object {
					continue
				}
				switch dst := r.Fold("dst"); {
				case dst == nil:
					p.value(r, `add "dst": "0.0.0.0/0"`, `the route has no "dst"`)
				case dst.Kind == jsondoc.String && !p.hole(dst) && !isCIDR(dst.Str()):
					p.value(dst, cidrFix(dst.Str()), "the route's dst %q is no address with a prefix length", dst.Str())
				}
				if gw := r.Fold("gw"); gw.Is(jsondoc.String) && gw.Str() != "" && !p.hole(gw) && !isIP(gw.Str()) {
					p.value(gw, "write an address without a prefix length", "the route's gw %q is no IP address", gw.Str())
				}
			}
		}
	},
}

var _ = add(&ipamRouteInvalid)

var bridgeDuplicateDefaultRoute = Rule{
	ID: "bridge-duplicate-default-route", Title: "two default routes", Severity: diag.Error,
	Doc:    "isDefaultGateway makes bridge add a default route, and ipam.routes has one without gw: the kernel refuses the second, and with it every ADD.",
	Fix:    "drop the route, or isDefaultGateway",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "isDefaultGateway": true, "ipam": {"type": "host-local", "subnet": "10.1.0.0/16", "routes": [{"dst": «"0.0.0.0/0"»}]}}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "isDefaultGateway": true, "ipam": {"type": "host-local", "subnet": "10.1.0.0/16"}}]}`,
	Source: "containernetworking/plugins:plugins/main/bridge/bridge.go (calcGateways); pkg/ipam/ipam_linux.go",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			if pl.Type != "bridge" || !pl.Node.Fold("isDefaultGateway").True() || !pl.passes() {
				continue
			}
			v4, v6 := p.families(pl)
			for _, r := range kids(pl.IPAM.Fold("routes")) {
				dst := r.Fold("dst").Str()
				if r.Fold("gw") == nil && (dst == "0.0.0.0/0" && v4 || dst == "::/0" && v6) {
					p.value(r.Fold("dst"), "", "isDefaultGateway adds a default route, and this is a second one")
				}
			}
		}
	},
}

var _ = add(&bridgeDuplicateDefaultRoute)

// families tells which address families a plugin's IPAM gives out, as far as the configuration shows.
func (p *Pass) families(pl *Plugin) (v4, v6 bool) {
	for _, set := range p.ranges(pl) {
		for _, r := range set.ranges {
			if r.prefix.IsValid() {
				v4, v6 = v4 || r.prefix.Addr().Is4(), v6 || r.prefix.Addr().Is6()
			}
		}
	}
	if pl.IPAMType == "static" {
		for _, a := range kids(pl.IPAM.Fold("addresses")) {
			if pre, ok := parseCIDR(a.Fold("address").Str()); ok {
				v4, v6 = v4 || pre.Addr().Is4(), v6 || pre.Addr().Is6()
			}
		}
	}
	return v4, v6
}

var ipamStaticNoAddresses = Rule{
	ID: "ipam-static-no-addresses", Title: "static IPAM without addresses", Severity: diag.Error,
	Doc:    "The static plugin has no addresses to give, and without the ips capability none can come from the pod. The main plugin refuses a result without an address.",
	Fix:    `add "addresses", or the capability "ips" to the plugin`,
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "ipam": «{»"type": "static"}}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "ipam": {"type": "static", "addresses": [{"address": "10.1.0.5/16"}]}}]}`,
	Source: "containernetworking/plugins:plugins/ipam/static/main.go; main/bridge/bridge.go",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			if pl.IPAMType == "static" && pl.passes() && len(kids(pl.IPAM.Fold("addresses"))) == 0 && !pl.capable("ips") && pl.Node.Fold("runtimeConfig") == nil && pl.Node.Fold("args") == nil {
				p.value(pl.IPAM, "", "static IPAM has no addresses, and the plugin no ips capability")
			}
		}
	},
}

var _ = add(&ipamStaticNoAddresses)

var ipamAddressInvalid = Rule{
	ID: "ipam-address-invalid", Title: "a static address that does not parse", Severity: diag.Error,
	Doc:    "An address of the static plugin carries its prefix length, as in 10.1.0.5/16; it refuses every ADD with another.",
	Fix:    "write the address with its prefix length",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "ipam": {"type": "static", "addresses": [{"address": «"10.1.0.5"»}]}}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "ipam": {"type": "static", "addresses": [{"address": "10.1.0.5/16"}]}}]}`,
	Source: "containernetworking/plugins:plugins/ipam/static/main.go",
	Check: func(p *Pass) {
		for _, pl := range p.Plugins {
			if pl.IPAMType != "static" || !pl.passes() {
				continue
			}
			for _, a := range kids(pl.IPAM.Fold("addresses")) {
				switch n := a.Fold("address"); {
				case a.Kind == jsondoc.Object && n == nil:
					p.value(a, `add "address"`, `an element of "addresses" has no "address"`)
				case n.Is(jsondoc.String) && !p.hole(n) && !isCIDR(n.Str()):
					p.value(n, cidrFix(n.Str()), "%q is no address with a prefix length", n.Str())
				}
			}
		}
	},
}

var _ = add(&ipamAddressInvalid)
