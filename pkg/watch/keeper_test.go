package watch

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/outer"
	"github.com/cni-shim/cni-shim/pkg/report"
)

const lab = `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"bridge"}]}`

// ground is a keeper of a directory of the test's own.
type ground struct {
	*testing.T
	*keeper
	clock              time.Time
	dryDone, dryStands string
}

func newGround(t *testing.T) *ground {
	root := t.TempDir()
	n := &ground{T: t, clock: time.Now()}
	for _, d := range []string{"net.d", "bin"} {
		if err := os.Mkdir(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	n.write(filepath.Join(root, "bin", "cni-shim"), "#!/bin/sh\n")
	n.keeper = newKeeper(filepath.Join(root, "net.d"), filepath.Join(root, "state"), []string{filepath.Join(root, "bin")})
	n.now = func() time.Time { return n.clock }
	return n
}

func (n *ground) write(path, text string) {
	n.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join(n.dir, path)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		n.Fatal(err)
	}
}

func (n *ground) remove(path string) {
	n.Helper()
	if err := os.Remove(path); err != nil {
		n.Fatal(err)
	}
}

func failed(err error) *report.Failure {
	if err == nil {
		return nil
	}
	return report.NotLoaded(err)
}

func (n *ground) list() string { return filepath.Join(n.dir, outer.Name) }

// step keeps the list for the chain as it is on disk, and compares what is told and whether the list is there.
func (n *ground) step(done, stands string, there bool) {
	n.Helper()
	entry, _ := n.entry()
	ch, err := chain.Load(entry)
	n.tried(ch, failed(err))
	gotDone, gotStands := n.keep(ch, failed(err))
	if cannot := strings.Contains(gotStands, " cannot be "); !cannot && (n.dryDone != gotDone || n.dryStands != gotStands) {
		n.Errorf("did %q, stands %q; a dry run says %q, %q", gotDone, gotStands, n.dryDone, n.dryStands)
	}
	if _, err := os.Stat(n.list()); !strings.Contains(gotDone, done) || (done == "") != (gotDone == "") || !strings.Contains(gotStands, stands) || (stands == "") != (gotStands == "") || (err == nil) != there {
		n.Errorf("did %q, stands %q, list: %v; want %q, %q, %v", gotDone, gotStands, err, done, stands, there)
	}
	if text, _ := outer.Read(n.dir); there && ch != nil {
		if l, err := outer.Parse(text); err != nil || l.Name != ch.Name {
			n.Errorf("%v: %s", err, text)
		}
	}
}

// tried keeps the list in a dry run, which changes no file.
func (n *ground) tried(ch *chain.Chain, f *report.Failure) {
	n.Helper()
	files := func() (all string) {
		for _, d := range []string{n.dir, n.state} {
			entries, _ := os.ReadDir(d)
			for _, e := range entries {
				text, _ := os.ReadFile(filepath.Join(d, e.Name()))
				all += e.Name() + string(text)
			}
		}
		return all
	}
	before, k := files(), *n.keeper
	k.dry, k.tries = true, slices.Clone(k.tries)
	if n.dryDone, n.dryStands = k.keep(ch, f); files() != before {
		n.Error("a dry run has changed something")
	}
}

// The list comes with a chain that runs, follows it, and stays while the chain is broken.
func TestFollow(t *testing.T) {
	n := newGround(t)
	n.step("", "", false)
	n.write("10-lab.conflist", "{")
	n.step("", "", false)
	n.write("10-lab.conflist", lab)
	n.step("is written", "", true)
	n.step("", "", true)
	n.write("10-lab.conflist", strings.Replace(lab, "lab", "moved", 1))
	n.step("follows", "", true)
	n.write("10-lab.conflist", "{")
	n.step("", "", true)
	n.remove(n.list())
	n.step("restored", "", true) // it was there before
}

// What others add stays; what they spoil is mended; a list of theirs in its place is left alone.
func TestOthers(t *testing.T) {
	n := newGround(t)
	n.write("10-lab.conflist", lab)
	n.step("is written", "", true)
	text, _ := outer.Read(n.dir)
	mesh := strings.Replace(string(text), "    }\n  ]", "    },\n{\"type\":\"istio-cni\"}]", 1)
	n.write(outer.Name, mesh)
	n.step("", "", true)
	if after, _ := outer.Read(n.dir); string(after) != mesh {
		t.Errorf("rewritten:\n%s", after)
	}
	n.write(outer.Name, strings.Replace(mesh, `"lab"`, `"other"`, 1))
	n.step("was changed and is restored", "", true)
	n.write(outer.Name, mesh[:len(mesh)/2])
	n.step("was broken and is restored as it was last right (00-cni-shim.conflist:", "", true)
	if after, _ := outer.Read(n.dir); !outer.Same(after, []byte(mesh)) {
		t.Errorf("lost what others added:\n%s", after)
	}
	n.write(outer.Name, lab)
	if done, stands := n.keep(nil, report.NotLoaded(errors.New("none"))); done != "" || !strings.Contains(stands, "the shim does not stand in; it is left") {
		t.Errorf("%q %q", done, stands)
	}
}

// Of a broken list that nobody has seen right none is made up.
func TestBrokenFromTheStart(t *testing.T) {
	n := newGround(t)
	n.write("10-lab.conflist", lab)
	n.write(outer.Name, `{"name":"lab","plugins":[{"type":"cni-shim","chain":"/elsewhere",}]}`)
	entry, _ := n.entry()
	ch, err := chain.Load(entry)
	if err != nil {
		t.Fatal(err)
	}
	if done, stands := n.keep(ch, nil); done+stands != "" {
		t.Errorf("%q %q", done, stands)
	}
}

// Three times in ten minutes, then never until something else changes; and it says who.
func TestFight(t *testing.T) {
	n := newGround(t)
	n.write("10-lab.conflist", lab)
	n.step("is written", "", true)
	backup := n.list() + ".cilium_bak"
	rename := func() {
		t.Helper()
		if err := os.Rename(n.list(), backup); err != nil {
			t.Fatal(err)
		}
	}
	for range maxTries {
		rename()
		n.step("Cilium has renamed it to 00-cni-shim.conflist.cilium_bak", "", true)
	}
	rename()
	n.step("", "not restored any more, after 3 times in 0s: Cilium", false)
	n.clock = n.clock.Add(window * 2)
	n.step("", "Cilium", false)
	n.remove(backup)
	n.step("", "Cilium", false)
	n.write("20-other.conflist", lab)
	n.step("nothing in "+n.dir+" shows who", "", true)
	n.write("05-cilium.conflist", `{"cniVersion":"0.3.1","name":"cilium","plugins":[{"type":"cilium-cni"}]}`)
	n.remove(n.list())
	entry, _ := n.entry()
	ch, _ := chain.Load(entry)
	if done, _ := n.keep(ch, nil); !strings.Contains(done, "perhaps Cilium, whose 05-cilium.conflist stands here") {
		t.Error(done)
	}
	// Whoever comes seldom is met every time.
	for range 2 * maxTries {
		n.clock = n.clock.Add(window/2 + time.Second)
		n.remove(n.list())
		n.step("restored", "", true)
	}
}

// A list that is gone with the shim stays gone.
func TestRemoved(t *testing.T) {
	n := newGround(t)
	n.write("10-lab.conflist", lab)
	n.step("is written", "", true)
	mark := filepath.Join(n.state, uninstalled)
	n.write(mark, "")
	n.write("10-lab.conflist", strings.Replace(lab, "lab", "moved", 1))
	entry, _ := n.entry()
	ch, _ := chain.Load(entry)
	if done, stands := n.keep(ch, nil); done != "" || !strings.Contains(stands, "is no longer kept: the shim is being uninstalled") {
		t.Errorf("%q %q", done, stands)
	}
	n.remove(n.list())
	n.step("", "", false)
	n.remove(mark)
	n.remove(filepath.Join(n.bins[0], "cni-shim"))
	n.step("", "", false)
}

// A new process knows what the one before it kept.
func TestRemembered(t *testing.T) {
	n := newGround(t)
	n.write("10-lab.conflist", lab)
	n.step("is written", "", true)
	text, _ := outer.Read(n.dir)
	n.write(outer.Name, strings.Replace(string(text), `"chain"`, `"logLevel": "debug", "chain"`, 1))
	n.step("", "", true)
	n.remove(n.list())
	next := newKeeper(n.dir, n.state, n.bins)
	if c, err := next.entry(); err != nil || c.LogLevel != "debug" {
		t.Errorf("%+v %v", c, err)
	}
	n.keeper = next
	next.now = func() time.Time { return n.clock }
	n.step("restored", "", true)
	if text, _ := outer.Read(n.dir); !strings.Contains(string(text), `"logLevel": "debug"`) {
		t.Errorf("%s", text)
	}
}

// With --withdraw the list is there as long as the chain can be loaded, whoever takes it away, and it comes back as it was.
func TestWithdraw(t *testing.T) {
	n := newGround(t)
	n.withdraw = &node.Runtime{Kind: node.Containerd, MaxConfNum: 1, CallsSTATUS: node.No}
	n.write("10-lab.conflist", lab)
	n.step("is written", "", true)
	text, _ := outer.Read(n.dir)
	mine := strings.Replace(string(text), `"chain"`, `"logLevel": "debug", "chain"`, 1)
	n.write(outer.Name, mine)
	back := func() {
		t.Helper()
		n.write("10-lab.conflist", lab)
		n.step("is written back", "", true)
		if text, _ := outer.Read(n.dir); !strings.Contains(string(text), `"logLevel": "debug"`) || outer.Away(n.state) {
			t.Errorf("%s", text)
		}
		n.step("", "", true)
	}
	const broken = `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"bridge",}]}`
	for range 2 * maxTries { // it is no fight
		n.write("10-lab.conflist", broken)
		n.step(`taken away until the chain can be loaded, for a runtime that asks for no STATUS would take the node for ready (--withdraw): `+
			`10-lab.conflist:1:63: trailing comma after "bridge" [ConfigInvalid] delete the comma`, "", false)
		n.step("", "", false)
		back()
	}
	n.remove(filepath.Join(n.dir, "10-lab.conflist"))
	n.step("[ConfigMissing]", "", false)
	back()
	// A new process knows; one that may not withdraw brings it back.
	n.write("10-lab.conflist", broken)
	n.step("is taken away", "", false)
	w := n.withdraw
	n.keeper = newKeeper(n.dir, n.state, n.bins)
	n.now, n.withdraw = time.Now, w
	n.step("", "", false)
	n.withdraw = nil
	n.step("is written back", "", true)
	n.step("", "", true)
	// A runtime that asks is told.
	n.withdraw = &node.Runtime{Kind: node.Containerd, MaxConfNum: 1, CallsSTATUS: node.Yes}
	n.step("", "containerd asks plugins for STATUS, and is told why the chain cannot run: --withdraw has no effect", true)
	// CRI-O would go on to the next file; containerd does not.
	n.write("20-other.conflist", lab)
	n.withdraw = &node.Runtime{Kind: node.CRIO, MaxConfNum: 1, CallsSTATUS: node.No}
	n.step("", "is not taken away: cri-o would load 20-other.conflist in the place of the chain", true)
	n.withdraw = w
	n.step("is taken away", "", false)
	back()
	// A list that holds the chain, a foreign one, one that cannot be remembered and one that is being uninstalled stay.
	inline := `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"cni-shim","chain":{"plugins":[{}]}}]}`
	n.write(outer.Name, inline)
	n.step("", "", true)
	n.write(outer.Name, mine)
	n.step("", "", true)
	n.write("10-lab.conflist", broken)
	n.write(filepath.Join(n.state, uninstalled), "")
	n.step("", "is no longer kept: the shim is being uninstalled", true)
	n.remove(filepath.Join(n.state, uninstalled))
	state := n.state
	n.state = n.list() // no directory
	n.step("", "cannot be taken away: ", true)
	n.state = state
	n.step("is taken away", "", false)
}

// An admin who has the shim in a list of another name has arranged it so.
func TestElsewhere(t *testing.T) {
	n := newGround(t)
	n.write("10-lab.conflist", lab)
	n.write("05-mine.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"cni-shim","logLevel":"debug"}]}`)
	n.step("", "", false)
	if c, _ := n.entry(); c.LogLevel != "debug" || c.Chain.Path != n.dir {
		t.Errorf("%+v", c)
	}
}
