package install

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/outer"
	"github.com/cni-shim/cni-shim/pkg/source"
)

// check looks for what would make the shim useless or harmful on this node.
func (p *Plan) check(r node.Runtime, ch *chain.Chain) {
	if p.o.Root == "" && os.Geteuid() != 0 {
		p.fail(true, "run it as root", "not root: the node's directories belong to root")
	}
	p.directory(p.ConfDir, false)
	p.directory(p.BinDir, true)
	for _, x := range r.Problems {
		p.warn("correct "+x.File, "%s: %s", x.File, x.Cause)
	}
	inDir := p.o.Chain == "" || filepath.Clean(p.o.Chain) == p.ConfDir || filepath.Dir(filepath.Clean(p.o.Chain)) == p.ConfDir
	if r.MaxConfNum != 1 && inDir {
		p.fail(false, "set max_conf_num = 1 and restart the runtime, or move the chain to another directory and name it with --chain",
			"%s sets max_conf_num = %d: every pod would be attached to the shim's list, and to the chain that it wraps once more", r.Config, r.MaxConfNum)
	}
	if r.DefaultNetwork != "" && (ch == nil || ch.Name != r.DefaultNetwork) {
		name := "no chain can be loaded"
		if ch != nil {
			name = "the chain's is " + ch.Name
		}
		p.fail(false, "empty cni_default_network, or name the file of that network with --chain", "%s wants the network %q (cni_default_network), and %s: the shim would never run", r.Config, r.DefaultNetwork, name)
	}
	if strings.Contains(p.BinDir, "/data/current/") {
		p.warn("install again after an upgrade of "+r.Distro, "%s belongs to one release of %s: the shim is gone from it after an upgrade", p.BinDir, r.Distro)
	}
	p.neighbours(ch)
	p.selinux()
}

// directory judges a directory that will be written to.
func (p *Plan) directory(dir string, programs bool) {
	if why := p.mountProblem(dir, programs); why != "" {
		p.fail(true, "name another directory with --bin-dir or --conf-dir, one that the runtime reads", "%s: %s", dir, why)
		return
	}
	if err := trusted(p.o.Root, dir); err != nil && !os.IsNotExist(err) {
		p.fail(true, "chown root and chmod go-w the directory", "%v", p.bareText(err.Error()))
	}
}

// neighbours looks for add-ons that would push the shim's list away, or run it in a circle.
func (p *Plan) neighbours(ch *chain.Chain) {
	d, err := source.ReadDir(p.path(p.ConfDir))
	if err != nil {
		return // it will be made, or has been told
	}
	cilium, multus := "", ""
	for _, e := range d.Entries {
		if e.Candidate && e.Name < outer.Name {
			p.fail(false, "rename it to a name that sorts behind "+outer.Name, "%s sorts before %s: the runtime would use it, and never the shim", p.bare(e.Path), outer.Name)
		}
		if strings.HasSuffix(e.Name, ".cilium_bak") || e.Candidate && bytes.Contains(e.Text, []byte(`"cilium-cni"`)) {
			cilium = e.Name
		}
		if e.Name == "00-multus.conf" || e.Name == "00-multus.conflist" {
			multus = e.Name
		}
	}
	if cilium != "" {
		p.warn("set cni.exclusive=false in Cilium's Helm values (cni-exclusive: \"false\" in the ConfigMap cilium-config)",
			"%s shows Cilium on this node, which renames every configuration that is not its own, the shim's too, unless it is told not to", cilium)
	}
	if multus != "" {
		p.fail(false, "give Multus the file of its cluster network by name (--multus-master-cni-file-name), then install with --force",
			"%s was written by Multus for the first file that it found; it would find the shim's list next, which runs Multus: a circle", multus)
	} else if ch != nil {
		for _, pl := range ch.Plugins {
			if strings.HasPrefix(pl.Network.Type, "multus") {
				p.warn("give Multus the file of its cluster network by name", "the chain runs Multus: where that takes the first file for its cluster network it would find the shim's list, a circle")
				break
			}
		}
	}
}

// selinux warns where the program would get no label that the runtime may run.
func (p *Plan) selinux() {
	b, err := os.ReadFile(p.path("/sys/fs/selinux/enforce"))
	if err != nil || !bytes.HasPrefix(b, []byte("1")) {
		return
	}
	if label(p.path(p.BinDir), programName) == nil {
		p.warn("restorecon -v "+filepath.Join(p.BinDir, programName), "SELinux enforces, and there is no plugin in %s whose label the shim could take", p.BinDir)
	}
}

// label is the SELinux label of a regular file in dir other than but: what its neighbours have, a new file needs.
func label(dir, but string) []byte {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.Name() == but || !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		b := make([]byte, 1024)
		if n, err := syscall.Getxattr(filepath.Join(dir, e.Name()), selinuxXattr, b); err == nil && n > 0 {
			return b[:n]
		}
	}
	return nil
}

const selinuxXattr = "security.selinux"
