package attachment

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
)

// NetnsID tells network namespaces apart, by device and inode: a path such as /proc/PID/ns/net may be a stranger's by now. The kernel
// uses a number again, so where a namespace is mounted at the path the time at which the kernel made its inode, which lasts as long as
// the mount, is part of it. It is empty where nothing can be seen at the path.
func NetnsID(path string) string {
	var st syscall.Stat_t
	if path == "" || syscall.Stat(path, &st) != nil {
		return ""
	}
	if strings.HasPrefix(path, "/proc/") {
		return fmt.Sprintf("%d:%d", st.Dev, st.Ino)
	}
	return netnsID(&st)
}

func netnsID(st *syscall.Stat_t) string {
	return fmt.Sprintf("%d:%d:%d.%d", st.Dev, st.Ino, st.Ctim.Sec, st.Ctim.Nsec)
}

// SameNetns reports whether the ADD may have been of the namespace with these properties: true also where that cannot be told.
func (e *Entry) SameNetns(st *syscall.Stat_t) bool { return sameNetns(e.NetnsID, netnsID(st)) }

// sameNetns compares what both ids have; an empty one is like any other.
func sameNetns(a, b string) bool {
	x, y := strings.Split(a, ":"), strings.Split(b, ":")
	n := min(len(x), len(y))
	return a == "" || b == "" || slices.Equal(x[:n], y[:n])
}

// NetnsGone is true only where it is certain: the path leads nowhere, or to another namespace than at the ADD, or the node was started
// since.
func (e *Entry) NetnsGone() bool {
	if e.Netns == "" || e.Uptime > Uptime().Seconds()+1 {
		return true
	}
	if _, err := os.Stat(e.Netns); err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	return !sameNetns(e.NetnsID, NetnsID(e.Netns))
}
