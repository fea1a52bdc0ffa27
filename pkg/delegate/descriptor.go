package delegate

import (
	"bytes"
	"errors"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Stdout and Stderr of the shim. Who reads them may be gone, a runtime that is restarted: writing is an error then, where os.Stdout and
// os.Stderr would end the process between two plugins. (To be notified of SIGPIPE helps as well, and costs a goroutine and a thread; to
// ignore it is inherited by plugins.) Or nobody reads them: see Write.
const (
	Stdout = descriptor(1)
	Stderr = descriptor(2)
)

// descriptor is an open file of the kernel's, blocking or not: that is its opener's to say, and shared with all who hold it.
type descriptor int

// What a reader that does not read may cost. The answer is what a call is for, so its reader has the longest time that kubelet
// gives a sandbox by default; what plugins say on stderr is in the journal too, and may cost all of a call together no more than
// logging may.
const (
	stdoutPatience = 4 * time.Minute
	stderrPatience = 100 * time.Millisecond
)

// stderrSpent is how long the process has waited for the reader of its stderr, in nanoseconds.
var stderrSpent atomic.Int64

var errUnread = errors.New("nobody reads it")

// Write writes all of b, or says why not. It sleeps while the reader does not read, and gives up after a time: for Stderr that
// is bounded for the process, and then whatever else is written there is dropped. Safe for concurrent use.
func (d descriptor) Write(b []byte) (n int, err error) {
	if d != Stderr {
		return d.write(b, time.Now().Add(stdoutPatience))
	}
	start := time.Now()
	patience := stderrPatience - time.Duration(stderrSpent.Load())
	if patience <= 0 {
		return 0, errUnread
	}
	type result struct {
		n   int
		err error
	}
	// A file that blocks holds its writer, for other processes write to it too. The writer is left behind then, and ends with the process.
	done := make(chan result, 1)
	b = bytes.Clone(b)
	go func() {
		n, err := d.write(b, start.Add(patience))
		done <- result{n, err}
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	defer func() { stderrSpent.Add(int64(time.Since(start))) }()
	select {
	case r := <-done:
		return r.n, r.err
	case <-timer.C:
		return 0, errUnread
	}
}

// write writes until a deadline, as much at a time as a pipe that has room takes without blocking.
func (d descriptor) write(b []byte, deadline time.Time) (n int, err error) {
	const atOnce = 4096 // PIPE_BUF
	for n < len(b) {
		fds := []unix.PollFd{{Fd: int32(d), Events: unix.POLLOUT}}
		wait := time.Until(deadline)
		if wait < 0 {
			return n, errUnread
		}
		ready, err := unix.Poll(fds, int(wait.Milliseconds())+1)
		if errors.Is(err, unix.EINVAL) { // a process that may open no file may not ask for one, either
			ready, err = 1, nil
		}
		if err != nil && !again(err) {
			return n, err
		}
		if ready <= 0 {
			continue
		}
		k, err := syscall.Write(int(d), b[n:min(len(b), n+atOnce)])
		switch n += max(k, 0); {
		case errors.Is(err, unix.EAGAIN): // of a kind that poll(2) calls ready too early
			time.Sleep(tick)
		case err != nil && !again(err):
			return n, err
		}
	}
	return n, nil
}
