package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Budgets of what every call pays before main. They grow only with a reason.
const (
	maxPackages  = 140 // of others, the tool's too: one careless import brings a hundred
	maxInitBytes = 43 << 10
	maxAllocs    = 300
	maxBinary    = 8 << 20
)

// heavy packages start slowly and have no place in a plugin that starts for every pod.
var heavy = regexp.MustCompile(`^(net/http|crypto/tls|html/template|go\.opentelemetry\.io/|k8s\.io/|google\.golang\.org/)`)

// TestWeight bounds what the binary links and how large it is.
func TestWeight(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := slices.DeleteFunc(strings.Fields(string(out)), func(p string) bool { return strings.HasPrefix(p, module) })
	for _, p := range packages {
		if heavy.MatchString(p) {
			t.Errorf("links %s", p)
		}
	}
	fi, err := os.Stat(buildShim(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) > maxPackages || fi.Size() > maxBinary {
		t.Errorf("%d packages (at most %d), %d bytes (at most %d)", len(packages), maxPackages, fi.Size(), maxBinary)
	}
	t.Logf("%d packages linked, %.1f MiB stripped", len(packages), float64(fi.Size())/(1<<20))
}

// TestInit bounds what runs before main, by the runtime's own trace.
func TestInit(t *testing.T) {
	c := exec.Command(buildShim(t))
	c.Env = append(os.Environ(), "GODEBUG=inittrace=1", "CNI_COMMAND=VERSION")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	// init internal/bytealg @0.008 ms, 0 ms clock, 0 bytes, 0 allocs
	line := regexp.MustCompile(`^init (\S+) @.*, ([0-9.]+) ms clock, (\d+) bytes, (\d+) allocs`)
	var clock float64
	var size, allocs, own int
	for s := bufio.NewScanner(&stderr); s.Scan(); {
		m := line.FindStringSubmatch(s.Text())
		if m == nil {
			continue
		}
		ms, _ := strconv.ParseFloat(m[2], 64)
		b, _ := strconv.Atoi(m[3])
		n, _ := strconv.Atoi(m[4])
		clock, size, allocs = clock+ms, size+b, allocs+n
		if strings.Contains(m[1], "cni-shim") {
			own += n
		}
	}
	if allocs == 0 {
		t.Fatal("the runtime printed no trace")
	}
	if size > maxInitBytes || allocs > maxAllocs {
		t.Errorf("%d bytes (at most %d) in %d allocations (at most %d) before main", size, maxInitBytes, allocs, maxAllocs)
	}
	t.Logf("before main: %d bytes, %d allocations (%d in our packages), %.2f ms", size, allocs, own, clock)
}

// buildShim builds the binary as it is released.
func buildShim(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cni-shim")
	c := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}
