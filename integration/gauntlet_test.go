package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
)

var update = flag.Bool("update", false, "rewrite the generated files")

const failuresPage = "../docs/failures.md"

// scene is one call that goes wrong: a node with a fault, a list to run on it, a pod.
type scene struct {
	*lab
	list *libcni.NetworkConfigList
	pod  *libcni.RuntimeConf
	path string // PATH of the runtime
	// limit is how long the runtime waits for an answer. The shim has its own, shorter one, as on a node.
	limit time.Duration
}

// call makes the call as a runtime does, with the runtime's PATH.
func (s *scene) call(verb string) error {
	own := os.Getenv("PATH")
	_ = os.Setenv("PATH", s.path)
	defer os.Setenv("PATH", own)
	ctx, cancel := context.WithTimeout(context.Background(), s.limit)
	defer cancel()
	if verb == "DEL" {
		return s.cni.DelNetworkList(ctx, s.list, s.pod)
	}
	_, err := s.cni.AddNetworkList(ctx, s.list, s.pod)
	return err
}

// TestGauntlet plays every trouble twice, without the shim and with it. What the shim says is judged by all three readings: the
// CNI error names plugin and cause in its first 80 bytes, and reason and cure behind; journal and status file have the same with
// the evidence. What both say is the table of docs/failures.md.
func TestGauntlet(t *testing.T) {
	page, err := os.ReadFile(failuresPage)
	if err != nil && !*update {
		t.Fatal(err)
	}
	var rows []string
	for _, x := range troubles {
		t.Run(x.name, func(t *testing.T) {
			var alone, said string // each on a node of its own
			t.Run("alone", func(t *testing.T) { alone = x.alone(t) })
			t.Run("shim", func(t *testing.T) { said = x.throughShim(t) })
			if alone == "" || said == "" {
				return
			}
			row := fmt.Sprintf("| %s | %s | %s | [%s](reasons.md#%s) |\n", cell(x.name), cell(alone), cell(said), x.reason, strings.ToLower(x.reason))
			rows = append(rows, row)
			if !*update && !strings.Contains(string(page), row) {
				t.Errorf("not in %s, run 'make docs':\n%s", failuresPage, row)
			}
		})
	}
	want := failuresHead + strings.Join(rows, "")
	switch {
	case len(rows) != len(troubles): // some were left out
	case *update:
		if err := os.WriteFile(failuresPage, []byte(want), 0o644); err != nil {
			t.Error(err)
		}
	case string(page) != want:
		t.Errorf("%s is not what the runs give: run 'make docs'", failuresPage)
	}
}

// prepare makes the node, with the fault, and the list: the chain itself, or the shim's that wraps it.
func (x *trouble) prepare(t *testing.T, shim bool) *scene {
	s := &scene{lab: newLab(t), path: os.Getenv("PATH"), limit: patience}
	bound := "30s"
	if x.hangs {
		bound = "2s"
		if !shim { // somebody has to lose patience
			s.limit = 3 * time.Second
		}
	}
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "lab1").Run() })
	version := x.version
	if version == "" {
		version = "1.0.0"
	}
	s.write("10-lab.conflist", fmt.Sprintf(`{"cniVersion":%q,"name":"lab","plugins":[%s]}`, version, x.plugins))
	s.list, s.pod = s.load("10-lab.conflist"), s.lab.pod()
	if shim {
		s.list = s.outer("lab", fmt.Sprintf(`"timeouts": {"ADD": %q}`, bound))
	}
	if x.arrange != nil {
		x.arrange(s)
	}
	return s
}

// alone is what the runtime has to tell without the shim.
func (x *trouble) alone(t *testing.T) string {
	s := x.prepare(t, false)
	err := s.call(x.verb)
	if (err == nil) != x.unseen {
		t.Errorf("without the shim: %v", err)
	}
	if err == nil {
		return "(success)"
	}
	return normal(err.Error())
}

func (x *trouble) throughShim(t *testing.T) string {
	s := x.prepare(t, true)
	err := s.call(x.verb)
	var e *types.Error
	if !errors.As(err, &e) {
		t.Fatalf("no CNI error: %v", err)
	}
	verb := x.verb
	if verb == "" {
		verb = "ADD"
	}
	if first := e.Msg[:min(80, len(e.Msg))]; !strings.HasPrefix(first, x.plugin+" (") || !strings.Contains(first, x.cause) {
		t.Errorf("the first 80 bytes name not both %q and %q: %s", x.plugin, x.cause, e.Msg)
	}
	tail, ok := "", false
	if _, tail, ok = strings.Cut(e.Details, "["+x.reason+"] "); !ok || len(tail) < 20 {
		t.Errorf("the CNI error has not both %s and a cure: %q", x.reason, e.Details)
	}
	x.judgeJournal(s, verb, tail)
	x.judgeStatus(s, verb, tail)
	return normal(e.Error())
}

