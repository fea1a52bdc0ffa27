package evidence

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/failure"
)

const (
	// maxResults bounds what is remembered of the runtime's results, 8 bytes for each part of a name.
	maxResults = 1 << 16
	// maxAddresses bounds those that HostLocal returns: a /15 is larger than node ranges get.
	maxAddresses = 1 << 17
	// settled is the age from which a reservation without a result is a leak: a younger one may belong to an ADD that
	// is still running, for the runtime writes its result only after the whole chain.
	settled = 5 * time.Minute
)

// Reservations is what host-local has given out for one network.
type Reservations struct {
	Dir       string       // one file an address, named for it
	Ranges    []Range      // that it gives out
	Taken     int          // addresses reserved
	Whole     bool         // all of them were counted
	Addresses []netip.Addr // that are reserved, at most maxAddresses; of HostLocal only
	Leaked    int          // of the taken, those of containers that are gone; -1 where that cannot be told
	Looked    int          // how many of the taken could be looked at; where not all, Leaked is a lower bound
	Oldest    Leak         // the oldest of the leaked
}

// Range is one range of a host-local configuration, as it is written there.
type Range struct {
	Subnet, Start, End, Gateway string
	Set                         int // a container gets one address of each set
}

func (r Range) String() string {
	if r.Start != "" || r.End != "" {
		return strings.TrimSpace(r.Subnet + " " + r.Start + "-" + r.End)
	}
	return r.Subnet
}

// Leak is a reservation of a container that is gone.
type Leak struct {
	Address, ContainerID string
	Since                time.Time
}

// HostLocal counts what host-local holds for the network of a plugin's configuration; nil where the plugin has another IPAM, or
// nothing is there to be read. It stops where ctx ends, and counts what it has seen by then.
func HostLocal(ctx context.Context, in Input) *Reservations {
	l := newLook(ctx, time.Hour, &failure.Facts{}, in) // only ctx bounds it
	l.all = true
	return l.hostLocal()
}

// reservations tells what host-local has given out, and to whom that is gone.
func reservations(l *look) {
	r := l.hostLocal()
	if r == nil {
		return
	}
	if len(r.Ranges) > 0 {
		var ranges []string
		for _, x := range r.Ranges {
			ranges = append(ranges, x.String())
		}
		l.note("range", "host-local gives out %s", strings.Join(ranges, ", "))
	}
	atLeast := ""
	if !r.Whole {
		atLeast = "at least "
	}
	l.note("taken", "%s%s reserved in %s", atLeast, count(r.Taken, "address is", "addresses are"), r.Dir)
	switch {
	case r.Leaked < 0:
		return
	case r.Looked < r.Taken:
		l.note("gone", "at least %d of the %d that could be looked at belong to containers that are gone", r.Leaked, r.Looked)
	case r.Leaked == 0 && r.Taken > 0:
		l.note("gone", "none is known to belong to a container that is gone")
	case r.Leaked > 0:
		l.note("gone", "%d of them %s", r.Leaked, map[bool]string{true: "belongs to a container that is gone", false: "belong to containers that are gone"}[r.Leaked == 1])
	}
	if o := r.Oldest; o.Address != "" {
		l.note("oldest", "the oldest of those is %s of container %s, since %s", o.Address, o.ContainerID[:min(len(o.ContainerID), 12)], since(o.Since))
	}
}

// hostLocal reads the directory in which host-local keeps one file an address, named for it, that holds the container's id.
func (l *look) hostLocal() *Reservations {
	var conf struct {
		Name string
		IPAM struct {
			Type, DataDir, Subnet, RangeStart, RangeEnd, Gateway string
			Ranges                                               [][]struct{ Subnet, RangeStart, RangeEnd, Gateway string }
		}
	}
	l.config(&conf)
	if t := conf.IPAM.Type; t != "" && t != "host-local" {
		return nil
	}
	network := l.in.Network
	if network == "" {
		network = conf.Name
	}
	if network == "" || strings.ContainsAny(network, "/\x00") || network == ".." {
		return nil
	}
	r := &Reservations{Dir: conf.IPAM.DataDir, Leaked: -1}
	if r.Dir == "" {
		r.Dir = "/var/lib/cni/networks"
	}
	r.Dir = filepath.Join(r.Dir, network)
	var ok bool
	r.Whole, ok = l.each(r.Dir, func(name string) {
		if a, is := reserved(name); is {
			r.Taken++
			if l.all && len(r.Addresses) < maxAddresses {
				r.Addresses = append(r.Addresses, a)
			}
		}
	})
	if !ok {
		return nil
	}
	if c := conf.IPAM; c.Subnet != "" || c.RangeStart != "" || c.RangeEnd != "" {
		r.Ranges = append(r.Ranges, Range{c.Subnet, c.RangeStart, c.RangeEnd, c.Gateway, 0})
	}
	for i, set := range conf.IPAM.Ranges {
		for _, x := range set {
			r.Ranges = append(r.Ranges, Range{x.Subnet, x.RangeStart, x.RangeEnd, x.Gateway, i + 1})
		}
	}
	l.leaked(r, network)
	return r
}

// reserved tells the files that are named for an address from those that host-local keeps beside.
func reserved(name string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.ReplaceAll(name, "_", ":"))
	return a, err == nil
}

// leaked counts the reservations of containers that are gone: the runtime has no result of theirs, or the network
// namespace in it does not exist.
func (l *look) leaked(r *Reservations, network string) {
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
	r.Leaked = 0
	l.each(r.Dir, func(name string) {
		a, is := reserved(name)
		if !is || l.over() {
			return
		}
		fi, _ := l.lstat(filepath.Join(r.Dir, name))
		if fi == nil || !fi.Mode().IsRegular() || fi.Size() > 1024 {
			return
		}
		r.Looked++
		if time.Since(fi.ModTime()) < settled {
			return
		}
		b, err := disk.ReadAnyone(l.path(filepath.Join(r.Dir, name)), 1024)
		id, ifName, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
		id, ifName = strings.TrimSpace(id), strings.TrimSpace(ifName)
		if err != nil || !plainID(id) || ifName != "" && !plainID(ifName) {
			return
		}
		if l.alive(filepath.Join(results, network+"-"+id+"-"+ifName), func() bool { return strings.Contains(id, "-") || cached[hash(id)] }) {
			return
		}
		r.Leaked++
		if r.Oldest.Address == "" || fi.ModTime().Before(r.Oldest.Since) {
			r.Oldest = Leak{a.String(), id, fi.ModTime()}
		}
	})
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
