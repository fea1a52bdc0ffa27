package evidence

import (
	"context"
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

// Reservations is what host-local has given out for one network.
type Reservations struct {
	Dir       string       // one file an address, named for it
	Ranges    []Range      // that it gives out
	Addresses []netip.Addr // that are reserved
	Leaked    int          // of them, those of containers that are gone; -1 where the runtime keeps its results elsewhere
	Looked    int          // how many of the taken could be looked at; where not all, Leaked is a lower bound
	Oldest    Leak         // the oldest of the leaked
	taken     []string     // names of files
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
	l := &look{ctx: ctx, start: time.Now(), in: in, patient: true}
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
	l.note("taken", "%d addresses are reserved in %s", len(r.taken), r.Dir)
	switch {
	case r.Leaked < 0:
		return
	case r.Looked < len(r.taken):
		l.note("gone", "at least %d of the %d that could be looked at belong to containers that are gone", r.Leaked, r.Looked)
	default:
		l.note("gone", "%d of them belong to containers that are gone", r.Leaked)
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
	r := &Reservations{Dir: conf.IPAM.DataDir}
	if r.Dir == "" {
		r.Dir = "/var/lib/cni/networks"
	}
	r.Dir = filepath.Join(r.Dir, network)
	names, ok := l.names(r.Dir, maxReservations)
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
	for _, name := range names {
		if a, err := netip.ParseAddr(strings.ReplaceAll(name, "_", ":")); err == nil {
			r.Addresses, r.taken = append(r.Addresses, a), append(r.taken, name)
		}
	}
	l.leaked(r)
	return r
}

// leaked counts the reservations of containers that are gone: the runtime has no result of theirs, or the network
// namespace in it does not exist.
func (l *look) leaked(r *Reservations) {
	const results = "/var/lib/cni/results"
	cached, ok := l.names(results, maxReservations)
	if !ok {
		r.Leaked = -1 // this runtime keeps its results elsewhere: who is gone cannot be told
		return
	}
	all := strings.Join(cached, "\n")
	for _, name := range r.taken {
		if l.over() {
			break
		}
		fi, _ := l.lstat(filepath.Join(r.Dir, name))
		if fi == nil || !fi.Mode().IsRegular() || fi.Size() > 1024 {
			continue
		}
		r.Looked++
		if time.Since(fi.ModTime()) < settled {
			continue
		}
		b, err := disk.ReadAnyone(l.path(filepath.Join(r.Dir, name)), 1024)
		id, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
		id = strings.TrimSpace(id)
		if err != nil || !plainID(id) || l.alive(results, all, id) {
			continue
		}
		r.Leaked++
		if r.Oldest.Address == "" || fi.ModTime().Before(r.Oldest.Since) {
			r.Oldest = Leak{strings.ReplaceAll(name, "_", ":"), id, fi.ModTime()}
		}
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
