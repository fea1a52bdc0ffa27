package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/hostnet"
)

// Bounds of a snapshot.
const (
	maxFiles     = 1 << 17
	maxFile      = 1 << 20
	snapshotTime = 20 * time.Second
)

// rtTableLocal is RT_TABLE_LOCAL.
const rtTableLocal = 255

// stateDirs are where plugins and libcni keep what they have given out.
var stateDirs = [...]string{"/var/lib/cni", "/run/cni"}

// sysctls that plugins are known to set for the whole node, once.
var sysctls = [...]string{"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/bridge/bridge-nf-call-iptables"}

// snapshot is the node as far as a network plugin changes it: lines by what they are of, with how often each is there.
type snapshot struct {
	kinds   []string // in the order in which they are told
	lines   map[string]map[string]int
	skipped []string // what could not be looked at, and why
	links   []hostnet.Link
	tools   []string // programs that netfilter's rules were read by
}

func (s *snapshot) add(kind string, lines ...string) {
	if s.lines[kind] == nil {
		s.kinds = append(s.kinds, kind)
		s.lines[kind] = map[string]int{}
	}
	for _, l := range lines {
		s.lines[kind][l]++
	}
}

func (s *snapshot) skip(what string, err error) {
	if err != nil {
		s.skipped = append(s.skipped, fmt.Sprintf("%s: %v", what, err))
	}
}

// look takes a snapshot of the node. dirs are looked at beside those that are always.
func look(dirs []string) *snapshot {
	ctx, cancel := context.WithTimeout(context.Background(), snapshotTime)
	defer cancel()
	s := &snapshot{lines: map[string]map[string]int{}}
	links, err := hostnet.Links()
	s.skip("links", err)
	names := hostnet.Names(links)
	s.links = links
	s.add("link")
	for _, l := range links {
		s.add("link", l.Text(names))
	}
	addresses, err := hostnet.Addresses(names)
	s.skip("addresses", err)
	s.add("address", addresses...)
	routes, err := hostnet.Routes(names)
	s.skip("routes", err)
	s.add("route")
	for _, r := range routes {
		if r.Table != rtTableLocal { // the kernel makes these from the addresses, an IPv6 one's when nobody else has it
			s.add("route", r.Text())
		}
	}
	rules, err := hostnet.Rules()
	s.skip("rules", err)
	s.add("rule", rules...)
	filter, tools, err := hostnet.Netfilter(ctx)
	s.skip("netfilter", err)
	if s.tools = tools; len(tools) == 0 && err == nil {
		s.skip("netfilter", errors.New("neither nft nor iptables-save is installed"))
	}
	s.add("netfilter", filter...)
	s.add("sysctl")
	for _, name := range sysctls {
		if b, err := os.ReadFile("/proc/sys/" + name); err == nil {
			s.add("sysctl", strings.ReplaceAll(name, "/", ".")+" = "+strings.TrimSpace(string(b)))
		}
	}
	s.add("file")
	left := maxFiles
	for _, dir := range append(stateDirs[:len(stateDirs):len(stateDirs)], dirs...) {
		s.files(dir, &left)
	}
	return s
}

// files notes every file below dir by mode and content.
func (s *snapshot) files(dir string, left *int) {
	s.skip(dir, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // not there, or gone since
		}
		if err != nil {
			return err
		}
		if *left--; *left < 0 {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		switch {
		case d.IsDir():
			s.add("file", path+"/")
		case d.Type().IsRegular():
			b, err := disk.ReadAnyone(path, maxFile)
			if err != nil {
				s.add("file", path)
				return nil
			}
			sum := fnv.New128a()
			_, _ = sum.Write(b)
			s.add("file", fmt.Sprintf("%s (%d bytes, sum %x)", path, len(b), sum.Sum(nil)))
		default:
			s.add("file", path+" "+d.Type().String())
		}
		return nil
	}))
}

// ipamDirs are the directories that host-local keeps the chain's reservations in.
func ipamDirs(ch *chain.Chain) []string {
	var dirs []string
	for _, p := range ch.Plugins {
		var conf struct {
			IPAM struct{ Type, DataDir string }
		}
		if json.Unmarshal(p.Bytes, &conf) == nil && conf.IPAM.Type == "host-local" {
			if conf.IPAM.DataDir == "" {
				conf.IPAM.DataDir = "/var/lib/cni/networks"
			}
			dirs = append(dirs, filepath.Join(conf.IPAM.DataDir, ch.Name))
		}
	}
	return dirs
}

// Difference is something that the node has after the probe and had not before, or the other way round.
type Difference struct {
	Kind string `json:"kind"` // link, address, route, rule, netfilter, sysctl, file
	Gone bool   `json:"gone"` // it was there before
	What string `json:"what"`
}

// String is the difference on one line, as in a diff.
func (d Difference) String() string {
	return fmt.Sprintf("%s %s: %s", map[bool]string{true: "-", false: "+"}[d.Gone], d.Kind, d.What)
}

// differences are what after has and before has not, and the other way round.
func differences(before, after *snapshot) []Difference {
	diffs := []Difference{}
	for _, kind := range after.kinds {
		for _, l := range sorted(after.lines[kind]) {
			if after.lines[kind][l] > before.lines[kind][l] {
				diffs = append(diffs, Difference{kind, false, l})
			}
		}
		for _, l := range sorted(before.lines[kind]) {
			if before.lines[kind][l] > after.lines[kind][l] {
				diffs = append(diffs, Difference{kind, true, l})
			}
		}
	}
	return diffs
}
