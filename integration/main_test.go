// Package integration runs the shim with real parts: libcni and go-cni as clients, the reference plugins in network
// namespaces made here, a real systemd-journald. The test binary starts itself again in mount, network and PID
// namespaces of its own, so nothing of the machine is touched or seen.
package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cni-shim/cni-shim/integration/namespace"
)

// built and scratch name, for the processes inside, where the programs are and where file systems in memory can be laid.
const (
	built   = "CNI_SHIM_TEST_BUILT"
	scratch = "CNI_SHIM_TEST_SCRATCH"
)

var (
	binDir    string // the shim, the reference plugins, the recorder
	shimPath  string
	journald  *os.Process
	inherited map[string]bool // lines of mountinfo: what the machine had mounted before the tests' own
)

func TestMain(m *testing.M) {
	code := namespace.Run(namespace.Steps{
		Kinds:   unix.CLONE_NEWNET,
		Outside: outside,
		Init:    mountStranger,
		Inside: func() int {
			if err := prepare(); err != nil {
				fmt.Fprintln(os.Stderr, "integration: the private namespaces:", err)
				return 1
			}
			stop, err := startJournald()
			if err != nil {
				fmt.Fprintln(os.Stderr, "integration: journald:", err)
				return 1
			}
			defer stop()
			return m.Run()
		},
	})
	if outsideDir != "" {
		_ = os.Remove(outsideDir)
	}
	os.Exit(code)
}

// outsideDir is the empty directory of the machine that becomes scratch inside.
var outsideDir string

// outside builds what is needed.
func outside() error {
	bin, err := filepath.Abs("../.cache/bin")
	if err == nil {
		err = alone(bin+".lock", func() error { return build(bin) })
	}
	if err != nil {
		return fmt.Errorf("integration: build: %w", err)
	}
	if outsideDir, err = os.MkdirTemp("", "cni-shim-test"); err != nil {
		return err
	}
	return errors.Join(os.Setenv(built, bin), os.Setenv(scratch, outsideDir))
}

// alone runs f while no other process does with the same file. Some of these tests run beside the others, and both build.
func alone(file string, f func() error) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	lock, err := os.Create(file)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	return f()
}

// stranger is a mount of somebody else's, which the tests' namespace begins with.
func stranger() string { return filepath.Join(os.Getenv(scratch), "stranger") }

func mountStranger() error {
	err := unix.Mount("tmpfs", os.Getenv(scratch), "tmpfs", 0, "")
	if err == nil {
		err = os.Mkdir(stranger(), 0o755)
	}
	if err == nil {
		err = unix.Mount("tmpfs", stranger(), "tmpfs", 0, "")
	}
	return err
}

// mounted are the lines of mountinfo.
func mounted() (lines []string, err error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	return strings.Split(strings.TrimSpace(string(b)), "\n"), err
}

// releasedPath is the shim as it is released, beside the directory of the programs.
func releasedPath(bin string) string { return filepath.Join(filepath.Dir(bin), "released", "cni-shim") }

// released puts the shim as it is released in place until the test ends. The one that other tests run has more time for evidence and
// journal than a call may lose, because a busy machine takes it.
func (l *lab) released() {
	l.Helper()
	l.run("cp", "--remove-destination", releasedPath(os.Getenv(built)), shimPath)
	l.Cleanup(func() { l.run("cp", "--remove-destination", filepath.Join(os.Getenv(built), "cni-shim"), shimPath) })
}

