package shim

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// cost is what a call asks of the heap, in a process of its own as a runtime makes it.
type cost struct{ Bytes, Allocs uint64 }

// What a call with one plugin allocates, the types that json learns and the plugin's answer included. A bound grows only with a reason:
// the largest figure of ten runs with the race detector and a twentieth.
func TestCost(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "noop"), []byte("#!/bin/sh\n[ $CNI_COMMAND = ADD ] && echo '{\"cniVersion\":\"1.1.0\"}'\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	entry := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","statusFile":"` + dir + `/run/status.json","stateDir":"` + dir + `/state","chain":{"plugins":[{"type":"noop"}]}}`
	call := func(verb string) (c cost) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestOneCall$")
		cmd.Env = []string{"ONE_CALL=1", "PATH=" + os.Getenv("PATH"), "CNI_COMMAND=" + verb, "CNI_PATH=" + dir, "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0", "CNI_NETNS=/proc/self/ns/net"}
		cmd.Stdin = strings.NewReader(entry)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", verb, err, out)
		}
		line, _, _ := strings.Cut(string(out), "\n")
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%s: %v: %s", verb, err, out)
		}
		return c
	}
	for _, verb := range []string{"ADD", "DEL", "STATUS"} {
		call(verb) // directories are made, the program asked for its versions
	}
	for _, b := range []struct {
		verb string
		most cost
	}{
		{"ADD", cost{167_000, 2220}},
		{"DEL", cost{132_000, 1680}},
		{"STATUS", cost{195_000, 2480}},
	} {
		got := call(b.verb)
		if got.Bytes > b.most.Bytes || got.Allocs > b.most.Allocs {
			t.Errorf("%s: %+v, at most %+v", b.verb, got, b.most)
		}
		t.Logf("%s: %+v", b.verb, got)
	}
}

// TestOneCall is the process that TestCost starts.
func TestOneCall(t *testing.T) {
	if os.Getenv("ONE_CALL") == "" {
		return
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	answer := Handle(false)
	answer.Tell()
	runtime.ReadMemStats(&after)
	if answer.Exit != 0 {
		t.Fatalf("%s", answer.Stdout)
	}
	_ = json.NewEncoder(os.Stdout).Encode(cost{after.TotalAlloc - before.TotalAlloc, after.Mallocs - before.Mallocs})
}
