// Package release tests what is released: the programs, the packages and install.sh. It stands apart from the other integration
// tests, which have no network: a fresh machine fetches the release tools and a bare Debian.
package release

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cni-shim/cni-shim/integration/namespace"
)

const (
	top = "../.."
	// arches are one that this machine may be, and one that it is not. `make release` builds six.
	arches = "amd64 riscv64"
	commit = "0123456789abcdef0123456789abcdef01234567"
	epoch  = "1767225600" // 2026-01-01T00:00:00Z
)

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// build makes a release of the tree in dir.
func build(t *testing.T, dir, version, arches string) (dist string) {
	t.Helper()
	dist = filepath.Join(t.TempDir(), "dist")
	c := exec.Command("sh", "release/release.sh", dist)
	c.Dir = dir
	c.Env = append(os.Environ(), "VERSION="+version, "COMMIT="+commit, "SOURCE_DATE_EPOCH="+epoch, "ARCHES="+arches)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("release.sh: %v\n%s", err, out)
	}
	return dist
}

// built: a test has asked for the release.
var built bool

// first is one release for all tests, built once.
var first = sync.OnceValues(func() (string, error) {
	built = true
	dist, err := os.MkdirTemp("", "cni-shim-release")
	if err != nil {
		return "", err
	}
	c := exec.Command("sh", "release/release.sh", dist)
	c.Dir = top
	c.Env = append(os.Environ(), "VERSION=v0.1.0-rc.1", "COMMIT="+commit, "SOURCE_DATE_EPOCH="+epoch, "ARCHES="+arches)
	out, err := c.CombinedOutput()
	if err != nil {
		return dist, fmt.Errorf("release.sh: %w\n%s", err, out)
	}
	return dist, nil
})

// The tests have mount and PID namespaces of their own, for debootstrap mounts below the temporary directory.
func TestMain(m *testing.M) {
	os.Exit(namespace.Run(namespace.Steps{Inside: func() int {
		code := m.Run()
		if built {
			dist, _ := first()
			os.RemoveAll(dist)
		}
		return code
	}}))
}

func release(t *testing.T) string {
	t.Helper()
	dist, err := first()
	if err != nil {
		t.Fatal(err)
	}
	return dist
}

// Two builds, from different directories, are byte for byte equal, and hold what a release has.
func TestReproducible(t *testing.T) {
	one := release(t)
	copied := t.TempDir()
	run(t, top, "sh", "-c", `git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read -T - -cf - | tar -xf - -C "$0"`, copied)
	two := build(t, copied, "v0.1.0-rc.1", arches)
	var names []string
	entries, err := os.ReadDir(one)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
		a, errA := os.ReadFile(filepath.Join(one, e.Name()))
		b, errB := os.ReadFile(filepath.Join(two, e.Name()))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs (%v, %v)", e.Name(), errA, errB)
		}
	}
	want := `SHA256SUMS
cni-shim-0.1.0~rc.1-1.riscv64.rpm
cni-shim-0.1.0~rc.1-1.x86_64.rpm
cni-shim-linux-amd64
cni-shim-linux-amd64.cdx.json
cni-shim-linux-riscv64
cni-shim-linux-riscv64.cdx.json
cni-shim_0.1.0~rc.1_amd64.deb
cni-shim_0.1.0~rc.1_riscv64.deb
install.sh`
	if got := strings.Join(names, "\n"); got != want {
		t.Errorf("a release holds\n%s", got)
	}
	run(t, one, "sha256sum", "-c", "SHA256SUMS")
	other, err := os.ReadDir(two)
	if err != nil || len(other) != len(entries) {
		t.Errorf("%d files and %d: %v", len(entries), len(other), err)
	}
}

