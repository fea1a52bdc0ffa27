package node

import (
	"path/filepath"
	"slices"
)

// defaultCRIOSocket is where CRI-O listens unless told otherwise.
const defaultCRIOSocket = "/run/crio/crio.sock"

// crio finds CRI-O: its main file, then its drop-ins in order of their names, each winning over those before
// (crio.conf(5), crio.conf.d(5)).
func (t tree) crio() []Runtime {
	const main = "/etc/crio/crio.conf"
	files := []string{main}
	for _, dir := range [...]string{"/usr/lib/crio/crio.conf.d", "/etc/crio/crio.conf.d"} {
		drops := t.glob(dir + "/*")
		slices.Sort(drops)
		files = append(files, drops...)
	}
	if !t.exists(files...) && !t.exists("/usr/bin/crio", "/usr/local/bin/crio", defaultCRIOSocket, "/var"+defaultCRIOSocket) {
		return nil
	}
	r := Runtime{Kind: CRIO, ConfDir: DefaultConfDir, BinDirs: t.defaultBins(), MaxConfNum: 1, Socket: defaultCRIOSocket}
	all := table{}
	for _, f := range files {
		one, problem := t.readTOML(f)
		if problem != nil {
			r.Problems = append(r.Problems, *problem)
		}
		if one != nil && r.Config == "" {
			r.Config = f
		}
		all.merge(one)
	}
	if s, ok := all.in("crio", "api").str("listen"); ok && s != "" {
		r.Socket = s
	}
	r.Running = t.exists(r.Socket) || r.Socket == defaultCRIOSocket && t.exists("/var"+defaultCRIOSocket) // where /var/run is no link
	network := all.in("crio", "network")
	if s, ok := network.str("network_dir"); ok && s != "" {
		r.ConfDir = filepath.Join("/", s)
	}
	if s, ok := network.str("plugin_dir"); ok { // before 1.14
		r.search([]string{s})
	}
	if list, ok := network.strs("plugin_dirs"); ok {
		r.search(list)
	}
	r.DefaultNetwork, _ = network.str("cni_default_network")
	return []Runtime{r}
}
