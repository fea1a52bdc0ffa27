package bundle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cni-shim/cni-shim/pkg/check"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/hostnet"
	"github.com/cni-shim/cni-shim/pkg/inventory"
	"github.com/cni-shim/cni-shim/pkg/secret"
	"github.com/cni-shim/cni-shim/pkg/source"
	"github.com/cni-shim/cni-shim/pkg/survey"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

// Options say what node is bundled.
type Options struct {
	survey.Options
	Version string // of cni-shim
	Since   string // how far back journals are read, as journalctl takes it
}

// Bounds of single sources.
const (
	maxListed   = 20000   // files of a directory tree
	maxEntries  = "20000" // of a journal, the newest
	maxJournal  = 24 << 20
	journalTime = 15 * time.Second
)

// units of daemons whose lines about the network are collected.
var units = []string{"kubelet", "containerd", "crio", "k3s", "k3s-agent", "rke2-server", "rke2-agent", "docker"}

// words by which a line of a daemon's journal is about the network.
var words = []string{"cni", "network", "sandbox", "netns"}

// Members are the files of a node's bundle. m has learnt the secrets of the node's files by then.
func Members(o Options, m *secret.Known) []Member {
	members := []Member{
		{"version.txt", "this program, the kernel, the distribution", func(context.Context) ([]byte, error) { return version(o.Version) }},
		{"status.txt", "cni-shim status", func(ctx context.Context) ([]byte, error) {
			var b bytes.Buffer
			s := survey.Take(ctx, o.Options)
			s.Text(&b, s.Now.Time, false)
			return b.Bytes(), nil
		}},
		{"status.json", "cni-shim status -o json", func(ctx context.Context) ([]byte, error) {
			return json.MarshalIndent(survey.Take(ctx, o.Options), "", "  ")
		}},
		{"findings.txt", "cni-shim check " + o.ConfDir, func(context.Context) ([]byte, error) { return findings(o) }},
		{"plugins.txt", "the programs in " + strings.Join(o.BinDirs, ", "), func(context.Context) ([]byte, error) { return programs(o.BinDirs) }},
	}
	entries, _ := os.ReadDir(o.ConfDir) // findings tell that it cannot be read
	for _, e := range entries {
		path := filepath.Join(o.ConfDir, e.Name())
		if e.IsDir() || !source.Readable(e.Name()) {
			if text, err := disk.ReadAnyone(path, maxMember); err == nil {
				m.Learn(text) // a kubeconfig beside the configurations: never taken, and never repeated
			}
			continue
		}
		if text, err := disk.ReadAnyone(path, maxMember); err == nil {
			m.Learn(text)
		}
		members = append(members, Member{"net.d/" + e.Name(), path + ", secrets masked", func(context.Context) ([]byte, error) { return disk.ReadAnyone(path, maxMember) }})
	}
	members = append(members,
		Member{"net.d.txt", "the names in " + o.ConfDir, func(context.Context) ([]byte, error) { return tree(o.ConfDir, false) }},
		Member{"journal/cni-shim.txt", "journalctl -t cni-shim --since " + o.Since, func(ctx context.Context) ([]byte, error) {
			return journal(ctx, "-t", "cni-shim", "--since", o.Since, "-o", "verbose")
		}})
	for _, u := range units {
		members = append(members, Member{"journal/" + u + ".txt", "journalctl -u " + u + " --since " + o.Since + ", lines about the network", func(ctx context.Context) ([]byte, error) {
			b, err := journal(ctx, "-u", u, "--since", o.Since, "-o", "short-iso")
			return about(b), err
		}})
	}
	return append(members,
		Member{"network/links.txt", "links, addresses, routes, rules", func(context.Context) ([]byte, error) { return links() }},
		Member{"network/netfilter.txt", "nft list ruleset, iptables-save, ip6tables-save", func(ctx context.Context) ([]byte, error) {
			lines, _, err := hostnet.Netfilter(ctx)
			return []byte(strings.Join(lines, "\n")), err
		}},
		Member{"ipam/networks.txt", "/var/lib/cni/networks, with who has what", func(context.Context) ([]byte, error) { return tree("/var/lib/cni/networks", true) }},
		Member{"ipam/results.txt", "the names in /var/lib/cni/results", func(context.Context) ([]byte, error) { return tree("/var/lib/cni/results", false) }},
	)
}

