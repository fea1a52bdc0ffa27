package attachment

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/disk"
)

// node is a store's directories, and what is done with them in a test.
type node struct {
	*testing.T
	run, state string
}

func newNode(t *testing.T) *node {
	return &node{t, filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "state")}
}

func (n *node) store() *Store { return Open(n.run, n.state) }

func (n *node) carrier() *Carrier {
	n.Helper()
	c, err := NewCarrier(n.run, n.state)
	if err != nil {
		n.Fatal(err)
	}
	n.Cleanup(func() { c.Close() })
	return c
}

// add keeps an attachment as an ADD that succeeds does.
func (n *node) add(id, config string) Key {
	n.Helper()
	k := Key{"lab", id, "eth0"}
	claim, err := n.store().Begin(&Entry{Key: k, Netns: "/proc/self/ns/net", Chain: chain.Raw{Config: []byte(config)}, Created: time.Now()})
	if err == nil {
		err = claim.Complete(Done{Added: time.Now()})
	}
	if err != nil {
		n.Fatal(err)
	}
	claim.Release()
	return k
}

func (n *node) carry(c *Carrier) {
	n.Helper()
	if err := c.Carry(); err != nil {
		n.Fatal(err)
	}
}

func (n *node) reboot() {
	n.Helper()
	if err := os.RemoveAll(n.run); err != nil {
		n.Fatal(err)
	}
}

// saved is where the disk's copy of an attachment stands.
func (n *node) saved(k Key) string {
	return filepath.Join(n.state, "attachments", dirName(k.Network), fileName(k))
}

func (n *node) has(k Key, want bool) {
	n.Helper()
	_, err := n.store().Get(k)
	if (err == nil) != want || err != nil && !errors.Is(err, os.ErrNotExist) {
		n.Errorf("%s: %v, want it there: %v", k.ContainerID, err, want)
	}
}

// What is saved is brought back; what was removed, before or after, is not.
func TestCarry(t *testing.T) {
	n := newNode(t)
	kept, gone, late := n.add("kept", `{"a":1}`), n.add("gone", `{}`), n.add("late", `{}`)
	c := n.carrier()
	n.carry(c)
	if err := n.store().Remove(gone); err != nil {
		t.Fatal(err)
	}
	n.carry(c)
	if _, err := os.Lstat(n.saved(gone)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy of what is gone: %v", err)
	}
	c.Close()
	n.reboot()
	n.has(kept, true)                              // read from the disk
	if err := n.store().Remove(late); err != nil { // before anybody has brought it back
		t.Fatal(err)
	}
	n.has(late, false)
	n.carry(n.carrier())
	n.has(kept, true)
	n.has(gone, false)
	n.has(late, false)
	if _, err := os.Lstat(n.saved(late)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy of what was deleted before: %v", err)
	}
	if e, err := n.store().Get(kept); err != nil || e.Done == nil || string(e.Chain.Config) != `{"a":1}` {
		t.Errorf("%+v %v", e, err)
	}
}

// What an ADD has made since is newer than the disk's copy of the same name.
func TestCarryNewer(t *testing.T) {
	n := newNode(t)
	k := n.add("c1", `{"old":true}`)
	c := n.carrier()
	n.carry(c)
	c.Close()
	n.reboot()
	n.add("c1", `{"new":true}`)
	n.carry(n.carrier())
	for _, path := range []string{n.saved(k), filepath.Join(n.run, "attachments/lab/c1@eth0")} {
		if b, _ := os.ReadFile(path); !strings.Contains(string(b), "new") {
			t.Errorf("%s: %s", path, b)
		}
	}
}

