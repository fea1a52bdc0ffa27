package runtimes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cni-shim/cni-shim/integration/runtimes/node"
)

// bridge is a list of the reference plugins, at the version, for the network of that name and the subnet 10.N.0.0/24.
func bridge(version, name string, n int) string {
	return fmt.Sprintf(`{
  "cniVersion": %q,
  "name": %q,
  "plugins": [
    {"type": "bridge", "bridge": "br%d", "isGateway": true, "ipMasq": true, "ipam": {"type": "host-local", "subnet": "10.%d.0.0/24"}},
    {"type": "portmap", "snat": true, "capabilities": {"portMappings": true}}
  ]
}
`, version, name, n, n)
}

const (
	usual = "k8s-pod-network"
	main  = "10-bridge.conflist"
)

// comma is Calico's list with the comma that stopped a cluster.
func comma(n *node.Node) string {
	return strings.Replace(n.Sample("10-calico.conflist"), `"usePodCidr"`, `"usePodCidr",`, 1)
}

// configurations are situations in which a file is what is wrong, or changes.
var configurations = []situation{
	{
		name: "healthy", title: "a chain that works",
		play: func(p *play) {
			p.network(main, p.Sample(main))
			p.start()
			p.ready()
			pod := p.run("web")
			p.end(pod)
			p.left()
		},
	},
	{
		name: "empty", title: "no configuration in the directory", tells: []string{"/etc/cni/net.d", "ConfigMissing"},
		play: func(p *play) {
			p.network("", "")
			p.start()
			p.ready()
			p.run("web")
			p.told()
		},
	},
	{
		name: "comma", title: "a trailing comma in the only list (Calico's, after `usePodCidr`)", tells: []string{"10-calico.conflist:11:31", "comma", "usePodCidr"},
		play: func(p *play) {
			p.network("10-calico.conflist", comma(p.Node))
			p.start()
			p.ready()
			p.run("web")
			p.told()
		},
	},
	{
		name: "comma-cured", title: "the comma is deleted: nothing is restarted", tells: []string{main + ":5:41", "comma"},
		play: func(p *play) {
			broken := strings.Replace(bridge("1.0.0", usual, 61), `"br61"`, `"br61",,`, 1)
			p.network(main, broken)
			p.start()
			p.run("first")
			p.Write(main, bridge("1.0.0", usual, 61))
			p.Settle()
			p.ready()
			p.end(p.run("second"))
			p.left()
		},
	},
	{
		name: "wrong-first", title: "a list left by another network sorts first (flannel's, its program is gone)", tells: []string{"05-flannel.conflist", "flannel"},
		play: func(p *play) {
			p.network("05-flannel.conflist", `{"cniVersion":"1.0.0","name":"cbr0","plugins":[{"type":"flannel","delegate":{"isDefaultGateway":true}}]}`)
			p.Write(main, bridge("1.0.0", usual, 62))
			p.start()
			p.ready()
			p.run("web")
			p.told()
		},
	},
	{
		name: "bad-beside-good", title: "a broken list sorts before a good one", tells: []string{"10-calico.conflist:11:31", "comma"},
		play: func(p *play) {
			p.network("10-calico.conflist", comma(p.Node))
			p.Write("20-bridge.conflist", bridge("1.0.0", usual, 63))
			p.start()
			p.ready()
			p.run("web")
			p.told()
		},
	},
	{
		name: "good-before-bad", title: "a good list sorts before a broken one",
		play: func(p *play) {
			p.network("05-bridge.conflist", bridge("1.0.0", usual, 64))
			p.Write("10-calico.conflist", comma(p.Node))
			p.start()
			p.ready()
			p.end(p.run("web"))
			p.left()
		},
	},
	{
		name: "rewrites", title: "the list is written again while the runtime runs",
		play: func(p *play) {
			p.network(main, bridge("1.0.0", usual, 70))
			p.start()
			for i, w := range writes {
				n := 71 + i
				w.write(p.Node, bridge("1.0.0", usual, n))
				p.Settle()
				pod := &node.Pod{Name: fmt.Sprintf("web%d", n)}
				if err := p.RunPod(pod); err != nil {
					p.add(w.how, err.Error(), false)
					continue
				}
				new := strings.HasPrefix(p.Address(pod), fmt.Sprintf("10.%d.", n))
				p.add(w.how, map[bool]string{true: "seen at once", false: "not seen"}[new], new)
				if err := p.StopPod(pod); err != nil {
					p.Error(err)
				}
				if err := p.RemovePod(pod); err != nil {
					p.Error(err)
				}
			}
		},
	},
}

// writes are the ways in which agents and people write a list.
var writes = []struct {
	how   string
	write func(n *node.Node, text string)
}{
	{"in place", func(_ *node.Node, text string) { must(os.WriteFile(path(main), []byte(text), 0o644)) }},
	{"renamed from a temporary name beside it", func(n *node.Node, text string) { n.Write(main, text) }},
	{"moved in from another directory", func(_ *node.Node, text string) {
		must(os.WriteFile("/etc/moved", []byte(text), 0o644))
		must(os.Rename("/etc/moved", path(main)))
	}},
	{"a symbolic link", func(_ *node.Node, text string) {
		must(os.MkdirAll("/etc/volume/one", 0o755))
		must(os.Symlink("one", "/etc/volume/data"))
		must(os.WriteFile("/etc/volume/one/list", []byte(text), 0o644))
		must(os.Symlink("/etc/volume/data/list", "/etc/link"))
		must(os.Rename("/etc/link", path(main)))
	}},
	{"the link's target, as a ConfigMap's volume does", func(_ *node.Node, text string) {
		must(os.MkdirAll("/etc/volume/two", 0o755))
		must(os.WriteFile("/etc/volume/two/list", []byte(text), 0o644))
		must(os.Symlink("two", "/etc/volume/new"))
		must(os.Rename("/etc/volume/new", "/etc/volume/data"))
	}},
}

func path(name string) string { return filepath.Join(node.ConfDir, name) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}
