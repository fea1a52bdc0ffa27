package delegate

import (
	"cmp"
	"context"
	"errors"
	"io"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tick is how often a plugin is looked for that has ended and left its pipes in a grandchild's hands.
const tick = 50 * time.Millisecond

// pipes are our ends of a plugin's three pipes; -1 where one is closed.
type pipes struct {
	stdin          int
	rest           []byte // of what is to be written to stdin
	stdout, stderr int
	process        int           // a descriptor of the process, once its pipes are closed; -1 before
	to             [2]io.Writer  // what is read from stdout and stderr; one that refuses gets its pipe closed
	buf            [4 << 10]byte // an answer is hundreds of bytes; more would be pages that every call touches
}

// run makes one process and waits for it: in a process group of its own, dying with the shim (see ExecPlugin). It is one
// loop on one thread, because a call is three milliseconds and os/exec spends a sixth of that on goroutines and the threads they wake.
func (a *Attempt) run(ctx context.Context, environ []string, beat func()) error {
	stdout, stderr := &head{limit: cmp.Or(a.limit, MaxStdout), drain: a.resultless}, &ends{limit: MaxStderr / 2}
	p := &pipes{stdin: -1, stdout: -1, stderr: -1, process: -1, rest: a.Stdin, to: [2]io.Writer{stdout, stderr}}
	defer p.close()
	pid, err := p.start(a.Path, cmp.Or(a.name, a.Path), environ)
	if err != nil {
		errors.As(err, &a.Errno)
		return err
	}
	a.pid = pid
	status, err := p.wait(ctx, pid, beat)
	a.Stdout, a.Stderr, a.Started = stdout.data, stderr.bytes(), true
	if err != nil {
		a.Exit = -1
		return err
	}
	if a.Exit = status.ExitStatus(); status.Signaled() { // which is -1
		a.Signal = status.Signal()
	}
	a.TooMuch = stdout.dropped
	switch {
	case a.TooMuch && !a.resultless:
		return errTooLong
	case status.Exited() && a.Exit == 0:
		return nil
	}
	return errFailed
}

var errFailed = errors.New("failed") // Exit or Signal say how

// start makes the pipes and the process.
func (p *pipes) start(path, name string, environ []string) (pid int, err error) {
	var in, out, errs [2]int
	for _, fds := range []*[2]int{&in, &out, &errs} {
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			return 0, err
		}
		switch fds {
		case &in:
			p.stdin = in[1]
			defer unix.Close(in[0])
		case &out:
			p.stdout = out[0]
			defer unix.Close(out[1])
		case &errs:
			p.stderr = errs[0]
			defer unix.Close(errs[1])
		}
	}
	for _, fd := range []int{p.stdin, p.stdout, p.stderr} { // ours alone: the plugin's ends block, as it expects
		if err := unix.SetNonblock(fd, true); err != nil {
			return 0, err
		}
	}
	return syscall.ForkExec(path, []string{name}, &syscall.ProcAttr{
		Env: environ, Files: []uintptr{uintptr(in[0]), uintptr(out[1]), uintptr(errs[1])},
		Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true},
	})
}

// wait serves the pipes until they are closed and the process has ended, or until grace after its end. The end of the context kills
// the process group; one that does not die of it, because the kernel holds it, is left behind after the same time. beat is called
// about every second.
func (p *pipes) wait(ctx context.Context, pid int, beat func()) (status syscall.WaitStatus, err error) {
	ended, killed := false, false
	next := time.Now().Add(heartbeat)
	var until time.Time
	for nap := 100 * time.Microsecond; ; {
		open := p.stdin >= 0 || p.stdout >= 0 || p.stderr >= 0
		if !open && !ended && p.process < 0 { // it closed its pipes, and most likely ends just now
			p.process, _ = unix.PidfdOpen(pid, 0)
		}
		switch now := time.Now(); {
		case ended && (!open || killed || now.After(until)):
			return status, nil
		case killed && now.After(until):
			return status, ErrLeft
		case open || p.process >= 0:
			p.serve(tick)
		default: // a kernel before 5.3
			time.Sleep(nap)
			nap = min(2*nap, tick)
		}
		now := time.Now()
		if !ended && !killed {
			until = now.Add(grace)
			if ctx.Err() != nil {
				killed = syscall.Kill(-pid, syscall.SIGKILL) == nil
			}
		}
		if !ended {
			if ended, err = reap(pid, &status); err != nil {
				return status, err
			}
		}
		if now.After(next) {
			beat()
			next = now.Add(heartbeat)
		}
	}
}

// heartbeat is how often a plugin that runs is told to do so.
const heartbeat = time.Second

// reap takes the status of a process if it has ended.
func reap(pid int, status *syscall.WaitStatus) (ended bool, err error) {
	for {
		got, err := syscall.Wait4(pid, status, syscall.WNOHANG, nil)
		if !errors.Is(err, syscall.EINTR) {
			return got == pid, err
		}
	}
}

// serve moves what can be moved, waiting for it at most for a while.
func (p *pipes) serve(timeout time.Duration) {
	fds := []unix.PollFd{{Fd: int32(p.stdin), Events: unix.POLLOUT}, {Fd: int32(p.stdout), Events: unix.POLLIN}, {Fd: int32(p.stderr), Events: unix.POLLIN},
		{Fd: int32(p.process), Events: unix.POLLIN}} // poll(2) passes over -1
	if n, err := unix.Poll(fds, int(timeout.Milliseconds())); err != nil || n == 0 {
		if err != nil && !again(err) {
			time.Sleep(timeout) // the kernel is short of something; the caller's loop goes on
		}
		return
	}
	if fds[0].Revents != 0 {
		p.write()
	}
	for i, fd := range []*int{&p.stdout, &p.stderr} {
		if fds[i+1].Revents != 0 {
			p.read(fd, p.to[i])
		}
	}
}

// write gives the plugin more of its stdin. One that does not read it is fine.
func (p *pipes) write() {
	n, err := unix.Write(p.stdin, p.rest)
	if err != nil && again(err) {
		return
	}
	if p.rest = p.rest[max(n, 0):]; err != nil || len(p.rest) == 0 {
		shut(&p.stdin)
	}
}

// read takes more of what the plugin says.
func (p *pipes) read(fd *int, to io.Writer) {
	n, err := unix.Read(*fd, p.buf[:])
	if err != nil && again(err) {
		return
	}
	if err != nil || n == 0 {
		shut(fd)
		return
	}
	if _, err := to.Write(p.buf[:n]); err != nil {
		shut(fd)
	}
}

func again(err error) bool { return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) }

func shut(fd *int) {
	if *fd >= 0 {
		unix.Close(*fd)
		*fd = -1
	}
}

func (p *pipes) close() {
	shut(&p.stdin)
	shut(&p.stdout)
	shut(&p.stderr)
	shut(&p.process)
}
