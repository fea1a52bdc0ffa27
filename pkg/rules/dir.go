package rules

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/source"
)

// Dir is a configuration directory with its configurations.
type Dir struct {
	*source.Dir
	Runtime string           // "crio", else containerd: who reads it
	Confs   map[string]*Conf // of the candidates that could be read, by name
	OnNode  bool             // it is the one that a runtime of this node reads, and no copy: paths mean what they say
	Root    string           // of the node's files; "" for /
	All     bool             // the runtime attaches pods to every network of the directory

	shims []outer // see outers
	read  bool
}

// DirFinding is what a rule has found in a directory. Offsets are those of the raw text of the file, where Whole is
// not set.
type DirFinding struct {
	Finding
	Path string // of the file, or of the directory
}

// DirPass is one rule's look at a directory.
type DirPass struct {
	*Dir
	rule     *Rule
	findings *[]DirFinding
}

// CheckDir runs every rule on a directory as a whole; its files are Check's.
func CheckDir(d *Dir) []DirFinding {
	var out []DirFinding
	for _, r := range registry {
		if r.Dir != nil {
			r.Dir(&DirPass{Dir: d, rule: r, findings: &out})
		}
	}
	return out
}

// whole reports a file, or the directory itself, as a whole.
func (p *DirPass) whole(s diag.Severity, path, fix, format string, args ...any) {
	p.report(path, Finding{Severity: s, Whole: true, Fix: fix, Message: fmt.Sprintf(format, args...)})
}

// top reports the beginning of a file.
func (p *DirPass) top(s diag.Severity, path, fix, format string, args ...any) {
	p.report(path, Finding{Severity: s, Fix: fix, Message: fmt.Sprintf(format, args...)})
}

// value reports a value in one of the files.
func (p *DirPass) value(s diag.Severity, path string, n *jsondoc.Node, fix, format string, args ...any) {
	p.report(path, Finding{Severity: s, Start: n.Start, End: headEnd(n), Fix: fix, Message: fmt.Sprintf(format, args...)})
}

func (p *DirPass) report(path string, f Finding) {
	if len(*p.findings) >= maxFindings {
		return
	}
	if f.Rule == nil {
		f.Rule = p.rule
	}
	if f.Fix == "" {
		f.Fix = p.rule.Fix
	}
	*p.findings = append(*p.findings, DirFinding{f, path})
}

// candidates are the entries that a runtime reads, in its order.
func (d *Dir) candidates() []*source.Entry {
	var out []*source.Entry
	for _, e := range d.Entries {
		if e.Candidate {
			out = append(out, e)
		}
	}
	return out
}

// networks are the candidates that compete for the pods' network: a loopback beside the main network does not, and
// behind multus or the shim the others are their sources.
func (d *Dir) networks() []*source.Entry {
	var out []*source.Entry
	for _, e := range d.candidates() {
		c := d.Confs[e.Name]
		if c != nil && c.Root != nil && len(c.Chain) > 0 && allLoopback(c) {
			continue
		}
		out = append(out, e)
		if len(out) == 1 && c != nil && len(c.Chain) > 0 {
			switch c.Chain[0].Type {
			case "multus", "multus-shim", "cni-shim":
				return out
			}
		}
	}
	return out
}

func allLoopback(c *Conf) bool {
	for _, p := range c.Chain {
		if p.Type != "loopback" {
			return false
		}
	}
	return true
}

// loads tells whether libcni takes the file.
func (d *Dir) loads(e *source.Entry) bool {
	c := d.Confs[e.Name]
	return e.Err == nil && c != nil && c.Refusal() == nil
}

