package watch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/outer"
)

const lab = `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"bridge"}]}`

// node is a keeper of a directory of the test's own.
type node struct {
	*testing.T
	*keeper
	clock time.Time
}

func newNode(t *testing.T) *node {
	root := t.TempDir()
	n := &node{T: t, clock: time.Now()}
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

func (n *node) write(path, text string) {
	n.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join(n.dir, path)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		n.Fatal(err)
	}
}

func (n *node) remove(path string) {
	n.Helper()
	if err := os.Remove(path); err != nil {
		n.Fatal(err)
	}
}

func (n *node) list() string { return filepath.Join(n.dir, outer.Name) }

// step keeps the list for the chain as it is on disk, and compares what is told and whether the list is there.
func (n *node) step(done, stands string, there bool) {
	n.Helper()
	entry, _ := n.entry()
	ch, err := chain.Load(entry)
	gotDone, gotStands := n.keep(ch, err == nil)
	if _, err := os.Stat(n.list()); !strings.Contains(gotDone, done) || (done == "") != (gotDone == "") || !strings.Contains(gotStands, stands) || (stands == "") != (gotStands == "") || (err == nil) != there {
		n.Errorf("did %q, stands %q, list: %v; want %q, %q, %v", gotDone, gotStands, err, done, stands, there)
	}
	if text, _ := outer.Read(n.dir); there && ch != nil {
		if l, err := outer.Parse(text); err != nil || l.Name != ch.Name {
			n.Errorf("%v: %s", err, text)
		}
	}
}

// The list comes with a chain that runs, follows it, and stays while the chain is broken.
func TestFollow(t *testing.T) {
	n := newNode(t)
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
	n := newNode(t)
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
	if done, stands := n.keep(nil, false); done != "" || !strings.Contains(stands, "the shim does not stand in; it is left") {
		t.Errorf("%q %q", done, stands)
	}
}

// Of a broken list that nobody has seen right none is made up.
func TestBrokenFromTheStart(t *testing.T) {
	n := newNode(t)
	n.write("10-lab.conflist", lab)
	n.write(outer.Name, `{"name":"lab","plugins":[{"type":"cni-shim","chain":"/elsewhere",}]}`)
	entry, _ := n.entry()
	ch, err := chain.Load(entry)
	if err != nil {
		t.Fatal(err)
	}
	if done, stands := n.keep(ch, true); done+stands != "" {
		t.Errorf("%q %q", done, stands)
	}
}

// Three times in ten minutes, then never until something else changes; and it says who.
func TestFight(t *testing.T) {
	n := newNode(t)
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
	if done, _ := n.keep(ch, true); !strings.Contains(done, "perhaps Cilium, whose 05-cilium.conflist stands here") {
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
	n := newNode(t)
	n.write("10-lab.conflist", lab)
	n.step("is written", "", true)
	mark := filepath.Join(n.state, uninstalled)
	n.write(mark, "")
	n.write("10-lab.conflist", strings.Replace(lab, "lab", "moved", 1))
	entry, _ := n.entry()
	ch, _ := chain.Load(entry)
	if done, stands := n.keep(ch, true); done != "" || !strings.Contains(stands, "is no longer kept: the shim is being uninstalled") {
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
	n := newNode(t)
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

// An admin who has the shim in a list of another name has arranged it so.
func TestElsewhere(t *testing.T) {
	n := newNode(t)
	n.write("10-lab.conflist", lab)
	n.write("05-mine.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"cni-shim","logLevel":"debug"}]}`)
	n.step("", "", false)
	if c, _ := n.entry(); c.LogLevel != "debug" || c.Chain.Path != n.dir {
		t.Errorf("%+v", c)
	}
}
