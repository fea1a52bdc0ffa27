package runtimes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cni-shim/cni-shim/integration/runtimes/node"
)

func writeProgram(name, text string) error {
	return os.WriteFile(filepath.Join(node.BinDir, name), []byte(text), 0o755)
}

// lives are situations in which something changes while pods run.
var lives = []situation{
	{
		name: "broken-under-pods", title: "the list is broken while a pod runs", tells: []string{main + ":", "comma"},
		play: func(p *play) {
			good := bridge("1.0.0", usual, 66)
			p.network(main, good)
			p.start()
			pod := p.run("web")
			p.Write(main, strings.Replace(good, `"br66"`, `"br66",,`, 1))
			p.Settle()
			p.ready()
			p.end(pod)
			p.left()
		},
	},
	{
		name: "emptied-under-pods", title: "the list is deleted while a pod runs", tells: []string{"/etc/cni/net.d", "ConfigMissing"},
		play: func(p *play) {
			p.network(main, bridge("1.0.0", usual, 66))
			p.start()
			pod := p.run("web")
			p.Remove(main)
			p.Settle()
			p.ready()
			p.end(pod)
			p.left()
		},
	},
	{
		name: "renamed", title: "the network is renamed while a pod runs",
		play: func(p *play) {
			p.network(main, bridge("1.0.0", usual, 67))
			p.start()
			pod := p.run("web")
			p.Write(main, bridge("1.0.0", "another-name", 67))
			p.Settle()
			p.end(pod)
			p.left()
			p.end(p.run("web2"))
			p.left()
		},
	},
	{
		name: "replaced", title: "another network takes the place of the first while a pod runs",
		play: func(p *play) {
			p.network(main, bridge("1.0.0", usual, 68))
			p.start()
			pod := p.run("web")
			p.Remove(main)
			p.Write("10-ptp.conflist", `{"cniVersion": "1.0.0", "name": "second", "plugins": [{"type": "ptp", "ipam": {"type": "host-local", "subnet": "10.69.0.0/24"}}]}`)
			p.Settle()
			p.end(pod)
			p.left()
			p.end(p.run("web2"))
		},
	},
	{
		name: "reboot", title: "the node is rebooted: no namespace, nothing in /run, the runtime remembers its pods",
		play: func(p *play) {
			p.network(main, bridge("1.0.0", usual, 64))
			p.start()
			pod := p.run("web")
			if err := p.Reboot(); err != nil {
				p.Fatal(err)
			}
			p.start()
			p.ready()
			p.end(pod)
			p.left()
			p.end(p.run("web2"))
			p.left()
		},
	},
	{
		name: "restart", title: "the runtime is restarted while a pod runs",
		play: func(p *play) {
			p.network(main, bridge("1.0.0", usual, 64))
			p.start()
			pod := p.run("web")
			p.Stop()
			p.start()
			p.end(pod)
			p.left()
		},
	},
	{
		name: "installed-late", title: "the shim is installed while a pod runs (`cni-shim install`)",
		play: func(p *play) {
			p.Write(main, bridge("1.0.0", usual, 64))
			p.start()
			pod := p.run("web")
			p.takeOver()
			p.end(pod)
			p.left()
			p.end(p.run("web2"))
			p.left()
		},
	},
	{
		name: "uninstalled", title: "the shim is uninstalled while a pod runs (`cni-shim uninstall`)",
		play: func(p *play) {
			p.Write(main, bridge("1.0.0", usual, 64))
			p.start()
			p.takeOver()
			pod := p.run("web")
			p.giveBack()
			if _, err := os.Lstat(filepath.Join(node.BinDir, "cni-shim")); p.shim && err == nil {
				p.Error("the program is still there")
			}
			p.end(pod)
			p.left()
			p.end(p.run("web2"))
			p.left()
		},
	},
	{
		name: "upgraded", title: "the shim is upgraded over and over while pods come and go",
		play: func(p *play) {
			p.network(main, bridge("1.0.0", usual, 64))
			p.start()
			stop := make(chan bool)
			var upgrades sync.WaitGroup
			if p.shim {
				upgrades.Go(func() {
					for {
						select {
						case <-stop:
							return
						case <-time.After(10 * time.Millisecond):
							p.Upgrade()
						}
					}
				})
			}
			var failed atomic.Int32
			for i := range 4 {
				var pods sync.WaitGroup
				for j := range 2 {
					pods.Go(func() {
						pod := &node.Pod{Name: fmt.Sprintf("web%d-%d", i, j)}
						for _, err := range []error{p.RunPod(pod), p.StopPod(pod), p.RemovePod(pod)} {
							if err != nil {
								failed.Add(1)
								p.Log(err)
							}
						}
					})
				}
				pods.Wait()
			}
			close(stop)
			upgrades.Wait()
			p.add("8 pods, two at once", fmt.Sprintf("%d calls failed", failed.Load()), failed.Load() == 0)
			p.left()
		},
	},
	{
		name: "old", title: "containerd 1.6, which knows no STATUS: a chain that works",
		play: func(p *play) {
			p.network(main, bridge("1.0.0", usual, 64))
			if err := p.StartOld(); err != nil {
				p.Fatal(err)
			}
			p.ready()
			p.end(p.run("web"))
			p.left()
		},
	},
	{
		name: "old-comma", title: "containerd 1.6: a comma in the only list, which is deleted after a while (`cni-shim install`, which chose `watch --withdraw`)",
		tells: []string{main + ":5:41", "comma"},
		play: func(p *play) {
			good := bridge("1.0.0", usual, 66)
			p.Write(main, good)
			if err := p.StartOld(); err != nil {
				p.Fatal(err)
			}
			p.takeOver()
			if p.shim {
				must(p.StartWatch())
			}
			pod := p.run("web")
			p.Write(main, strings.Replace(good, `"br66"`, `"br66",,`, 1))
			p.listIs(false)
			p.ready()
			p.run("web2")
			p.end(pod)
			p.told()
			p.Write(main, good)
			p.listIs(true)
			p.ready()
			p.end(pod)
			p.end(p.run("web3"))
			p.left()
			p.giveBack()
		},
	},
	{
		name: "old-1.1.0", title: "containerd 1.6 and a list at 1.1.0",
		play: func(p *play) {
			p.network(main, bridge("1.1.0", usual, 64))
			if err := p.StartOld(); err != nil {
				p.Fatal(err)
			}
			p.ready()
			p.run("web")
		},
	},
}
