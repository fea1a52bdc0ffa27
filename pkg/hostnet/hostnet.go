// Package hostnet reads the network of the namespace that the calling thread is in: links, addresses, routes and rules, each as a
// line of text that says all that a configuration could have set and nothing that merely moves.
package hostnet

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/cni-shim/cni-shim/pkg/steps"
)

// Attributes of rtnetlink(7) messages that package syscall has no names for.
const (
	iflaInfoKind = 1
	rtmGetRule   = 34 // RTM_GETRULE, linux/rtnetlink.h
	fraIifname   = 3  // FRA_*, linux/fib_rules.h
	fraPriority  = 6
	fraFwmark    = 10
	fraTable     = 15
	fraOifname   = 17
)

// Link is one network interface.
type Link struct {
	Index, Master, MTU int
	Name, Kind, MAC    string
	Up                 bool
}

// Links reads the interfaces.
func Links() ([]Link, error) {
	var links []Link
	err := dump(syscall.RTM_GETLINK, syscall.SizeofIfInfomsg, func(head []byte, attrs map[uint16][]byte) {
		l := Link{Index: int(u32(head[4:])), Up: u32(head[8:])&syscall.IFF_UP != 0, Name: text(attrs[syscall.IFLA_IFNAME]),
			MTU: int(u32(attrs[syscall.IFLA_MTU])), Master: int(u32(attrs[syscall.IFLA_MASTER])), MAC: net.HardwareAddr(attrs[syscall.IFLA_ADDRESS]).String()}
		l.Kind = text(parse(attrs[syscall.IFLA_LINKINFO])[iflaInfoKind])
		links = append(links, l)
	})
	return links, err
}

// Names are those of links by their index.
func Names(links []Link) map[int]string {
	names := map[int]string{}
	for _, l := range links {
		names[l.Index] = l.Name
	}
	return names
}

// Text is the link on one line.
func (l Link) Text(names map[int]string) string {
	s := fmt.Sprintf("%s index %d %s mtu %d %s", l.Name, l.Index, map[bool]string{true: "up", false: "down"}[l.Up], l.MTU, l.MAC)
	if l.Kind != "" {
		s += " " + l.Kind
	}
	if l.Master != 0 {
		s += " master " + names[l.Master]
	}
	return s
}

// Addresses reads the addresses, as "cni0 10.1.0.1/24".
func Addresses(names map[int]string) ([]string, error) {
	var lines []string
	err := dump(syscall.RTM_GETADDR, syscall.SizeofIfAddrmsg, func(head []byte, attrs map[uint16][]byte) {
		a, ok := netip.AddrFromSlice(attrs[syscall.IFA_LOCAL])
		if !ok {
			a, _ = netip.AddrFromSlice(attrs[syscall.IFA_ADDRESS])
		}
		lines = append(lines, fmt.Sprintf("%s %s/%d", names[int(u32(head[4:]))], a, head[1]))
	})
	slices.Sort(lines)
	return lines, err
}

// Route is one route.
type Route struct {
	Family    int
	Dst       string // "default", or a prefix
	Gateway   netip.Addr
	Dev, Type string
	Table     int
	Metric    int
	rest      string
}

