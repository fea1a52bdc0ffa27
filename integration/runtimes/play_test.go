package runtimes

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/integration/runtimes/node"
)

// situation is a state of a node, or a change of it, played without the shim and with it.
type situation struct {
	name, title string
	tells       []string // what an admin has to be told: cause and place
	keeps       string   // why the shim rightly remembers an attachment at the end; else it must not
	needs       string   // a program that other situations do without
	play        func(*play)
}

// play is one run of a situation: what an admin asked and read, in order.
type play struct {
	*testing.T
	*node.Node
	shim  bool
	keeps bool
	rows  []row
}

// row is one question and its answer.
type row struct {
	What, Answer string
	Works        bool // the node does what it is asked
}

const (
	asksReady = "`NetworkReady`"
	asksRun   = "`crictl runp`"
	asksEnd   = "`crictl stopp`, `rmp`"
	asksLeft  = "left on the node"
	asksTold  = "`journalctl -t cni-shim -p err`"
)

func (p *play) add(what, answer string, works bool) {
	p.Helper()
	answer = plain(answer)
	p.Logf("%s: %s", what, answer)
	p.rows = append(p.rows, row{what, answer, works})
}

// network is what every situation starts with: a list in net.d, and with the shim its own list before it. An empty text is no list.
func (p *play) network(file, text string) {
	if p.shim {
		p.Install("k8s-pod-network")
	}
	if text != "" {
		p.Write(file, text)
	}
}

// takeOver runs the shim's own install on a node that works without it.
func (p *play) takeOver() {
	p.Helper()
	if p.shim {
		p.tool(p.TakeOver())
		p.Settle()
	}
}

// giveBack runs its uninstall.
func (p *play) giveBack() {
	p.Helper()
	if p.shim {
		p.tool(p.GiveBack())
		p.Settle()
	}
}

func (p *play) tool(out string, err error) {
	p.Helper()
	p.Log(out)
	if err != nil || strings.Contains(out, "\nnote: ") {
		p.Fatal("it was not to leave or to note anything: ", err)
	}
}

// listIs waits until the shim's list is there, or is not, as a watch decides.
func (p *play) listIs(there bool) {
	p.Helper()
	is := func() bool { _, err := os.Lstat(path(node.Own)); return (err == nil) == there }
	if p.shim && !p.Wait(node.Patience, is) {
		p.Errorf("the shim's list is there: %v", !there)
	}
	p.Settle()
}

// start starts the runtime.
func (p *play) start() {
	p.Helper()
	if err := p.Start(); err != nil {
		p.Fatal(err)
	}
}

// ready asks whether the node's network is ready.
func (p *play) ready() {
	p.Helper()
	ok, message := p.NetworkReady()
	if ok {
		message = "ready"
	}
	p.add(asksReady, message, ok)
}

// run runs a pod.
func (p *play) run(name string, flags ...string) *node.Pod {
	p.Helper()
	pod := &node.Pod{Name: name}
	err := p.RunPod(pod, flags...)
	p.add(asksRun, answer(err, "runs"), err == nil)
	return pod
}

// end stops and removes a pod.
func (p *play) end(pod *node.Pod) {
	p.Helper()
	err := p.StopPod(pod)
	if err == nil {
		err = p.RemovePod(pod)
	}
	p.add(asksEnd, answer(err, "done"), err == nil)
}

// left looks for what pods that are gone have left, once the runtime has had some time: it goes on after its client gave up.
func (p *play) left() {
	p.Helper()
	var left []string
	p.Wait(5*time.Second, func() bool { left = p.Left(); return len(left) == 0 })
	what := strings.Join(left, ", ")
	if what == "" {
		what = "nothing"
	}
	p.add(asksLeft, what, len(left) == 0)
	if !p.keeps && !p.Wait(node.Patience, func() bool { return p.Kept() == 0 }) {
		p.Errorf("the shim remembers %d attachments of pods that are gone", p.Kept())
	}
}

// told reads the failures in the shim's journal: those of ADD and DEL, each once.
func (p *play) told() {
	p.Helper()
	answer := "nothing"
	if p.shim {
		lines := strings.Split(p.Journal("err"), "\n")
		slices.Sort(lines)
		answer = strings.Join(slices.Compact(lines), "\n")
	}
	p.add(asksTold, answer, true)
}

func answer(err error, done string) string {
	if err != nil {
		return err.Error()
	}
	return done
}

// volatile is what differs from run to run.
var volatile = []struct {
	find *regexp.Regexp
	put  string
}{
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "<ID>"},
	{regexp.MustCompile(`container [0-9a-f]{12}\b`), "container <ID>"},
	{regexp.MustCompile(`cni-[0-9a-f]{8}-[0-9a-f-]{27}`), "cni-<UUID>"},
	{regexp.MustCompile(`\b\d+(\.\d+)?(ms|s)\b`), "<TIME>"},
	{regexp.MustCompile(`stream terminated by RST_STREAM with error code: CANCEL`), "context deadline exceeded"}, // who is first to notice
}

// plain is a text without what differs from run to run.
func plain(s string) string {
	for _, v := range volatile {
		s = v.find.ReplaceAllString(s, v.put)
	}
	return strings.TrimSpace(s)
}

// runs tells whether pods can be run, as far as it was asked.
func runs(rows []row) bool {
	return !slices.ContainsFunc(rows, func(r row) bool { return r.What == asksRun && !r.Works })
}

// verdict compares the two legs of a situation: "worse" names the row, "better" tells by what, and "" is neither. A node where no
// pod runs should not be ready, and one where pods run should.
func verdict(s *situation, without, with []row) (worse, better string) {
	if len(without) != len(with) {
		return fmt.Sprintf("%d answers without, %d with", len(without), len(with)), ""
	}
	says := [2]bool{true, true}
	for i := range with {
		a, b := without[i], with[i]
		if a.What == asksReady {
			a.Works, b.Works = a.Works == runs(without), b.Works == runs(with)
		}
		switch {
		case a.Works && !b.Works:
			worse = b.What
		case !a.Works && b.Works:
			better = "works"
		}
	}
	for leg, rows := range [][]row{without, with} {
		var all string
		for _, r := range rows {
			all += r.Answer + "\n"
		}
		for _, t := range s.tells {
			says[leg] = says[leg] && strings.Contains(all, t)
		}
	}
	switch {
	case !says[1] && worse == "":
		worse = fmt.Sprintf("it does not say %q", s.tells)
	case !says[0] && better == "":
		better = "tells"
	}
	return worse, better
}