// A copy that cannot be read keeps nobody from being saved or brought back, and stays.
func TestCarryPastABadCopy(t *testing.T) {
	n := newNode(t)
	kept, bad := n.add("kept", `{}`), n.add("bad", `{}`)
	c := n.carrier()
	n.carry(c)
	c.Close()
	n.reboot()
	if err := errors.Join(os.Remove(n.saved(bad)), os.Symlink("/etc/passwd", n.saved(bad)), os.Truncate(n.saved(kept), 0)); err != nil {
		t.Fatal(err)
	}
	long := n.saved(Key{"lab", "long", "eth0"})
	if err := errors.Join(os.WriteFile(long, nil, 0o600), os.Truncate(long, maxSize+1)); err != nil {
		t.Fatal(err)
	}
	more := n.add("more", `{}`)
	c = n.carrier()
	n.carry(c)
	n.carry(c)
	if !n.store().restored() {
		t.Error("it never counts as brought back")
	}
	n.has(more, true)
	if _, err := os.Lstat(n.saved(more)); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(long); err != nil {
		t.Errorf("what could not be read: %v", err)
	}
}

// One process at a time carries, and another one can see that it does.
func TestCarrierIsOne(t *testing.T) {
	n := newNode(t)
	c := n.carrier()
	if _, err := NewCarrier(n.run, n.state); !errors.Is(err, disk.ErrLocked) || !n.store().Carried() {
		t.Errorf("%v", err)
	}
	c.Close()
	if n.store().Carried() {
		t.Error("nobody carries")
	}
}

// An attachment that is up is no other ADD's, byte for byte; one whose ADD failed, or whose namespace is gone, is.
func TestBegin(t *testing.T) {
	n := newNode(t)
	k := n.add("c1", `{"first":true}`)
	path := filepath.Join(n.run, "attachments/lab/c1@eth0")
	first, _ := os.ReadFile(path)
	second, err := n.store().Begin(&Entry{Key: k, Chain: chain.Raw{Config: []byte(`{"second":true}`)}})
	if b, _ := os.ReadFile(path); err != nil || second.Own() || string(b) != string(first) {
		t.Fatalf("%v %s", err, b)
	}
	if err := second.Complete(Done{}); err != nil {
		t.Fatal(err)
	}
	if e, err := n.store().Get(k); err != nil || e.Done == nil || !strings.Contains(string(e.Chain.Config), "second") {
		t.Errorf("%+v %v", e, err)
	}
	third, err := n.store().Begin(&Entry{Key: k}) // the second's has no namespace
	if err != nil || !third.Own() || !third.Ended {
		t.Fatalf("%+v %v", third, err)
	}
	if fourth, err := n.store().Begin(&Entry{Key: k}); err != nil || fourth.Own() {
		t.Errorf("two ADDs own an entry: %v", err)
	}
	if err := n.store().Remove(k); !errors.Is(err, ErrAdding) {
		t.Errorf("removed while its ADD runs: %v", err)
	}
	third.Release()
	if fifth, err := n.store().Begin(&Entry{Key: k}); err != nil || !fifth.Own() || !fifth.Ended {
		t.Errorf("the entry of an ADD that failed: %v", err)
	}
}

// Memory that was wiped is no deletion: the disk keeps what it has, and gives it back.
func TestCarryAfterAWipe(t *testing.T) {
	n := newNode(t)
	k := n.add("c1", `{}`)
	c := n.carrier()
	n.carry(c)
	if err := os.RemoveAll(filepath.Join(n.run, "attachments", "lab")); err != nil { // in the middle of a wipe
		t.Fatal(err)
	}
	n.carry(c)
	if _, err := os.Lstat(n.saved(k)); err != nil {
		t.Errorf("the copy: %v", err)
	}
	n.reboot()
	if c.Current() {
		t.Error("the carrier's lock is one that others can see")
	}
	n.carry(n.carrier())
	n.has(k, true)
}

// A state directory that was removed is filled again, also with what was saved long ago.
func TestCarryAfterStateIsGone(t *testing.T) {
	n := newNode(t)
	k := n.add("c1", `{}`)
	c := n.carrier()
	n.carry(c)
	if err := os.RemoveAll(n.state); err != nil {
		t.Fatal(err)
	}
	n.carry(c)
	if _, err := os.Lstat(n.saved(k)); err != nil {
		t.Errorf("the copy: %v", err)
	}
}