func version(own string) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "cni-shim %s\n", own)
	for _, path := range []string{"/proc/version", "/etc/os-release"} {
		if text, err := disk.ReadAnyone(path, 64<<10); err == nil {
			b.Write(text)
		}
	}
	return b.Bytes(), nil
}

func findings(o Options) ([]byte, error) {
	r, err := check.Path(o.ConfDir, check.Options{Runtime: o.Runtime, OnNode: true})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	diag.WriteText(&b, r.List, diag.TextOptions{Line: func(string, int) (string, bool) { return "", false }})
	e, w, i := r.List.Count()
	fmt.Fprintf(&b, "%d errors, %d warnings, %d info\n", e, w, i)
	return b.Bytes(), nil
}

// programs lists what is in the plugin directories. Only those of the chain are asked for their versions, by the survey.
func programs(dirs []string) ([]byte, error) {
	var b bytes.Buffer
	var errs error
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		errs = errors.Join(errs, err)
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			fi, err := os.Stat(path)
			if err != nil {
				fmt.Fprintln(&b, visible.Line(fmt.Sprintf("%s: %v", path, err)))
				continue
			}
			fmt.Fprintf(&b, "%s %10d %s %s %s\n", fi.Mode(), fi.Size(), fi.ModTime().UTC().Format(time.RFC3339), visible.Line(path), inventory.CPU(path))
		}
	}
	return b.Bytes(), errs
}

// tree lists what is below a directory, with the contents of small files where they are asked for.
func tree(dir string, contents bool) ([]byte, error) {
	var b bytes.Buffer
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if n++; n > maxListed {
			return fmt.Errorf("%s: more than %d files", dir, maxListed)
		}
		fi, err := d.Info()
		if err != nil {
			return nil // gone since
		}
		fmt.Fprintf(&b, "%s %8d %s %s", fi.Mode(), fi.Size(), fi.ModTime().UTC().Format(time.RFC3339), visible.Line(path))
		if contents && d.Type().IsRegular() {
			text, _ := disk.ReadAnyone(path, 1024)
			fmt.Fprintf(&b, " %q", text)
		}
		b.WriteByte('\n')
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return b.Bytes(), err
}

// journal reads entries; nothing where there is no journalctl.
func journal(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, journalTime)
	defer cancel()
	b, _, err := delegate.Tool(ctx, maxJournal, "journalctl", append([]string{"--no-pager", "-q", "-n", maxEntries}, args...)...)
	return b, err
}

// about keeps the lines that are about the network.
func about(b []byte) []byte {
	lines := bytes.SplitAfter(b, []byte{'\n'})
	return bytes.Join(slices.DeleteFunc(lines, func(l []byte) bool {
		lower := bytes.ToLower(l)
		return !slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(lower, []byte(w)) })
	}), nil)
}

func links() ([]byte, error) {
	var b bytes.Buffer
	links, err := hostnet.Links()
	names := hostnet.Names(links)
	for _, l := range links {
		fmt.Fprintln(&b, "link", l.Text(names))
	}
	addresses, addrErr := hostnet.Addresses(names)
	for _, a := range addresses {
		fmt.Fprintln(&b, "address", a)
	}
	routes, routeErr := hostnet.Routes(names)
	for _, r := range routes {
		fmt.Fprintln(&b, "route", r.Text())
	}
	rules, ruleErr := hostnet.Rules()
	for _, r := range rules {
		fmt.Fprintln(&b, "rule", r)
	}
	return b.Bytes(), errors.Join(err, addrErr, routeErr, ruleErr)
}
