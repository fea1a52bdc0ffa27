package runtimes

import (
	"fmt"
	"time"

	"github.com/cni-shim/cni-shim/integration/runtimes/node"
)

// hangs are situations in which a plugin does not answer.
var hangs = []situation{
	{
		name: "add-hangs", title: "ADD hangs until the client gives up", tells: []string{"calico (1/2)", "had been running ADD"},
		play: func(p *play) {
			p.Plant("calico", "[ $CNI_COMMAND = ADD ] && exec sleep 300\nexit 0\n")
			p.network("10-calico.conflist", failing("1.0.0"))
			p.start()
			p.run("web", "--timeout", "2s")
			p.processes("sleep 300")
			p.left()
			p.told()
		},
	},
	{
		name: "status-hangs", title: "STATUS hangs, list at 1.1.0: three polls, then a change of the directory",
		play: func(p *play) {
			p.Plant("calico", "case $CNI_COMMAND in\nSTATUS) exec sleep 300;;\nADD) "+result+"esac\nexit 0\n")
			p.network("10-calico.conflist", failing("1.1.0"))
			p.start()
			for range 3 {
				err := p.Crictl("--timeout", "8s", "info")
				p.add("`crictl info`", answer(err, "answers"), err == nil)
			}
			p.processes("sleep 300")
			p.Write("10-calico.conflist", failing("1.1.0"))
			p.Settle()
			p.run("web", "--timeout", "8s")
		},
	},
	{
		name: "grandchild", title: "ADD succeeds and leaves a process that holds its output",
		play: func(p *play) {
			p.Plant("calico", "[ $CNI_COMMAND = ADD ] || exit 0\nsleep 20 &\n"+result)
			p.network("10-calico.conflist", `{"cniVersion": "1.0.0", "name": "`+usual+`", "plugins": [{"type": "calico"}]}`)
			p.start()
			p.end(p.run("web", "--timeout", "8s"))
			p.left()
		},
	},
	{
		name: "add-hangs-pods", title: "ADD of one pod hangs and a file of the directory changes: other pods",
		play: func(p *play) {
			p.Plant("calico", "[ $CNI_COMMAND = ADD ] || exit 0\ncase $CNI_ARGS in *stuck*) exec sleep 300;; esac\n"+result)
			p.network("10-calico.conflist", `{"cniVersion": "1.0.0", "name": "`+usual+`", "plugins": [{"type": "calico"}]}`)
			p.start()
			done := make(chan error, 1)
			go func() { done <- p.RunPod(&node.Pod{Name: "stuck"}, "--timeout", "15s") }()
			if !p.Wait(node.Patience, func() bool { return p.Processes("sleep 300") == 1 }) {
				p.Fatal("ADD of the first pod does not hang")
			}
			p.Write("20-other.conflist", bridge("1.0.0", "other", 60))
			p.Settle()
			p.run("web", "--timeout", "8s")
			<-done
		},
	},
}

// processes counts what still runs of a command, some seconds after whoever runs it has given up.
func (p *play) processes(command string) {
	p.Helper()
	n := 0
	p.Wait(3*time.Second, func() bool { n = p.Processes(command); return n == 0 })
	p.add("hanging processes", fmt.Sprint(n), n == 0)
}
