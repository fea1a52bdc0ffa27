package inflight

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// A call whose process is gone was killed, and is told once; one in another PID namespace counts as alive, for its process cannot be
// seen from here.
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
	mark := func(pid int, c Call) {
		b, _ := json.Marshal(c)
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(pid)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mark(gone.Process.Pid, Call{Verb: "ADD", Start: "1", Namespace: m.call.Namespace})
	mark(os.Getppid(), Call{Verb: "DEL", Start: "1", Namespace: "pid:[1]"})
	if k := Killed(dir); len(k) != 1 || k[0].Verb != "ADD" || k[0].PID != gone.Process.Pid {
		t.Errorf("%+v", k)
	}
	if k := Killed(dir); len(k) != 0 {
		t.Errorf("told again: %+v", k)
	}
	if running, dead := Running(dir); len(running) != 1 || running[0].Verb != "DEL" || len(dead) != 0 {
		t.Errorf("%+v %+v", running, dead)
	}
}
