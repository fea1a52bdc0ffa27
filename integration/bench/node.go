package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// inside marks the process that runs in the private namespaces.
const inside = "CNI_SHIM_BENCH_INSIDE"

const (
	confDir  = "/etc/cni/net.d"
	binDir   = "/opt/cni/bin"
	stateDir = "/var/lib/cni-shim"
)

// outside runs the program again inside, with a scratch directory on a real disk: what is fsynced shall cost what it costs.
func outside() int {
	scratch, err := os.MkdirTemp("/var/tmp", "cni-shim-bench")
	check(err)
	defer os.RemoveAll(scratch)
	self, err := os.Executable()
	check(err)
	programs, err := filepath.Abs(*bin)
	check(err)
	c := exec.Command(self, os.Args[1:]...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.Env = append(os.Environ(), inside+"="+scratch+":"+programs)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := c.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// enter lays private file systems over what calls write to, starts journald, and makes the pods' namespaces. stop ends journald.
func enter() (stop func()) {
	scratch, programs, _ := strings.Cut(os.Getenv(inside), ":")
	check(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	overlay := filepath.Join(scratch, "etc")
	check(os.Mkdir(overlay, 0o755))
	check(unix.Mount("tmpfs", overlay, "tmpfs", 0, ""))
	for _, d := range []string{scratch + "/lib", overlay + "/upper", overlay + "/work"} {
		check(os.Mkdir(d, 0o755))
	}
	check(unix.Mount("overlay", "/etc", "overlay", 0, "lowerdir=/etc,upperdir="+overlay+"/upper,workdir="+overlay+"/work"))
	check(unix.Mount(scratch+"/lib", "/var/lib", "", unix.MS_BIND, ""))
	for _, d := range []string{"/run", "/opt"} {
		check(unix.Mount("tmpfs", d, "tmpfs", 0, "mode=755"))
	}
	for _, d := range []string{confDir, binDir, "/run/netns", "/run/lock", "/run/systemd/journal", "/run/log/journal"} {
		check(os.MkdirAll(d, 0o755))
	}
	run("cp", "-a", programs+"/.", binDir)
	check(os.WriteFile("/etc/machine-id", []byte("0123456789abcdef0123456789abcdef\n"), 0o444))
	run("ip", "link", "set", "lo", "up")
	for i := range pods {
		run("ip", "netns", "add", pod(i))
	}
	journald := exec.Command("/lib/systemd/systemd-journald")
	journald.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	check(journald.Start())
	for range 200 {
		if _, err := os.Stat("/run/systemd/journal/socket"); err == nil {
			return func() { _ = journald.Process.Kill(); _ = journald.Wait() }
		}
		time.Sleep(25 * time.Millisecond)
	}
	check(fmt.Errorf("no journald after 5 s"))
	return nil
}

// pods is how many namespaces there are: one for each call at once.
const pods = 64

func pod(i int) string { return fmt.Sprintf("pod%02d", i) }

func run(name string, args ...string) {
	if text, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		check(fmt.Errorf("%s %v: %w\n%s", name, args, err, text))
	}
}

// machine says on what kind of machine this runs.
func machine() string {
	cpu := "unknown CPU"
	b, _ := os.ReadFile("/proc/cpuinfo")
	cores := strings.Count(string(b), "\nprocessor") + 1
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(line, "model name\t: "); ok {
			cpu = strings.TrimSpace(name)
		}
	}
	var u unix.Utsname
	_ = unix.Uname(&u)
	load, _ := os.ReadFile("/proc/loadavg")
	return fmt.Sprintf("%d × %s, Linux %s, load %s", cores, cpu, unix.ByteSliceToString(u.Release[:]), strings.Join(strings.Fields(string(load))[:2], " "))
}
