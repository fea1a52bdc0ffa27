package inflight

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

// hold makes the mark of another process, as it is while that process lives.
func hold(t *testing.T, dir string, c Call) {
	t.Helper()
	f, err := disk.OpenLocked(filepath.Join(dir, c.name()), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Write(c.encode()); err != nil {
		t.Fatal(err)
	}
}

// A call whose mark nobody locks was killed, and is reported once, also where its process number is another's now; one that is locked
// runs, wherever its process is.
func TestKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run", "calls")
	m, running, killed, err := Begin(dir, Call{Verb: "ADD"})
	if err != nil || len(running)+len(killed) != 0 {
		t.Fatal(running, killed, err)
	}
	defer m.End()
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	killed1 := Call{PID: gone.Process.Pid, Verb: "ADD", Start: "1", Namespace: m.call.Namespace}
	if err := os.WriteFile(filepath.Join(dir, killed1.name()), killed1.encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	hold(t, dir, Call{PID: os.Getppid(), Verb: "DEL", Start: "1", Namespace: "pid:[1]"})
	young := filepath.Join(dir, strconv.Itoa(os.Getppid())+"--x") // it may just be made, as far as can be seen
	if err := os.WriteFile(young, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	defer func() {
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(young, old, old); err != nil {
			t.Fatal(err)
		}
		if _, dead := Running(dir); len(dead) != 1 {
			t.Errorf("an old mark that says nothing: %+v", dead)
		}
	}()
	_, dead := Running(dir)
	if len(dead) != 1 || dead[0].Verb != "ADD" || dead[0].PID != gone.Process.Pid {
		t.Errorf("%+v", dead)
	}
	if _, again := Running(dir); len(again) != 1 {
		t.Errorf("gone before anybody told it: %+v", again)
	}
	if first, second := Claim(dir, dead[0]), Claim(dir, dead[0]); !first || second {
		t.Errorf("claimed %v, then %v", first, second)
	}
	if running, dead := Running(dir); len(running) != 2 || running[0].Verb+running[1].Verb != "DEL" || len(dead) != 0 {
		t.Errorf("%+v %+v", running, dead)
	}
}

// A mark is rewritten in place. Whatever of it a killed writer left, it says the new or the old, and it can be claimed.
func TestRewritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run", "calls")
	m, _, _, err := Begin(dir, Call{Verb: "ADD", ContainerID: "c1", IfName: "eth0"})
	if err != nil {
		t.Fatal(err)
	}
	m.Starting("a-plugin-of-a-long-name (1/2)")
	long, _ := os.ReadFile(filepath.Join(dir, m.call.name()))
	m.Starting("p (2/2)")
	short, _ := os.ReadFile(filepath.Join(dir, m.call.name()))
	m.End()
	for _, left := range [][]byte{long, short, append(append([]byte(nil), short...), long[len(short):]...)} {
		if err := os.WriteFile(filepath.Join(dir, "999999999-1-x"), left, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, dead := Running(dir); len(dead) != 1 || dead[0].ContainerID != "c1" || dead[0].Plugin == "" {
			t.Errorf("%+v", dead)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "999999999-1-x"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, dead := Running(dir); len(dead) != 1 || !Claim(dir, dead[0]) {
		t.Errorf("a damaged mark stays: %+v", dead)
	}
}

// A call reads the marks of its own container and interface, whoever runs; of others it takes those whose process is gone.
func TestBeside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run", "calls")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, start := stat(os.Getppid())
	hold(t, dir, Call{PID: os.Getppid(), Start: start, Verb: "ADD", ContainerID: "c1", IfName: "eth0", Network: "other"})
	hold(t, dir, Call{PID: os.Getppid(), Start: start, Verb: "ADD", ContainerID: "c2", IfName: "eth0"})
	dead3 := Call{PID: 999999999, Start: "1", Verb: "ADD", ContainerID: "c3", IfName: "eth0"}
	if err := os.WriteFile(filepath.Join(dir, dead3.name()), dead3.encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	m, running, dead, err := Begin(dir, Call{Verb: "ADD", ContainerID: "c1", IfName: "eth0"})
	defer m.End()
	if err != nil || len(running) != 1 || running[0].Network != "other" || len(dead) != 1 || dead[0].ContainerID != "c3" {
		t.Errorf("%+v %+v %v", running, dead, err)
	}
	if all, _ := Running(dir); len(all) != 2 {
		t.Errorf("%+v", all)
	}
}

// The law: whatever /proc/PID/stat and a mark hold, the process has a parent or is gone, and a mark that is taken can be written again.
func FuzzParse(f *testing.F) {
	f.Add([]byte("42 (a b) c) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 0 0"))
	f.Add([]byte("42 (x) Z 1 2 3"))
	f.Add([]byte(`{"verb":"ADD","pidNamespace":"pid:[1]","began":"2026-01-01T00:00:00Z","since":""} {`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if parent, start := parseStat(b); (parent < 0) != (start == "") && parent >= 0 || strings.ContainsAny(start, " \n") {
			t.Fatalf("parent %d, start %q", parent, start)
		}
		var c, again Call
		if c.decode(b) != nil {
			return
		}
		if err := again.decode(c.encode()); err != nil || !again.Same(c) || !again.Began.Equal(c.Began) {
			t.Fatalf("%v: %+v became %+v", err, c, again)
		}
	})
}