var dirNoConfig = Rule{
	ID: "dir-no-config", Title: "no network configuration in the directory", Severity: diag.Error,
	Doc:    "Nothing in the directory has a name that a runtime reads, so the node stays NotReady: no network plugin is installed, or its installer has not come that far.",
	Fix:    "install a network add-on, or look at the logs of its installer",
	Bad:    "-- README --\nput the network here\n",
	Good:   "-- 10-lab.conflist --\n" + `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/conf.go (ConfFiles); containerd/go-cni:opts.go",
	Dir: func(p *DirPass) {
		for _, e := range p.Entries {
			if e.Candidate {
				return
			}
		}
		p.whole(diag.Error, p.Path, "", "no network configuration in %s: no file whose name ends in .conflist, .conf or .json", p.Path)
	},
}

var _ = add(&dirNoConfig)

// backups are endings of names that people and programs give to what shall not be read.
var backups = [...]string{".bak", "~", ".orig", ".old", ".save", ".backup", ".disabled", ".off", ".cilium_bak", ".rpmsave", ".rpmorig", ".dpkg-old", ".dpkg-dist", ".swp", ".tmp", ".template", ".tmpl", ".sample", ".example", ".dist", ".rpmnew", ".dpkg-new"}

var extIgnored = Rule{
	ID: "ext-ignored", Title: "a configuration under a name that no runtime reads", Severity: diag.Warning,
	Doc:    "Runtimes read .conflist, .conf and .json, in lower case. A backup beside a configuration that is read is as it should be (info).",
	Fix:    "rename it to .conflist",
	Bad:    "-- 10-lab.yaml --\n" + `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}` + "\n-- 20-lo.conf --\n" + `{"cniVersion": "1.0.0", "name": "lo", "type": "loopback"}`,
	Good:   "-- 10-lab.conflist --\n" + `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`,
	Source: "containernetworking/cni:libcni/conf.go (ConfFiles)",
	Dir: func(p *DirPass) {
		read := len(p.candidates()) > 0
		for _, e := range p.Entries {
			if e.Candidate || e.IsDir() || !source.LooksLikeCNI(e.Text) || p.shimRenamed(e) {
				continue
			}
			s, name := diag.Warning, strings.ToLower(e.Name)
			for _, b := range backups {
				if i := strings.LastIndex(name, b); i > 0 && (read || b == ".cilium_bak" || b == ".tmp") && (strings.HasSuffix(name, b) || b == ".tmp" && strings.HasPrefix(name[i:], ".tmp.")) {
					s = diag.Info
				}
			}
			fix := "rename it to " + renamed(e.Name)
			if s == diag.Info {
				fix = "delete it, or rename it to " + renamed(e.Name) + " if it is the one that shall be read"
			}
			p.top(s, e.Path, fix, "no runtime reads %s: the name must end in .conflist, .conf or .json", e.Name)
		}
	},
}

var _ = add(&extIgnored)

// renamed is the name under which a runtime would read the file.
func renamed(name string) string {
	for s := strings.ToLower(name); s != ""; s = strings.TrimSuffix(s, filepath.Ext(s)) {
		if source.Readable(s) {
			return s
		}
		if filepath.Ext(s) == "" {
			break
		}
	}
	return strings.TrimSuffix(name, filepath.Ext(name)) + ".conflist"
}

var dirMultipleConfigs = Rule{
	ID: "dir-multiple-configs", Title: "several networks compete", Severity: diag.Warning,
	Doc:    "Only the first name in byte order becomes the pods' network. containerd does not read the others (unless max_conf_num says so), CRI-O keeps them for pods that ask by name.",
	Fix:    "delete or move away the configurations that are not meant",
	Bad:    "-- 10-a.conflist --\n" + `{"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "bridge"}]}` + "\n-- 20-b.conflist --\n«" + `{»"cniVersion": "1.0.0", "name": "b", "plugins": [{"type": "ptp", "ipam": {"type": "dhcp"}}]}`,
	Good:   "-- 10-a.conflist --\n" + `{"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "bridge"}]}`,
	Source: "containerd/go-cni:opts.go (max_conf_num); cri-o/ocicni:pkg/ocicni/ocicni.go",
	Dir: func(p *DirPass) {
		nets := p.networks()
		if p.All {
			return
		}
		var losers []string
		var first *source.Entry
		for i, e := range nets {
			if i > 0 && p.loads(e) && p.loads(nets[0]) && !outOfOrder(nets[0].Name, e.Name) && p.Confs[e.Name].own() == nil {
				if losers = append(losers, e.Name); first == nil {
					first = e
				}
			}
		}
		if first == nil {
			return
		}
		more := ""
		if len(losers) > 1 {
			more = fmt.Sprintf(" (and %d more)", len(losers)-1)
		}
		p.value(diag.Warning, first.Path, p.Confs[first.Name].Root, "", "%s%s is not used: %s comes first", first.Name, more, nets[0].Name)
	},
}

