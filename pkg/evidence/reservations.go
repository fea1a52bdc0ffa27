package evidence

import (
	"encoding/json"
	"hash/fnv"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

const (
	// maxResults bounds what is remembered of the runtime's results, 8 bytes for each part of a name.
	maxResults = 1 << 16
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
	taken := 0
	whole, ok := l.each(dir, func(name string) {
		if _, is := reserved(name); is {
			taken++
		}
	})
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
	atLeast := ""
	if !whole {
		atLeast = "at least "
	}
	l.note("taken", "%s%s reserved in %s", atLeast, count(taken, "address is", "addresses are"), dir)
	l.leaked(dir, network, taken)
}

// reserved tells the files that are named for an address from those that host-local keeps beside.
func reserved(name string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.ReplaceAll(name, "_", ":"))
	return a, err == nil
}

// leaked counts the reservations of containers that are gone: the runtime has no result of theirs, or the network
// namespace in it does not exist.
func (l *look) leaked(dir, network string, taken int) {
	const results = "/var/lib/cni/results"
	cached := map[uint64]bool{} // parts of the results' names, hashed: <network>-<container id>-<interface>
	hash := func(s string) uint64 { h := fnv.New64a(); _, _ = h.Write([]byte(s)); return h.Sum64() }
	whole, ok := l.each(results, func(name string) {
		for part := range strings.SplitSeq(name, "-") {
			if len(cached) < maxResults {
				cached[hash(part)] = true
			}
		}
	})
	if !ok || !whole || len(cached) == maxResults {
		return // this runtime keeps its results elsewhere, or too many of them: who is gone cannot be told
	}
	gone, looked := 0, 0
	var oldest time.Time
	var which string
	l.each(dir, func(name string) {
		a, is := reserved(name)
		if !is || l.over() {
			return
		}
		fi, _ := l.lstat(filepath.Join(dir, name))
		if fi == nil || !fi.Mode().IsRegular() || fi.Size() > 1024 {
			return
		}
		looked++
		if time.Since(fi.ModTime()) < settled {
			return
		}
		b, err := disk.ReadAnyone(l.path(filepath.Join(dir, name)), 1024)
		id, ifName, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
		id, ifName = strings.TrimSpace(id), strings.TrimSpace(ifName)
		if err != nil || !plainID(id) || ifName != "" && !plainID(ifName) {
			return
		}
		if l.alive(filepath.Join(results, network+"-"+id+"-"+ifName), func() bool { return strings.Contains(id, "-") || cached[hash(id)] }) {
			return
		}
		gone++
		if which == "" || fi.ModTime().Before(oldest) {
			oldest, which = fi.ModTime(), a.String()+" of container "+id[:min(len(id), 12)]
		}
	})
	switch {
	case looked < taken:
		l.note("gone", "at least %d of the %d that could be looked at belong to containers that are gone", gone, looked)
	case gone == 0 && taken > 0:
		l.note("gone", "none is known to belong to a container that is gone")
	case gone > 0:
		l.note("gone", "%d of them %s", gone, map[bool]string{true: "belongs to a container that is gone", false: "belong to containers that are gone"}[gone == 1])
	}
	if which != "" {
		l.note("oldest", "the oldest of those is %s, since %s", which, since(oldest))
	}
}

// alive tells whether the runtime keeps a result of the container whose namespace is still there. A result of another network's
// name, as meta-plugins have, counts too: that there is one is what other knows.
func (l *look) alive(result string, other func() bool) bool {
	if _, gone := l.lstat(result); gone {
		return other()
	}
	var cached struct{ Netns string } // written by libcni from 1.2 on
	if json.Unmarshal([]byte(l.read(result, 1<<18)), &cached) != nil || cached.Netns == "" {
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
