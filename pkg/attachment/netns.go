package attachment

import (
	"errors"
	"fmt"
	"os"
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
	id := fmt.Sprintf("%d:%d", st.Dev, st.Ino)
	if !strings.HasPrefix(path, "/proc/") {
		id += fmt.Sprintf(":%d.%d", st.Ctim.Sec, st.Ctim.Nsec)
	}
	return id
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
	now := NetnsID(e.Netns)
	return e.NetnsID != "" && now != "" && now != e.NetnsID && now[:strings.LastIndex(now, ":")] != e.NetnsID // of an older version
}