// The programs are static, small and for their machines, and tell what they are; the SBOM lists what is in them.
func TestPrograms(t *testing.T) {
	dist := release(t)
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "riscv64": elf.EM_RISCV} {
		path := filepath.Join(dist, "cni-shim-linux-"+arch)
		f, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if f.Machine != machine {
			t.Errorf("%s is for %s", path, f.Machine)
		}
		if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC }) {
			t.Errorf("%s is not static", path)
		}
		f.Close()
		fi, err := os.Stat(path)
		if err != nil || fi.Size() > 8<<20 || fi.Mode() != 0o755 {
			t.Errorf("%v %v", fi, err)
		}
		text, err := os.ReadFile(path + ".cdx.json")
		if err != nil {
			t.Fatal(err)
		}
		var sbom struct {
			BomFormat string
			Metadata  struct {
				Timestamp string
				Component struct{ Version string }
			}
			Components []struct{ Name, Version string }
		}
		if err := json.Unmarshal(text, &sbom); err != nil {
			t.Fatal(err)
		}
		mods := map[string]string{}
		for _, c := range sbom.Components {
			mods[c.Name] = c.Version
		}
		listed := 0
		for _, line := range strings.Split(run(t, ".", "go", "version", "-m", path), "\n") {
			if strings.Contains(line, "-tags=") {
				t.Errorf("%s is built with tags, which are for tests: %s", arch, line)
			}
			if f := strings.Fields(line); len(f) > 2 && f[0] == "dep" {
				if listed++; mods[f[1]] != f[2] {
					t.Errorf("the SBOM of %s has %s %q, the program %s", arch, f[1], mods[f[1]], f[2])
				}
			}
		}
		if sbom.BomFormat != "CycloneDX" || sbom.Metadata.Component.Version != "v0.1.0-rc.1" || sbom.Metadata.Timestamp != "2026-01-01T00:00:00Z" || listed < 5 || mods["std"] == "" {
			t.Errorf("SBOM: %s %+v, %d modules", sbom.BomFormat, sbom.Metadata, listed)
		}
	}
	var v map[string]string
	if err := json.Unmarshal([]byte(run(t, ".", filepath.Join(dist, "cni-shim-linux-amd64"), "version", "-o", "json")), &v); err != nil {
		t.Fatal(err)
	}
	if v["version"] != "v0.1.0-rc.1" || v["commit"] != commit || v["date"] != "2026-01-01T00:00:00Z" || v["arch"] != "amd64" {
		t.Errorf("%v", v)
	}
}

// The rpm holds the same files as the deb, with the same scripts.
func TestRPM(t *testing.T) {
	dist := release(t)
	text, err := os.ReadFile(filepath.Join(dist, "cni-shim-0.1.0~rc.1-1.x86_64.rpm"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(text, []byte{0xed, 0xab, 0xee, 0xdb}) {
		t.Fatal("no rpm")
	}
	for _, want := range []string{"cni-shim-watch.service", "cni-shim.catalog", "cni-shim install", "cni-shim uninstall"} {
		if !bytes.Contains(text, []byte(want)) { // its header is not compressed
			t.Errorf("the rpm lacks %q", want)
		}
	}
}

// install.sh is POSIX sh to shellcheck's eye and to dash; it takes a release's program, whose checksum it verifies, and says what
// is wrong with what is not one.
func TestInstallScript(t *testing.T) {
	dist := release(t)
	scripts, err := filepath.Glob(top + "/*/*.sh")
	if err != nil || len(scripts) < 3 {
		t.Fatalf("%v %v", scripts, err)
	}
	run(t, ".", "shellcheck", append([]string{"-s", "sh", top + "/install.sh"}, scripts...)...)
	alone := filepath.Join(t.TempDir(), "install.sh")
	run(t, ".", "cp", top+"/install.sh", alone)
	program := filepath.Join(dist, "cni-shim-linux-amd64")
	dest := t.TempDir()
	sh := func(ok bool, want string, args ...string) {
		t.Helper()
		c := exec.Command("sh", append([]string{alone}, args...)...)
		c.Env = append(os.Environ(), "DESTDIR="+dest)
		out, err := c.CombinedOutput()
		if (err == nil) != ok || !strings.Contains(string(out), want) {
			t.Errorf("install.sh %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	sh(true, "usage: ./install.sh", "--help")
	sh(false, "there is neither a clone nor a program beside")
	sh(false, "no such file", "--binary", "/nowhere")
	sh(true, "write: /opt/cni/bin/cni-shim\n", "--binary", program, "--dry-run")
	if entries, _ := os.ReadDir(dest); len(entries) != 0 {
		t.Errorf("a dry run leaves %v", entries)
	}
	sh(true, "write: /a b/cni-shim\n", "--binary", program, "--bin-dir", "/a b", "--conf-dir", "/c d")
	if fi, err := os.Stat(dest + "/a b/cni-shim"); err != nil || fi.Mode() != 0o755 {
		t.Errorf("%v %v", fi, err)
	}
	sh(true, "remove: /a b/cni-shim\n", "--binary", program, "--uninstall")
	bad := filepath.Join(t.TempDir(), "cni-shim-linux-amd64")
	run(t, ".", "sh", "-c", `cp "$0" "$1"; echo >>"$1"; cp "$2" "$(dirname "$1")"`, program, bad, filepath.Join(dist, "SHA256SUMS"))
	sh(false, "and SHA256SUMS says", "--binary", bad)
	sh(false, "is it built for it?", "--binary", filepath.Join(dist, "cni-shim-linux-riscv64"))
	// A download without the permission to execute is no obstacle.
	loose := filepath.Join(t.TempDir(), "cni-shim-linux-amd64")
	run(t, ".", "sh", "-c", `cp "$0" "$1"; chmod 644 "$1"; cp "$2" "$(dirname "$1")"`, program, loose, filepath.Join(dist, "SHA256SUMS"))
	sh(true, "write: /opt/cni/bin/cni-shim\n", "--binary", loose, "--dry-run")
}
