package inflight

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
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
		if err := os.WriteFile(filepath.Join(dir, Call{PID: pid, Start: c.Start}.name()), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mark(gone.Process.Pid, Call{Verb: "ADD", Start: "1", Namespace: m.call.Namespace})
	mark(os.Getppid(), Call{Verb: "DEL", Start: "1", Namespace: "pid:[1]"})
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
	if running, dead := Running(dir); len(running) != 1 || running[0].Verb != "DEL" || len(dead) != 0 {
		t.Errorf("%+v %+v", running, dead)
	}
}