var _ = add(&dirMultipleConfigs)

var dirLexicalOrder = Rule{
	ID: "dir-lexical-order", Title: "numbers in names do not sort as numbers", Severity: diag.Warning,
	Doc:    "Runtimes sort names as text: 100- comes before 20-, so the file with the lower number is not the first.",
	Fix:    "write the numbers with the same count of digits",
	Bad:    "-- 100-a.conflist --\n" + `{"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "bridge"}]}` + "\n-- 20-b.conflist --\n«" + `{»"cniVersion": "1.0.0", "name": "b", "plugins": [{"type": "ptp", "ipam": {"type": "dhcp"}}]}`,
	Good:   "-- 20-b.conflist --\n" + `{"cniVersion": "1.0.0", "name": "b", "plugins": [{"type": "ptp", "ipam": {"type": "dhcp"}}]}`,
	Source: "containerd/go-cni:opts.go (sort.Strings)",
	Dir: func(p *DirPass) {
		nets := p.networks()
		for i, e := range nets {
			if i > 0 && outOfOrder(nets[0].Name, e.Name) && p.Confs[e.Name] != nil && p.Confs[e.Name].Root != nil {
				p.value(diag.Warning, e.Path, p.Confs[e.Name].Root, "", "%s sorts behind %s: names are compared as text, not as numbers", e.Name, nets[0].Name)
				return
			}
		}
	},
}

var _ = add(&dirLexicalOrder)

// outOfOrder tells whether the number that a begins with is greater than that of b, which sorts behind it.
func outOfOrder(a, b string) bool {
	x, y := number(a), number(b)
	if x == "" || y == "" {
		return false
	}
	x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
	return len(x) > len(y) || len(x) == len(y) && x > y
}

func number(name string) string {
	i := 0
	for i < len(name) && name[i] >= '0' && name[i] <= '9' {
		i++
	}
	return name[:i]
}

var dirFirstBroken = Rule{
	ID: "dir-first-broken", Title: "the first file does not load", Severity: diag.Error,
	Doc:    "containerd reads the first file only and then has no network at all. CRI-O passes over it and takes the next, so pods end up in another network.",
	Fix:    "repair the first file",
	Bad:    "-- 10-a.conflist --\n«{»\"cniVersion\": \"1.0.0\"}\n-- 20-b.conflist --\n" + `{"cniVersion": "1.0.0", "name": "b", "plugins": [{"type": "ptp", "ipam": {"type": "dhcp"}}]}`,
	Good:   "-- 10-a.conflist --\n" + `{"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "bridge"}]}`,
	Source: "containerd/go-cni:opts.go; cri-o/ocicni:pkg/ocicni/ocicni.go",
	Dir: func(p *DirPass) {
		all := p.networks()
		if len(all) < 2 || all[0].Err != nil || p.loads(all[0]) || linkText(all[0].Text) {
			return
		}
		var next *source.Entry
		for _, e := range all[1:] {
			if next == nil && p.loads(e) {
				next = e
			}
		}
		if next == nil {
			return
		}
		message := fmt.Sprintf("%s does not load, and it is the first: containerd has no network, CRI-O takes %s instead", all[0].Name, next.Name)
		if p.Runtime == "crio" {
			message = fmt.Sprintf("%s does not load; CRI-O takes %s instead", all[0].Name, next.Name)
		}
		p.top(diag.Error, all[0].Path, "", "%s", message)
	},
}

var _ = add(&dirFirstBroken)