// build compiles the shim, patient and as it is released, and the reference plugins from their module.
func build(bin string) error {
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	const plugins = "github.com/containernetworking/plugins/plugins/"
	for _, b := range []struct {
		dir  string
		args []string
		arch string
	}{
		{"..", []string{"-tags=patient", "-o", filepath.Join(bin, "cni-shim"), "./plugin"}, runtime.GOARCH},
		{"..", []string{"-o", releasedPath(bin), "./plugin"}, runtime.GOARCH},
		{".", []string{"-o", bin + "/", plugins + "main/bridge", plugins + "main/loopback", plugins + "main/macvlan", plugins + "main/host-device",
			plugins + "ipam/host-local", plugins + "ipam/static", plugins + "ipam/dhcp", plugins + "meta/portmap", plugins + "meta/tuning", "./recorder", "./standin", "./slowdisk"}, runtime.GOARCH},
		// Two that cannot be run here: for another CPU, and one that asks for a loader that no node has.
		{".", []string{"-o", filepath.Join(bin, "foreign"), plugins + "main/loopback"}, foreignArch()},
		{".", []string{"-buildmode=pie", "-ldflags=-s -w -I " + strayLoader, "-o", filepath.Join(bin, "loaderless"), plugins + "main/loopback"}, runtime.GOARCH},
	} {
		flags := []string{"build", "-trimpath", "-ldflags=-s -w"}
		if b.dir == ".." && os.Getenv("GOCOVERDIR") != "" {
			flags = append(flags, "-cover", "-coverpkg=./pkg/...,./plugin")
		}
		c := exec.Command("go", append(flags, b.args...)...)
		c.Dir, c.Env = b.dir, append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+b.arch)
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %s", err, out)
		}
	}
	return nil
}

// strayLoader is the dynamic loader of a distribution that this is not.
const strayLoader = "/lib/ld-stray-x.so.1"

// foreignArch is a CPU that this is not.
func foreignArch() string {
	if runtime.GOARCH == "arm64" {
		return "amd64"
	}
	return "arm64"
}

// prepare lays private file systems over what the tests write to.
func prepare() error {
	before, err := mounted()
	if err != nil {
		return err
	}
	inherited = map[string]bool{}
	for _, line := range before {
		inherited[line] = true
	}
	scratch := filepath.Join(os.Getenv(scratch), "inside")
	if err := errors.Join(os.MkdirAll(scratch+"/tmp", 0o755), os.Setenv("TMPDIR", scratch+"/tmp")); err != nil {
		return err
	}
	for _, dir := range []string{"/etc", "/usr/local"} {
		upper, work := filepath.Join(scratch, dir, "upper"), filepath.Join(scratch, dir, "work")
		for _, d := range []string{upper, work} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				return err
			}
		}
		if err := unix.Mount("overlay", dir, "overlay", 0, "lowerdir="+dir+",upperdir="+upper+",workdir="+work); err != nil {
			return fmt.Errorf("overlay on %s: %w", dir, err)
		}
	}
	for _, d := range []string{"/run", "/var/lib", "/opt"} {
		if err := unix.Mount("tmpfs", d, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("tmpfs on %s: %w", d, err)
		}
	}
	for _, d := range []string{"/etc/cni/net.d", "/opt/cni/bin", "/run/netns", "/run/lock", "/var/lib/cni"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	binDir, shimPath = "/opt/cni/bin", "/opt/cni/bin/cni-shim"
	out, err := exec.Command("cp", "-a", os.Getenv(built)+"/.", binDir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %s", err, out)
	}
	for i := range 4 {
		if err := os.Symlink("recorder", fmt.Sprintf("%s/rec%d", binDir, i)); err != nil {
			return err
		}
	}
	names, err := exec.Command(binDir + "/standin").Output()
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(string(names)) {
		if err := os.Symlink("standin", binDir+"/"+name); err != nil {
			return err
		}
	}
	out, err = exec.Command("ip", "link", "set", "lo", "up").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %s", err, out)
	}
	return os.WriteFile("/etc/machine-id", []byte("0123456789abcdef0123456789abcdef\n"), 0o444)
}

// startJournald runs a journald of the tests' own and waits until it takes entries.
func startJournald() (stop func(), err error) {
	for _, d := range []string{"/run/systemd/journal", "/run/log/journal"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	c := exec.Command("/lib/systemd/systemd-journald")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return nil, err
	}
	journald = c.Process
	if !within(patience, func() bool { return exists("/run/systemd/journal/socket") }) {
		return nil, fmt.Errorf("no socket after %s", patience)
	}
	return func() { _ = c.Process.Kill(); _ = c.Wait() }, nil
}
