package probe

import (
	"cmp"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/hostnet"
	"github.com/cni-shim/cni-shim/pkg/inflight"
)

// tidy takes away what a chain rightly leaves for the next pod, where the probe was the first to need it: a bridge without ports,
// chains that lead nowhere, host-local's directory and its note of the address given last. All of it
// only after a DEL that succeeded, and where no pod came or went meanwhile.
type tidy struct {
	dirs     []string                     // host-local's
	lasts    map[string]map[string][]byte // by directory: its notes of the last address, before the probe
	before   *snapshot
	callsDir string // marks of calls that run now
}

// lastReserved begins the names of the files in which host-local notes the address it gave last, one a set of ranges.
const lastReserved = "last_reserved_ip."

func newTidy(ch *chain.Chain, before *snapshot, callsDir string) *tidy {
	t := &tidy{dirs: ipamDirs(ch), lasts: map[string]map[string][]byte{}, before: before, callsDir: callsDir}
	for _, dir := range t.dirs {
		if lasts, err := notes(dir); err == nil {
			t.lasts[dir] = lasts
		}
	}
	return t
}

func notes(dir string) (map[string][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	found := map[string][]byte{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), lastReserved) {
			if b, err := disk.ReadAnyone(filepath.Join(dir, e.Name()), 1024); err == nil {
				found[e.Name()] = b
			}
		}
	}
	return found, nil
}

// busy tells whether pods came or went since the probe began, or do so now.
func (t *tidy) busy() bool {
	if running, _ := inflight.Running(t.callsDir); len(running) > 0 {
		return true
	}
	now := &snapshot{lines: map[string]map[string]int{}}
	left := maxFiles
	for _, dir := range append(stateDirs[:len(stateDirs):len(stateDirs)], t.dirs...) {
		now.files(dir, &left)
	}
	before := &snapshot{lines: map[string]map[string]int{"file": t.before.lines["file"]}}
	for _, d := range differences(before, now) {
		if !ofHostLocal(d.What) {
			return true
		}
	}
	return false
}

// ofHostLocal tells host-local's own files, which are there whoever has an address, and directories.
func ofHostLocal(what string) bool {
	name, _, _ := strings.Cut(filepath.Base(what), " ")
	return strings.HasSuffix(what, "/") || name == "lock" || strings.HasPrefix(name, lastReserved)
}

// run tidies up and says what it took away.
func (t *tidy) run() []string {
	did := []string{}
	for _, dir := range t.dirs {
		did = append(did, t.hostLocal(dir)...)
	}
	if t.busy() {
		return did
	}
	links, err := hostnet.Links()
	if err != nil {
		return did
	}
	for _, l := range links {
		used := slices.ContainsFunc(links, func(o hostnet.Link) bool { return o.Master == l.Index })
		if l.Kind == "bridge" && !used && !t.before.has(l.Name) && hostnet.Delete(l.Index) == nil {
			did = append(did, "bridge "+l.Name+", which was made for the probe and has no ports")
		}
	}
	if t.busy() {
		return did
	}
	return append(did, t.netfilter()...)
}

// hostLocal puts host-local's notes back as they were, and removes a directory of reservations that the probe was the first in.
// It does so under host-local's own lock, and leaves a note alone whose address somebody has by now.
func (t *tidy) hostLocal(dir string) (did []string) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer lock.Close()
	for deadline := time.Now().Add(2 * time.Second); syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return nil
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	before, known := t.lasts[dir]
	if !known && slices.IndexFunc(entries, func(e os.DirEntry) bool { return !ofHostLocal(e.Name()) }) < 0 && !t.busy() {
		for _, e := range entries {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
		if os.Remove(dir) == nil {
			did = append(did, dir+", in which nobody has an address")
			parent := filepath.Dir(dir)
			if t.before.lines["file"][parent+"/"] == 0 {
				_ = os.Remove(parent) // not where another network has a directory in it
			}
		}
		return did
	}
	now, err := notes(dir)
	if err != nil {
		return nil
	}
	for name, b := range now {
		path := filepath.Join(dir, name)
		if old, was := before[name]; string(old) != string(b) && t.free(dir, string(b)) {
			if was {
				_ = os.WriteFile(path, old, 0o644) // as host-local does, in place
			} else {
				_ = os.Remove(path)
			}
		}
	}
	return did
}

// free tells whether nobody has an address: host-local keeps one file for each, in which IPv6's colons may be underscores.
func (t *tidy) free(dir, address string) bool {
	address = strings.TrimSpace(address)
	if _, err := netip.ParseAddr(address); err != nil {
		return false
	}
	for _, name := range []string{address, strings.ReplaceAll(address, ":", "_")} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return false
		}
	}
	return true
}

// has tells whether a link was there.
func (s *snapshot) has(link string) bool {
	return slices.ContainsFunc(s.links, func(l hostnet.Link) bool { return l.Name == link })
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func sortedAddrs[V any](m map[netip.Addr]V) []netip.Addr {
	return slices.SortedFunc(maps.Keys(m), netip.Addr.Compare)
}