var dirDuplicateNetworkName = Rule{
	ID: "dir-duplicate-network-name", Title: "two files define the same network", Severity: diag.Warning,
	Doc:    "Runtimes and tools that look a network up by its name find the first; caches and IPAM directories are shared.",
	Fix:    "delete one of them, or give it another name",
	Bad:    "-- 10-a.conf --\n" + `{"cniVersion": "1.0.0", "name": "lo", "type": "loopback"}` + "\n-- 20-b.conf --\n" + `{"cniVersion": "1.0.0", "name": «"lo"», "type": "loopback"}`,
	Good:   "-- 10-a.conf --\n" + `{"cniVersion": "1.0.0", "name": "lo", "type": "loopback"}`,
	Source: "cri-o/ocicni:pkg/ocicni/ocicni.go; containernetworking/cni:libcni/conf.go (LoadNetworkConf)",
	Dir: func(p *DirPass) {
		seen := map[string]string{}
		for _, e := range p.candidates() {
			c := p.Confs[e.Name]
			if c == nil || c.Root == nil || !c.name().Is(jsondoc.String) || c.name().Str() == "" {
				continue
			}
			if first := seen[c.name().Str()]; first != "" && p.wraps(first, e.Name) {
				continue
			} else if first != "" {
				p.value(diag.Warning, e.Path, c.name(), "", "%s defines the network %q already", first, c.name().Str())
				continue
			}
			seen[c.name().Str()] = e.Name
		}
	},
}

var _ = add(&dirDuplicateNetworkName)

var dirHiddenFileLoads = Rule{
	ID: "dir-hidden-file-loads", Title: "a hidden file is read", Severity: diag.Warning,
	Doc:    "A name that begins with a dot and ends in a CNI extension is read as any other, and sorts before all of them.",
	Fix:    "delete it, or rename it",
	Bad:    "-- .10-a.conf --\n" + `{"cniVersion": "1.0.0", "name": "lo", "type": "loopback"}`,
	Good:   "-- 10-a.conf --\n" + `{"cniVersion": "1.0.0", "name": "lo", "type": "loopback"}`,
	Source: "containernetworking/cni:libcni/conf.go (ConfFiles)",
	Dir: func(p *DirPass) {
		for _, e := range p.candidates() {
			if strings.HasPrefix(e.Name, ".") && e.Err == nil {
				p.top(diag.Warning, e.Path, "", "%s is hidden and read all the same, before every other file", e.Name)
			}
		}
	},
}

var _ = add(&dirHiddenFileLoads)

var fileNotRegular = Rule{
	ID: "file-not-regular", Title: "a name like a configuration's that is no file", Severity: diag.Warning,
	Doc:    "A directory under such a name is skipped. A pipe or a device is opened, and the runtime waits for it (error).",
	Fix:    "delete it and write the file",
	Source: "containernetworking/cni:libcni/conf.go (ConfFiles)",
	Dir: func(p *DirPass) {
		for _, e := range p.Entries {
			if e.IsDir() && source.Readable(e.Name) {
				p.whole(diag.Warning, e.Path, "", "%s is a directory; runtimes skip it", e.Name)
			} else if e.Candidate && e.Mode&fs.ModeSymlink == 0 && !e.Mode.IsRegular() {
				p.whole(diag.Error, e.Path, "", "%s is no regular file; a runtime that reads it may wait for ever", e.Name)
			}
		}
	},
}

var _ = add(&fileNotRegular)

var danglingLink = Rule{
	ID: "file-dangling-link", Title: "a link that leads nowhere", Severity: diag.Error,
	Doc:    "A symbolic link with a CNI extension is read through; when its target is missing, loops or is no file, containerd fails to load the directory. Editors leave such links as locks (.#name). A copy without links, as git makes on some systems, has the target's name for content.",
	Fix:    "delete the link, or restore its target",
	Source: "containernetworking/cni:libcni/conf.go (ConfFiles looks at the link, ReadFile follows it)",
	Dir: func(p *DirPass) {
		for _, e := range p.candidates() {
			if e.Err == nil || e.Mode&fs.ModeSymlink == 0 && !e.Mode.IsRegular() {
				continue // told as no regular file
			}
			p.report(e.Path, Unreadable(e.Path, e.Err))
		}
	},
}

var _ = add(&danglingLink)

