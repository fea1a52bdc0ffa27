package shim

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Poller makes the runtime's poller, which every call needs, while its two files can be opened. Go makes it with the first timer or
// directory, and ends the process where it cannot: without an answer, or after one that says success. Errors are those of pipe2(2) for
// want of files or memory.
func Poller() error {
	var fds [2]int
	for {
		err := unix.Pipe2(fds[:], unix.O_CLOEXEC)
		if err == nil {
			break
		}
		if err != syscall.EINTR {
			return err
		}
	}
	_, _ = unix.Close(fds[0]), unix.Close(fds[1])
	time.AfterFunc(time.Hour, func() {}).Stop()
	return nil
}
