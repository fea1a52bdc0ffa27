// Package integration runs the shim with real parts: libcni and go-cni as clients, the reference plugins in network
// namespaces made here, a real systemd-journald. The test binary starts itself again in mount, network and PID-visible
// namespaces of its own, so nothing of the machine is touched.
package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inside marks the process that runs in the private namespaces.
const inside = "CNI_SHIM_TEST_INSIDE"

var (
	binDir   string // the shim, the reference plugins, the recorder
	shimPath string
	journald *os.Process
)

func TestMain(m *testing.M) {
	if os.Getenv(inside) == "" {
		os.Exit(outside())
	}
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "integration: the private namespaces:", err)
		os.Exit(1)
	}
	stop, err := startJournald()
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration: journald:", err)
		os.Exit(1)
	}
	code := m.Run()
	stop()
	os.Exit(code)
}

// outside builds what is needed and runs the tests again inside.
func outside() int {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "integration: these tests make namespaces and need root")
		return 1
	}
	bin, err := filepath.Abs("../.cache/bin")
	if err == nil {
		err = build(bin)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration: build:", err)
		return 1
	}
	self, _ := os.Executable()
	c := exec.Command(self, os.Args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), inside+"="+bin)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := c.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return 1
	}
	return 0
}

// build compiles the shim as it is released, and the reference plugins from their module.
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
		{"..", []string{"-o", filepath.Join(bin, "cni-shim"), "./plugin"}, runtime.GOARCH},
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
	built := os.Getenv(inside)
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "cni-shim-test")
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", scratch, "tmpfs", 0, ""); err != nil {
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
	out, err := exec.Command("cp", "-a", built+"/.", binDir).CombinedOutput()
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
	for range 200 {
		if _, err := os.Stat("/run/systemd/journal/socket"); err == nil {
			return func() { _ = c.Process.Kill(); _ = c.Wait() }, nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	return nil, fmt.Errorf("no socket after 5 s")
}