// routeTypes are RTN_* of linux/rtnetlink.h.
var routeTypes = [...]string{"unspec", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw", "nat"}

// Routes reads the routes of all tables.
func Routes(names map[int]string) ([]Route, error) {
	var routes []Route
	err := dump(syscall.RTM_GETROUTE, syscall.SizeofRtMsg, func(head []byte, attrs map[uint16][]byte) {
		if u32(head[8:])&syscall.RTM_F_CLONED != 0 {
			return // a cache entry
		}
		r := Route{Family: int(head[0]), Dst: prefix(attrs[syscall.RTA_DST], head[1]), Table: int(head[4]), Dev: names[int(u32(attrs[syscall.RTA_OIF]))],
			Metric: int(u32(attrs[syscall.RTA_PRIORITY])), Type: fmt.Sprint(head[7])}
		if int(head[7]) < len(routeTypes) {
			r.Type = routeTypes[head[7]]
		}
		r.Gateway, _ = netip.AddrFromSlice(attrs[syscall.RTA_GATEWAY])
		if t, ok := attrs[syscall.RTA_TABLE]; ok {
			r.Table = int(u32(t))
		}
		if src, ok := netip.AddrFromSlice(attrs[syscall.RTA_PREFSRC]); ok {
			r.rest += " src " + src.String()
		}
		if from := attrs[syscall.RTA_SRC]; from != nil {
			r.rest += " from " + prefix(from, head[2])
		}
		if hops := attrs[syscall.RTA_MULTIPATH]; hops != nil {
			r.rest += fmt.Sprintf(" multipath %x", hops)
		}
		r.rest += fmt.Sprintf(" proto %d scope %d", head[5], head[6])
		routes = append(routes, r)
	})
	return routes, err
}

// Text is the route on one line.
func (r Route) Text() string {
	s := r.Dst
	if r.Family == syscall.AF_INET6 && s == "default" {
		s = "default (IPv6)"
	}
	if r.Type != "unicast" {
		s = r.Type + " " + s
	}
	if r.Gateway.IsValid() {
		s += " via " + r.Gateway.String()
	}
	if r.Dev != "" {
		s += " dev " + r.Dev
	}
	s += fmt.Sprintf(" table %d", r.Table)
	if r.Metric != 0 {
		s += fmt.Sprintf(" metric %d", r.Metric)
	}
	return s + r.rest
}

// Rules reads the routing policy, as "priority 100 from 10.1.0.0/24 table 5".
func Rules() ([]string, error) {
	var lines []string
	err := dump(rtmGetRule, syscall.SizeofRtMsg, func(head []byte, attrs map[uint16][]byte) {
		s := fmt.Sprintf("family %d priority %d from %s to %s", head[0], u32(attrs[fraPriority]), prefix(attrs[syscall.RTA_SRC], head[2]), prefix(attrs[syscall.RTA_DST], head[1]))
		if mark, ok := attrs[fraFwmark]; ok {
			s += fmt.Sprintf(" fwmark %#x", u32(mark))
		}
		if in := attrs[fraIifname]; in != nil {
			s += " iif " + text(in)
		}
		if out := attrs[fraOifname]; out != nil {
			s += " oif " + text(out)
		}
		lines = append(lines, s+fmt.Sprintf(" action %d table %d", head[7], u32(attrs[fraTable])))
	})
	slices.Sort(lines)
	return lines, err
}

// dump asks the kernel for all objects of a kind. Every message begins with a header of the given size.
func dump(request, header int, each func(head []byte, attrs map[uint16][]byte)) error {
	b, err := syscall.NetlinkRIB(request, syscall.AF_UNSPEC)
	if err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	messages, err := syscall.ParseNetlinkMessage(b)
	if err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	for _, m := range messages {
		if m.Header.Type == syscall.NLMSG_DONE {
			break
		}
		if len(m.Data) >= header {
			each(m.Data[:header], parse(m.Data[header:]))
		}
	}
	return nil
}

// parse reads attributes: length, type, value, each aligned to four bytes.
func parse(b []byte) map[uint16][]byte {
	attrs := map[uint16][]byte{}
	left := steps.For(len(b), 1)
	for len(b) >= syscall.SizeofRtAttr {
		left.Take(1)
		n := int(binary.NativeEndian.Uint16(b))
		if n < syscall.SizeofRtAttr || n > len(b) {
			break
		}
		attrs[binary.NativeEndian.Uint16(b[2:])&0x3fff] = b[syscall.SizeofRtAttr:n] // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
		b = b[min((n+3)&^3, len(b)):]
	}
	return attrs
}

func u32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}

func text(b []byte) string { return strings.TrimRight(string(b), "\x00") }

func prefix(addr []byte, bits byte) string {
	a, ok := netip.AddrFromSlice(addr)
	if !ok {
		return "default"
	}
	return netip.PrefixFrom(a, int(bits)).String()
}

// Delete removes a link by its index, RTM_DELLINK of rtnetlink(7).
func Delete(index int) error {
	s, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer syscall.Close(s)
	const size = syscall.NLMSG_HDRLEN + syscall.SizeofIfInfomsg
	b := make([]byte, size)
	binary.NativeEndian.PutUint32(b, size)
	binary.NativeEndian.PutUint16(b[4:], syscall.RTM_DELLINK)
	binary.NativeEndian.PutUint16(b[6:], syscall.NLM_F_REQUEST|syscall.NLM_F_ACK)
	binary.NativeEndian.PutUint32(b[syscall.NLMSG_HDRLEN+4:], uint32(index))
	if err := syscall.Sendto(s, b, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, syscall.Getpagesize())
	n, _, err := syscall.Recvfrom(s, answer, 0)
	if err != nil {
		return err
	}
	if n < syscall.NLMSG_HDRLEN+4 {
		return syscall.EBADMSG
	}
	if code := int32(binary.NativeEndian.Uint32(answer[syscall.NLMSG_HDRLEN:])); code != 0 {
		return syscall.Errno(-code)
	}
	return nil
}