func linkTrouble(err error) string {
	switch {
	case os.IsNotExist(err):
		return "does not exist"
	case strings.Contains(err.Error(), "too many levels"):
		return "leads round in a circle"
	}
	return "is no file"
}

var fileUnreadable = Rule{
	ID: "file-unreadable", Title: "a file that cannot be read", Severity: diag.Error,
	Doc:    "The user that runs the runtime, or this check, may not read the file, or it is larger than any configuration.",
	Fix:    "make it readable for root: chmod 600, or 644",
	Source: "containernetworking/cni:libcni/conf.go",
}

var _ = add(&fileUnreadable)

// Unreadable is the finding for a file that cannot be read, be it in the directory or below it.
func Unreadable(path string, err error) Finding {
	name := filepath.Base(path)
	rule, message := Lookup("file-unreadable"), fmt.Sprintf("%s cannot be read: %s", name, plainError(err))
	if target, e := os.Readlink(path); e == nil && !os.IsPermission(err) {
		rule, message = Lookup("file-dangling-link"), fmt.Sprintf("%s links to %s, which %s", name, target, linkTrouble(err))
	}
	fix := rule.Fix
	if uid := os.Geteuid(); uid != 0 && os.IsPermission(err) {
		message, fix = fmt.Sprintf("%s (this check runs as uid %d)", message, uid), "run the check as root; the runtime may read the file"
	}
	return Finding{Rule: rule, Severity: diag.Error, Whole: true, Message: message, Fix: fix}
}

// plainError is the system's words without the operation and the path.
func plainError(err error) string {
	if e, ok := err.(*fs.PathError); ok {
		return e.Err.Error()
	}
	return err.Error()
}

var kubeconfigMissing = Rule{
	ID: "kubeconfig-missing", Title: "a kubeconfig of this directory that is not there", Severity: diag.Warning,
	Doc:    "The configuration names a kubeconfig under /etc/cni/net.d, and the directory checked, which stands for that one, does not have it. The plugin cannot reach the API server.",
	Fix:    "restart the add-on's pod on this node, which writes both, or delete the stale configuration",
	Bad:    "-- 10-a.conflist --\n" + `{"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "calico", "kubernetes": {"kubeconfig": «"/etc/cni/net.d/calico-kubeconfig"»}}]}`,
	Good:   "-- 10-a.conflist --\n" + `{"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "calico", "kubernetes": {"kubeconfig": "/etc/cni/net.d/calico-kubeconfig"}}]}` + "\n-- calico-kubeconfig --\nkind: Config\n",
	Source: "projectcalico/calico:cni-plugin/pkg/types/types.go; k8snetworkplumbingwg/multus-cni:pkg/types/conf.go",
	Dir: func(p *DirPass) {
		const here = "/etc/cni/net.d/"
		for _, e := range p.candidates() {
			c := p.Confs[e.Name]
			if c == nil || c.Root == nil {
				continue
			}
			walk(c.Root, func(n *jsondoc.Node) {
				if n.Key != "kubeconfig" || c.hole(n) {
					return
				}
				path := ""
				if rel, ok := strings.CutPrefix(n.Str(), here); p.OnNode && filepath.IsAbs(n.Str()) {
					path = filepath.Join(p.Root, n.Str())
				} else if ok {
					path = filepath.Join(p.Path, filepath.Clean("/"+rel))
				} else {
					return
				}
				if _, err := os.Lstat(path); os.IsNotExist(err) {
					p.value(diag.Warning, e.Path, n, "", "the kubeconfig %s does not exist", n.Str())
				}
			})
		}
	},
}

var _ = add(&kubeconfigMissing)

// linkText tells the content of a link that was written as a file: a path or an editor's lock, user@host.pid, and
// nothing else.
func linkText(text []byte) bool {
	s := strings.TrimSuffix(string(text[:min(len(text), 4096)]), "\n")
	return len(s) > 1 && len(s) < 1024 && !strings.ContainsAny(s, " \t\r\n{}[]\"'<>=") && (strings.Contains(s, "@") || strings.HasPrefix(s, "/") || strings.HasPrefix(s, "../") || strings.HasPrefix(s, "./"))
}
