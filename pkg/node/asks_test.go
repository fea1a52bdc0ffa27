package node

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What a program shows of whether it asks for STATUS, wherever in it that stands.
func TestAsks(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]Answer{
		"": Unknown, "dep\tm\tv": Unknown, "dep\tm\tv1.2.3-0.2024\n": Yes, "dep\tm\tv1.2.2\n": No, "dep\tm\tv0.9.30\n": No, "dep\tmm\tv1.2.3\n": Unknown,
		strings.Repeat("-", 1<<20-5) + "dep\tm\tv10.20.30\th1:\n": Yes,
		strings.Repeat("-", 3<<20):                                Unknown,
		calledAlways:                                              No,
		strings.Repeat("-", 1<<20-5) + calledAlways:               No,
		calledSTATUS + strings.Repeat("-", 3<<20) + calledAlways:  Yes,
		calledSTATUS: Unknown,
		calledAlways + calledSTATUS + strings.Repeat("-", 3<<20) + "dep\tm\tv1.2.2": No,
	} {
		path := filepath.Join(dir, "p")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := asks(path, "m", [3]int{1, 2, 3}); got != want {
			t.Errorf("%.40q, %d bytes: %v, want %v", text, len(text), got, want)
		}
	}
	// A real program, with what debug/buildinfo reads in it.
	real := filepath.Join(dir, "real")
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", real, "../../plugin").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	info, err := buildinfo.ReadFile(real)
	if err != nil || len(info.Deps) == 0 {
		t.Fatalf("%v %v", info, err)
	}
	for _, d := range info.Deps {
		since := [3]int(parseVersion([]byte(d.Version[1:])))
		later := [3]int{since[0], since[1], since[2] + 1}
		if since != [3]int{} && (asks(real, d.Path, since) != Yes || asks(real, d.Path, later) != No) {
			t.Errorf("%s %s", d.Path, d.Version)
		}
	}
}

// A program that a distribution built without modules, with the runtime of the node found by its file.
func TestAsksSTATUS(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(root+"/usr/bin", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root+"/usr/bin/crio", []byte(calledAlways), 0o755); err != nil {
		t.Fatal(err)
	}
	for r, want := range map[*Runtime]Answer{{Kind: CRIO}: No, {Kind: Containerd}: Unknown, {Kind: CRIO, CallsSTATUS: Yes}: Yes} {
		if got := r.AsksSTATUS(root); got != want {
			t.Errorf("%+v: %v, want %v", r, got, want)
		}
	}
}
