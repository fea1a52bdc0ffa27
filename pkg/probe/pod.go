package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/containernetworking/plugins/pkg/ns"

	types100 "github.com/containernetworking/cni/pkg/types/100"

	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/hostnet"
)

// capabilities are the arguments that runtimes give for a pod: here one that publishes a port of the node, its first container's,
// and has the node's DNS.
func capabilities() map[string]json.RawMessage {
	args := map[string]json.RawMessage{"dns": dns("/etc/resolv.conf")}
	if port, err := freePort(); err == nil { // else a pod without ports
		args["portMappings"] = fmt.Appendf(nil, `[{"hostPort":%d,"containerPort":80,"protocol":"tcp"}]`, port)
	}
	return args
}

// freePort is a TCP port that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// maxResolv bounds a resolv.conf, in bytes.
const maxResolv = 64 << 10

// dns reads a resolv.conf(5) as the capability has it.
func dns(path string) json.RawMessage {
	conf := struct {
		Servers  []string `json:"servers,omitempty"`
		Searches []string `json:"searches,omitempty"`
		Options  []string `json:"options,omitempty"`
	}{}
	text, _ := disk.ReadAnyone(path, maxResolv) // without one there is nothing to give
	for line := range strings.SplitSeq(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "nameserver":
			conf.Servers = append(conf.Servers, words[1])
		case "search":
			conf.Searches = words[1:]
		case "options":
			conf.Options = words[1:]
		}
	}
	b, _ := json.Marshal(conf) // strings
	return b
}

// pod tells what a pod would have: addresses, routes, DNS, and whether its gateway answers. False where it has no network at all.
func (p *probe) pod() bool {
	var addresses []string
	var routes []hostnet.Route
	err := ns.WithNetNSPath(p.ns.path, func(ns.NetNS) error {
		links, err := hostnet.Links()
		names := hostnet.Names(links)
		all, addrErr := hostnet.Addresses(names)
		for _, a := range all {
			if rest, ok := strings.CutPrefix(a, ifName+" "); ok {
				addresses = append(addresses, rest)
			}
		}
		var routeErr error
		routes, routeErr = hostnet.Routes(names)
		return errors.Join(err, addrErr, routeErr)
	})
	if err != nil {
		return p.step(Step{Do: "pod", Text: err.Error()})
	}
	result := p.result()
	if len(addresses) == 0 {
		return p.step(Step{Do: "pod", Text: ifName + " has no address, though ADD succeeded",
			Cure: "see which plugin of the chain is to make the interface " + ifName + ", and whether its ipam gives an address"})
	}
	p.step(Step{Do: "pod", OK: true, Text: ifName + " " + strings.Join(addresses, ", ")})
	var lines []string
	gateways := map[netip.Addr]bool{}
	for _, r := range routes {
		if r.Dev != ifName || r.Table != 254 || r.Type != "unicast" { // RT_TABLE_MAIN
			continue
		}
		line := r.Dst
		if r.Gateway.IsValid() {
			line += " via " + r.Gateway.String()
			gateways[r.Gateway] = true
		}
		lines = append(lines, line)
	}
	p.step(Step{Do: "pod", OK: true, Text: "routes: " + strings.Join(lines, ", ")})
	words := "none from the chain: kubelet's or the node's own"
	if result != nil {
		if d := result.DNS; len(d.Nameservers) > 0 {
			words = strings.TrimSpace(strings.Join(d.Nameservers, ", ") + " " + strings.Join(d.Search, " "))
		}
		for _, ip := range result.IPs {
			if a, ok := netip.AddrFromSlice(ip.Gateway); ok {
				gateways[a.Unmap()] = true
			}
		}
	}
	p.step(Step{Do: "pod", OK: true, Text: "dns: " + words})
	p.pings(gateways)
	return true
}

// result is what ADD gave, nil where it cannot be read as a result of today's form. From here on its addresses and the node's ends
// of its interfaces are the probe's.
func (p *probe) result() *types100.Result {
	result, err := types100.GetResult(p.added.Typed)
	if err != nil {
		return nil
	}
	for _, ip := range result.IPs {
		p.marks = append(p.marks, ip.Address.IP.String()+"/")
	}
	for _, i := range result.Interfaces {
		if i.Sandbox == "" && i.Name != "" && !p.before.has(i.Name) {
			p.marks = append(p.marks, i.Name)
		}
	}
	return result
}

// pings asks each gateway. One that does not answer is told, and is no failure: some networks' gateways never do.
func (p *probe) pings(gateways map[netip.Addr]bool) {
	if len(gateways) == 0 {
		p.step(Step{Do: "ping", OK: true, Text: "the pod has no gateway"})
	}
	for _, a := range sortedAddrs(gateways) {
		if p.ctx.Err() != nil {
			return
		}
		took, err := ping(p.ns.path, a, ifName)
		if err != nil {
			p.step(Step{Do: "ping", OK: true, Text: fmt.Sprintf("gateway %s gave no answer: a firewall on the node, or a network whose gateway answers nobody (calico's 169.254.1.1)", a)})
			continue
		}
		p.step(Step{Do: "ping", OK: true, Duration: took.Microseconds(), Text: "gateway " + a.String() + " answers"})
	}
}
