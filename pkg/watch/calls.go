package watch

import (
	"context"
	"os"

	"golang.org/x/sys/unix"

	"github.com/cni-shim/cni-shim/pkg/inflight"
)

// calls follows calls under way that are not over within moments: the end of their processes, which leaves no event where they were
// killed.
type calls struct {
	ctx      context.Context
	followed map[int]bool // by process
	ended    chan int
}

func newCalls(ctx context.Context) *calls {
	return &calls{ctx, map[int]bool{}, make(chan int)}
}

// gone forgets a process that has ended: its number may be used again.
func (c *calls) gone(pid int) { delete(c.followed, pid) }

// follow follows the calls that run now. It reports whether there are marks of killed ones, and whether there are calls whose end
// nothing will show: they are to be looked at again.
func (c *calls) follow(dir string) (killed, unfollowed bool) {
	running, dead := inflight.Running(dir)
	for _, r := range running {
		if r.Foreign() { // its number is another process's here
			unfollowed = true
			continue
		}
		if c.followed[r.PID] {
			continue
		}
		fd, err := unix.PidfdOpen(r.PID, unix.PIDFD_NONBLOCK)
		if err != nil {
			unfollowed = true // an old kernel, or it is over
			continue
		}
		c.followed[r.PID] = true
		go func() {
			// The runtime's poller waits, and no thread.
			f := os.NewFile(uintptr(fd), "pidfd")
			defer f.Close()
			if raw, err := f.SyscallConn(); err == nil {
				_ = raw.Read(over)
			}
			select {
			case c.ended <- r.PID:
			case <-c.ctx.Done():
			}
		}()
	}
	return len(dead) > 0, unfollowed
}

// over tells whether the process of a pidfd has ended.
func over(fd uintptr) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return n > 0 || err != nil && err != unix.EINTR
}