// What was deleted stays deleted: in the middle of a restore that was killed, and where an ADD and a DEL of the same key came before it.
func TestNothingComesBack(t *testing.T) {
	n := newNode(t)
	halfway, again := n.add("halfway", `{}`), n.add("again", `{"old":true}`)
	c := n.carrier()
	n.carry(c)
	c.Close()
	n.reboot()
	n.add("again", `{"new":true}`)
	if err := n.store().Remove(again); err != nil {
		t.Fatal(err)
	}
	c = n.carrier() // killed when it had brought back one of two, and had not said so
	b, err := os.ReadFile(n.saved(halfway))
	if err == nil {
		err = c.bringBack("lab", fileName(halfway), b)
	}
	c.Close()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.store().Remove(halfway); err != nil {
		t.Fatal(err)
	}
	c = n.carrier()
	n.carry(c)
	n.carry(c)
	for _, k := range []Key{halfway, again} {
		n.has(k, false)
		if _, err := os.Lstat(n.saved(k)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the copy of %s: %v", k.ContainerID, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(n.run, "attachments", removedName, "*", "*")); len(left) != 0 {
		t.Errorf("marks left: %v", left)
	}
}

// An ADD that makes anew what was just deleted keeps it, in memory and on the disk.
func TestCarryMadeAnew(t *testing.T) {
	n := newNode(t)
	k := n.add("c1", `{"old":true}`)
	c := n.carrier()
	n.carry(c)
	if err := n.store().Remove(k); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond) // the kernel's times of files have steps
	n.add("c1", `{"new":true}`)
	n.carry(c)
	n.has(k, true)
	if b, _ := os.ReadFile(n.saved(k)); !strings.Contains(string(b), "new") {
		t.Errorf("the copy: %s", b)
	}
	c.Close()
	n.reboot()
	n.carry(n.carrier())
	n.has(k, true)
}

// Where no watch runs and the disk holds nothing, deletions leave nothing behind.
func TestNoMarksWithoutAWatch(t *testing.T) {
	n := newNode(t)
	first := n.add("first", `{}`)
	if err := n.store().Remove(first); err != nil {
		t.Fatal(err)
	}
	second := n.store()
	second.Writes = true
	if second.Known(first) { // as a second DEL asks
		t.Error("it is still there")
	}
	for _, id := range []string{"a", "b"} {
		k := n.add(id, `{}`)
		if err := n.store().Remove(k); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(n.run, "attachments", removedName, "*", "*")); len(left) != 0 {
		t.Errorf("marks left: %v", left)
	}
}

// A directory that somebody else uses is not the carrier's, whatever names are in it; one of its own, or a new one, is.
func TestStateDirIsOwn(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		make func(path string) error
		own  bool
	}{
		"none":        {func(string) error { return nil }, true},
		"empty":       {func(p string) error { return os.Mkdir(p, 0o755) }, true},
		"mail":        {func(p string) error { return os.MkdirAll(p+"/attachments/inbox", 0o755) }, false},
		"file":        {func(p string) error { return os.WriteFile(p, nil, 0o644) }, false},
		"link":        {func(p string) error { return os.Symlink(dir, p) }, false},
		"another's":   {func(p string) error { return errors.Join(os.Mkdir(p, 0o755), os.Chown(p, 4242, -1)) }, os.Geteuid() != 0},
		"cannot/be/x": {func(p string) error { return os.WriteFile(filepath.Join(dir, "cannot"), nil, 0o644) }, false},
	} {
		path := filepath.Join(dir, name)
		if err := c.make(path); err != nil {
			t.Fatal(err)
		}
		use, refused := StateDir(path, true)
		if (use == path) != c.own || (refused == "") != c.own {
			t.Errorf("%s: %s, %q", name, use, refused)
		}
		if again, _ := StateDir(path, true); again != use {
			t.Errorf("%s: then %s", name, again)
		}
	}
}
