package attachment

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// NetnsID tells network namespaces apart, by device and inode: a path such as /proc/PID/ns/net may be a stranger's by now. It is
// empty where nothing can be seen at the path.
func NetnsID(path string) string {
	if path == "" {
		return ""
	}
	fi, err := os.Stat(path)
	if err != nil {
		return ""
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// NetnsGone is true only where it is certain: the path leads nowhere, or to another namespace than at the ADD.
func (e *Entry) NetnsGone() bool {
	if e.Netns == "" {
		return true
	}
	if _, err := os.Stat(e.Netns); err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	now := NetnsID(e.Netns)
	return e.NetnsID != "" && now != "" && now != e.NetnsID
}
