package evidence

import (
	"fmt"
	"strings"
	"syscall"
)

// xtables tells who holds the lock that every change by iptables waits for.
func xtables(l *look) {
	const lock = "/run/xtables.lock"
	var st syscall.Stat_t
	if syscall.Lstat(l.path(lock), &st) != nil {
		return
	}
	inode := fmt.Sprintf(":%d", st.Ino)
	told := false
	// 1: FLOCK  ADVISORY  WRITE 1234 00:19:5678 0 EOF; one that waits has "->" behind its number.
	_ = l.lines("/proc/locks", func(fields []string) bool {
		if len(fields) < 6 || fields[1] != "FLOCK" || !strings.HasSuffix(fields[5], inode) {
			return true
		}
		pid := fields[4]
		switch name := l.read("/proc/"+pid+"/comm", 64); {
		case pid == "-1" || pid == "0":
			l.note("lock", "%s is held by a process of another namespace", lock)
		case name != "":
			l.note("lock", "%s is held by process %s (%s)", lock, pid, name)
		default:
			l.note("lock", "%s is held by process %s, which is gone", lock, pid)
		}
		told = true
		return false
	})
	if !told && strings.Contains(l.text, "xtables") {
		l.note("lock", "nobody holds %s by now", lock)
	}
}

// waited tells of a plugin that did not come back what it may have waited for.
func waited(l *look) {
	sockets(l)
	xtables(l)
}
