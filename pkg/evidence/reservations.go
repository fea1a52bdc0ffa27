package evidence

import (
	"encoding/json"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

const (
	// maxReservations bounds the files that are looked at: a /16 is as large as node ranges get.
	maxReservations = 1 << 16
	// settled is the age from which a reservation without a result is a leak: a younger one may belong to an ADD that
	// is still running, for the runtime writes its result only after the whole chain.
	settled = 5 * time.Minute
)

// reservations counts what host-local has given out: one file an address, named for it, that holds the container's id.
func reservations(l *look) {
	var conf struct {
		Name string
		IPAM struct {
			Type, DataDir, Subnet, RangeStart, RangeEnd string
			Ranges                                      [][]struct{ Subnet, RangeStart, RangeEnd string }
		}
	}
	l.config(&conf)
	if t := conf.IPAM.Type; t != "" && t != "host-local" {
		return
	}
	network := l.in.Network
	if network == "" {
		network = conf.Name
	}
	if network == "" || strings.ContainsAny(network, "/\x00") || network == ".." {
		return
	}
	dir := conf.IPAM.DataDir
	if dir == "" {
		dir = "/var/lib/cni/networks"
	}
	dir = filepath.Join(dir, network)
	names, ok := l.names(dir, maxReservations)
	if !ok {
		return
	}
	var ranges []string
	describe := func(subnet, start, end string) {
		if start != "" || end != "" {
			subnet = strings.TrimSpace(subnet + " " + start + "-" + end)
		}
		if subnet != "" {
			ranges = append(ranges, subnet)
		}
	}
	describe(conf.IPAM.Subnet, conf.IPAM.RangeStart, conf.IPAM.RangeEnd)
	for _, set := range conf.IPAM.Ranges {
		for _, r := range set {
			describe(r.Subnet, r.RangeStart, r.RangeEnd)
		}
	}
	if len(ranges) > 0 {
		l.note("range", "host-local gives out %s", strings.Join(ranges, ", "))
	}
	var taken []netip.Addr
	for _, name := range names {
		if a, err := netip.ParseAddr(strings.ReplaceAll(name, "_", ":")); err == nil {
			taken = append(taken, a)
		}
	}
	l.note("taken", "%d addresses are reserved in %s", len(taken), dir)
	l.leaked(dir, taken)
}

// leaked counts the reservations of containers that are gone: the runtime has no result of theirs, or the network
// namespace in it does not exist.
func (l *look) leaked(dir string, taken []netip.Addr) {
	const results = "/var/lib/cni/results"
	cached, ok := l.names(results, maxReservations)
	if !ok {
		return // this runtime keeps its results elsewhere: who is gone cannot be told
	}
	all := strings.Join(cached, "\n")
	gone, looked := 0, 0
	var oldest time.Time
	var which string
	for _, a := range taken {
		if l.over() {
			break
		}
		name := strings.ReplaceAll(a.String(), ":", "_")
		if _, none := l.lstat(filepath.Join(dir, name)); none {
			name = a.String()
		}
		fi, _ := l.lstat(filepath.Join(dir, name))
		if fi == nil || !fi.Mode().IsRegular() || fi.Size() > 1024 {
			continue
		}
		looked++
		if time.Since(fi.ModTime()) < settled {
			continue
		}
		b, err := disk.ReadAnyone(l.path(filepath.Join(dir, name)), 1024)
		id, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
		id = strings.TrimSpace(id)
		if err != nil || !plainID(id) || l.alive(results, all, id) {
			continue
		}
		gone++
		if which == "" || fi.ModTime().Before(oldest) {
			oldest, which = fi.ModTime(), a.String()+" of container "+id[:min(len(id), 12)]
		}
	}
	switch {
	case looked < len(taken):
		l.note("gone", "at least %d of the %d that could be looked at belong to containers that are gone", gone, looked)
	default:
		l.note("gone", "%d of them belong to containers that are gone", gone)
	}
	if which != "" {
		l.note("oldest", "the oldest of those is %s, since %s", which, since(oldest))
	}
}

// alive tells whether the runtime keeps a result of the container whose namespace is still there. all are the names
// of the results, <network>-<container id>-<interface>, one a line.
func (l *look) alive(results, all, id string) bool {
	i := strings.Index(all, "-"+id+"-")
	if i < 0 {
		return false
	}
	from := strings.LastIndexByte(all[:i], '\n') + 1
	name, _, _ := strings.Cut(all[from:], "\n")
	var cached struct{ Netns string } // written by libcni from 1.2 on
	if json.Unmarshal([]byte(l.read(filepath.Join(results, name), 1<<18)), &cached) != nil || cached.Netns == "" {
		return true
	}
	_, gone := l.lstat(cached.Netns)
	return !gone
}

// plainID tells a container's id from whatever else a file may hold: nothing else is ever told.
func plainID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for _, r := range id {
		if !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_' || r == '.') {
			return false
		}
	}
	return true
}
