package rules

import (
	"path/filepath"

	"github.com/cni-shim/cni-shim/pkg/diag"
)

var pluginDirMerged = Rule{
	ID: "plugin-dir-merged", Title: "a directory named like the network adds plugins", Severity: diag.Warning,
	Doc:    "libcni 1.3 (containerd 2.1, recent CRI-O) appends the *.conf files of <name>/ beside the list to its chain; older runtimes do not. A list that has no plugins of its own means it so (info).",
	Fix:    "put the plugins into the list, or set loadOnlyInlinedPlugins",
	Bad:    "-- 10-a.conflist --\n" + `{"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "bridge"}]}` + "\n-- a/10-tuning.conf --\n" + `{"type": "tuning"}`,
	Good:   "-- 10-a.conflist --\n" + `{"cniVersion": "1.0.0", "name": "a", "loadOnlyInlinedPlugins": true, "plugins": [{"type": "bridge"}]}` + "\n-- a/10-tuning.conf --\n" + `{"type": "tuning"}`,
	Source: "containernetworking/cni:libcni/conf.go (NetworkPluginConfsFromFiles)",
	Dir: func(p *DirPass) {
		for _, e := range p.candidates() {
			c := p.Confs[e.Name]
			if c == nil || c.Root == nil || c.Kind != List || len(c.Sub.Files) == 0 || c.inlinedOnly() || c.Sub.NotADir || c.name().Str() == "" {
				continue
			}
			s := diag.Warning
			if !c.isList() {
				s = diag.Info
			}
			p.whole(s, c.Sub.Path, "", "the plugins of %s/ are appended to the chain of %s where libcni is 1.3 or later", filepath.Base(c.Sub.Path), e.Name)
		}
	},
}

var _ = add(&pluginDirMerged)

var pluginDirBroken = Rule{
	ID: "plugin-dir-broken", Title: "a file of the network's directory does not load", Severity: diag.Error, Refuses: true,
	Doc:    "One bad *.conf in the directory named like the network takes the whole network down, where libcni is 1.3 or later.",
	Fix:    "repair the file, or set loadOnlyInlinedPlugins in the list",
	Bad:    "-- 10-a.conflist --\n" + `{"cniVersion": "1.0.0", "name": «"a"», "plugins": [{"type": "bridge"}]}` + "\n-- a/10-tuning.conf --\n" + `{}`,
	Good:   "-- 10-a.conflist --\n" + `{"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "bridge"}, {"type": "tuning"}]}`,
	Source: "containernetworking/cni:libcni/conf.go (NetworkPluginConfsFromFiles)",
	Check: func(p *Pass) {
		if n := p.name(); p.Kind == List && p.Sub.Err != nil && !p.Sub.NotADir && n.Str() != "" {
			p.value(n, "", "%s, which libcni appends to this chain, does not load: %s", filepath.Join(n.Str(), filepath.Base(p.Sub.Culprit)), words(p.Sub.Err))
		}
	},
}

var _ = add(&pluginDirBroken)

var pluginDirNotDirectory = Rule{
	ID: "plugin-dir-not-directory", Title: "a file named exactly like the network", Severity: diag.Error, Refuses: true,
	Doc:    "libcni 1.3 looks for a directory of the network's name, finds a file and refuses the network.",
	Fix:    "rename the network, or move the file away",
	Bad:    "-- 10-a.conflist --\n" + `{"cniVersion": "1.0.0", "name": «"lock"», "plugins": [{"type": "bridge"}]}` + "\n-- lock --\n",
	Good:   "-- 10-a.conflist --\n" + `{"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "bridge"}]}` + "\n-- lock --\n",
	Source: "containernetworking/cni:libcni/conf.go (ConfFiles on a file: ENOTDIR)",
	Check: func(p *Pass) {
		if n := p.name(); p.Kind == List && p.Sub.NotADir && !p.inlinedOnly() && n != nil {
			p.value(n, "", "beside this file is a file named %q, where libcni 1.3 looks for a directory", n.Str())
		}
	},
}

var _ = add(&pluginDirNotDirectory)
