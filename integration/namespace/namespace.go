// Package namespace runs a test binary in namespaces of its own, so that packages can be tested at the same time: no mount, process
// or interface of one is seen by another, and nothing outlives it.
package namespace

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// stage names the process in the chain that Run starts: "" is the one that go test started.
const stage = "CNI_SHIM_TEST_STAGE"

// Steps are what the processes of a test binary do. Outside and Init may be nil.
type Steps struct {
	Outside func() error // on the machine, before the namespaces are made
	Init    func() error // as the first process in them; Inside's mount namespace begins as a copy of what it leaves
	Inside  func() int   // the tests; returns the exit code
	Kinds   uintptr      // namespaces beside those for mounts and processes, which are always made
}

// Run is called by TestMain and returns the process's exit code. It starts the test binary twice more: as the first process of new
// namespaces, which buries orphans, and below it as the one that runs the tests. All mounts are private. Without root it fails and
// says so.
func Run(s Steps) int {
	switch os.Getenv(stage) {
	case "":
		if os.Geteuid() != 0 {
			return fail(fmt.Errorf("these tests make namespaces and need root"))
		}
		if err := call(s.Outside); err != nil {
			return fail(err)
		}
		return enter(s.Kinds)
	case "init":
		err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		if err == nil {
			err = unix.Mount("proc", "/proc", "proc", 0, "")
		}
		if err == nil {
			err = call(s.Init)
		}
		if err != nil {
			return fail(fmt.Errorf("the private namespaces: %w", err))
		}
		return reap()
	}
	return s.Inside()
}

func call(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// enter starts the first process of the namespaces and waits for it. All in them die with this process.
func enter(kinds uintptr) int {
	runtime.LockOSThread() // the death signal is bound to the thread
	c := exec.Command("/proc/self/exe", os.Args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), stage+"=init")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: kinds | unix.CLONE_NEWNS | unix.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	if err := c.Run(); c.ProcessState == nil {
		return fail(err)
	}
	if code := c.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	return fail(fmt.Errorf("the tests' first process: %s", c.ProcessState))
}

// reap runs the tests in a mount namespace below this one, and buries orphans until they end.
func reap() int {
	if err := os.Setenv(stage, "inside"); err != nil {
		return fail(err)
	}
	p, err := os.StartProcess("/proc/self/exe", os.Args, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS},
	})
	if err != nil {
		return fail(err)
	}
	for {
		var status unix.WaitStatus
		switch pid, err := unix.Wait4(-1, &status, 0, nil); {
		case err != nil && err != unix.EINTR:
			return fail(err)
		case pid == p.Pid && status.Signaled():
			return fail(fmt.Errorf("the tests were ended by %s", status.Signal()))
		case pid == p.Pid:
			return status.ExitStatus()
		}
	}
}