func (x *trouble) judgeJournal(s *scene, verb, cure string) {
	s.Helper()
	j := s.journal(1, func(e entry) bool { return e.get("PRIORITY") == "3" })
	if len(j) != 1 {
		s.Errorf("%d failures in the journal", len(j))
	}
	m, ev := j[0].get("MESSAGE"), j[0].get("CNI_EVIDENCE")
	s.Log("evidence:\n" + ev)
	if j[0].get("CNI_REASON") != x.reason || !strings.HasPrefix(m, verb+" failed: "+x.plugin+" (") || !strings.Contains(m, "["+x.reason+"] ") ||
		!strings.Contains(delWord(m), cure) || j[0].get("CNI_PLUGIN") != x.plugin || j[0].get("K8S_POD_NAME") == "" {
		s.Errorf("journal: %s by %s: %s", j[0].get("CNI_REASON"), j[0].get("CNI_PLUGIN"), m)
	}
	for _, part := range x.evidence {
		if !strings.Contains(ev, part) {
			s.Errorf("the journal's evidence lacks %q:\n%s", part, ev)
		}
	}
}

// delWord undoes nothing: it brings a text of the journal to the words that a CNI error of DEL has.
func delWord(s string) string {
	return strings.NewReplacer("not found", "missing", "no such file or directory", "does not exist").Replace(s)
}

func (x *trouble) judgeStatus(s *scene, verb, cure string) {
	s.Helper()
	var file struct {
		Failures []struct {
			Reason, Verb, Message, Cure, Plugin, Who string
			Retry                                    *bool
			Evidence                                 []struct{ Key, Text string }
		}
	}
	s.status(&file)
	if len(file.Failures) != 1 {
		s.Fatalf("status file: %d failures", len(file.Failures))
	}
	f := file.Failures[0]
	if f.Reason != x.reason || f.Verb != verb || f.Plugin != x.plugin || delWord(f.Cure) != cure || f.Who == "" || f.Retry == nil {
		s.Errorf("status file: %+v", f)
	}
	var seen strings.Builder
	for _, fact := range f.Evidence {
		seen.WriteString(fact.Text + "\n")
	}
	for _, part := range x.evidence {
		if !strings.Contains(seen.String(), part) {
			s.Errorf("the status file's evidence lacks %q:\n%s", part, seen.String())
		}
	}
}

const failuresHead = `# What the runtime says, with the shim and without

Each row is a fault made on a node: real plugins in real namespaces, called through libcni as containerd and CRI-O do, once without
the shim and once with it. Where a plugin needs a cluster, a small program stands in that does what it does. Both columns are
what the runtime gets, whole; the shim puts place and cause first, for many tools cut at 80 bytes, and adds what it saw on the node to
journal and status file.

This page is generated from ` + "`integration/gauntlet_test.go`: `make docs`." + `

| fault | libcni alone | with cni-shim | reason |
|---|---|---|---|
`

// cell keeps a text inside its cell.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", "*", `\*`).Replace(strings.TrimSpace(s))
}

// volatile are the parts of a text that differ from run to run and from machine to machine.
var volatile = []struct{ re, by string }{
	{`pod\d{6}n\d+`, "web1"},
	{`\bveth[0-9a-f]{8}\b`, "veth1"},
	{`\bv\d+\.\d+\.\d+ \((legacy|nf_tables)\)`, "v1.8 ($1)"},
	{`\b\d+(\.\d+)?m?s; killed`, "1.9s; killed"},
	{`0x[0-9a-f]{6,}`, "0x1"},
	{`(\\n)+goroutine 1 \[running\].*`, " (and the stack)"},
	{`\b` + runtime.GOARCH + `\b`, "THIS"},
	{`\b` + foreignArch() + `\b`, "arm64"},
	{`\bTHIS\b`, "amd64"},
	{`current time \S+ is after \S+`, "current time 2026-01-02T00:00:00Z is after 2026-01-01T00:00:00Z"},
}

func normal(s string) string {
	for _, v := range volatile {
		s = regexp.MustCompile(v.re).ReplaceAllString(s, v.by)
	}
	return s
}

// need names what this machine lacks for a trouble. In CI that is a failure.
func (l *lab) need(what string, err error) {
	l.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		l.Fatalf("%s: %v", what, err)
	}
	l.Skipf("%s: %v", what, err)
}

// tmpfs lays a file system of its own over a directory.
func (l *lab) tmpfs(dir, options string) {
	l.Helper()
	l.run("mkdir", "-p", dir)
	l.run("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir)
	l.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
}

// inPod runs a command in the pod's network namespace.
func (s *scene) inPod(args ...string) {
	s.Helper()
	s.run("ip", append([]string{"netns", "exec", s.pod.ContainerID}, args...)...)
}

// addOther is a call of the same list for another pod, which succeeds.
func (s *scene) addOther() *libcni.RuntimeConf {
	s.Helper()
	other := s.lab.pod()
	if _, err := s.cni.AddNetworkList(s.ctx(), s.list, other); err != nil {
		s.Fatal(err)
	}
	s.since = time.Now()
	return other
}

func (s *scene) add() {
	s.Helper()
	if _, err := s.cni.AddNetworkList(s.ctx(), s.list, s.pod); err != nil {
		s.Fatal(err)
	}
}

// file puts a file on the node, of a given age.
func (l *lab) file(path, text string, mode os.FileMode, age time.Duration) {
	l.Helper()
	then := time.Now().Add(-age)
	err := os.WriteFile(path, []byte(text), mode)
	if err == nil {
		err = os.Chtimes(path, then, then)
	}
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { _ = os.Remove(path) })
}
