// Package node makes a node of Kubernetes inside one process tree: mount, network, process and host name spaces of its own, file
// systems in memory over what runtimes and plugins write to, a real journald, a real container runtime. When its first process
// ends, all of it is gone, and nothing of the machine was touched.
package node

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// stage tells a process of this program how far inside it is; dirs tells those inside where the programs are.
const (
	stage = "CNI_SHIM_NODE"
	dirs  = "CNI_SHIM_NODE_CACHE"
)

// Main runs a program that lives on a node, started in this module's root directory. The first process calls outside, which builds what is needed and calls Enter, once or
// often; inside is called in each process that was entered, as the node's root user, with the node prepared and no runtime started.
func Main(outside func(cache string) int, inside func(*Node) int) int {
	switch os.Getenv(stage) {
	case "":
		if os.Geteuid() != 0 {
			return fail(errors.New("nodes are made of namespaces, which needs root"))
		}
		cache, err := filepath.Abs(filepath.Join(cmp.Or(os.Getenv("CNI_SHIM_CACHE"), "../../.cache"), "runtimes")) // from this module's root
		if err == nil {
			err = Build(cache)
		}
		if err != nil {
			return fail(err)
		}
		return outside(cache)
	case "init":
		if err := mounts(os.Getenv(dirs)); err != nil {
			return fail(fmt.Errorf("the node's file systems: %w", err))
		}
		return reap()
	}
	n := &Node{cache: os.Getenv(dirs)}
	if err := n.startJournald(); err != nil {
		return fail(err)
	}
	return inside(n)
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "node:", err)
	return 1
}

// Enter makes a node and runs this program in it with the arguments. Its control groups are removed when it has ended.
func Enter(cache string, env []string, args ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", args...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.Env = append(append(os.Environ(), env...), stage+"=init", dirs+"="+cache)
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	return c
}

// reap runs this program once more, as a process that is not the first, and buries the orphans of the node until it ends: pods and
// the runtime's helpers outlive their parents.
func reap() int {
	self, err := os.Executable()
	if err != nil {
		return fail(err)
	}
	if err := os.Setenv(stage, "inside"); err != nil {
		return fail(err)
	}
	p, err := os.StartProcess(self, os.Args, &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return fail(err)
	}
	for {
		var status unix.WaitStatus
		switch pid, err := unix.Wait4(-1, &status, 0, nil); {
		case err != nil && err != unix.EINTR:
			return fail(err)
		case pid == p.Pid && status.Signaled():
			return fail(fmt.Errorf("ended by %s", status.Signal()))
		case pid == p.Pid:
			return status.ExitStatus()
		}
	}
}

// mounts lays private file systems over what a node writes to, and puts the plugins in their place.
func mounts(cache string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte("node-1")); err != nil {
		return err
	}
	scratch := "/mnt" // of any root file system
	if err := unix.Mount("tmpfs", scratch, "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	for _, dir := range []string{"/etc", "/usr/local"} {
		own := filepath.Join(scratch, dir)
		upper, work := filepath.Join(own, "upper"), filepath.Join(own, "work")
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
	if err := os.RemoveAll(ConfDir); err != nil {
		return err
	}
	for _, d := range []string{ConfDir, BinDir, "/var/lib/cni", "/run/lock"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	for file, text := range map[string]string{
		"/etc/machine-id":  "0123456789abcdef0123456789abcdef\n",
		"/etc/crictl.yaml": "runtime-endpoint: unix://" + socket + "\nimage-endpoint: unix://" + socket + "\ntimeout: 20\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, c := range [][]string{{"cp", "-a", cache + "/cni/.", BinDir}, {"ip", "link", "set", "lo", "up"}} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %v: %s", strings.Join(c, " "), err, out)
		}
	}
	return nil
}
