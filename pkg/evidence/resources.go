package evidence

import (
	"path"
	"strconv"
	"strings"
	"syscall"
)

// resources tells which of the node's resources are short, and the limits that errors do not name.
func resources(l *look) {
	dirs := append([]string{"/var/lib/cni", "/run", "/tmp"}, l.pathsIn(func(p string) bool {
		return strings.HasPrefix(p, "/var/") || strings.HasPrefix(p, "/etc/") || strings.HasPrefix(p, "/run/")
	})...)
	seen := map[syscall.Fsid]bool{}
	for _, dir := range dirs {
		for dir != "/" {
			if _, gone := l.lstat(dir); !gone {
				break
			}
			dir = path.Dir(dir)
		}
		var fs syscall.Statfs_t
		if l.over() || syscall.Statfs(l.path(dir), &fs) != nil || fs.Blocks == 0 || seen[fs.Fsid] {
			continue
		}
		seen[fs.Fsid] = true
		if percent := 100 - fs.Bavail*100/fs.Blocks; percent >= 90 {
			l.note("disk", "the file system of %s is %d%% full, %d MiB are left", dir, percent, fs.Bavail*uint64(fs.Bsize)>>20)
		}
		if fs.Files > 0 && fs.Ffree*100/fs.Files <= 10 {
			l.note("inodes", "the file system of %s has %d of %d inodes left", dir, fs.Ffree, fs.Files)
		}
	}
	if text := strings.ToLower(l.text); strings.Contains(text, "notify") || strings.Contains(text, "too many open files") {
		if n, w := l.read("/proc/sys/fs/inotify/max_user_instances", 32), l.read("/proc/sys/fs/inotify/max_user_watches", 32); n != "" && w != "" {
			l.note("inotify", "a user may have %s inotify instances and %s watches (fs.inotify.max_user_*)", n, w)
		}
	}
	if f := strings.Fields(l.read("/proc/sys/fs/file-nr", 128)); len(f) == 3 {
		l.note("files", "%s of %s files are open on this node", f[0], f[2])
	}
	if f := strings.Fields(l.read("/proc/loadavg", 128)); len(f) >= 4 {
		_, tasks, _ := strings.Cut(f[3], "/")
		l.note("tasks", "%s processes and threads; kernel.pid_max is %s, kernel.threads-max %s", tasks,
			l.read("/proc/sys/kernel/pid_max", 32), l.read("/proc/sys/kernel/threads-max", 32))
	}
	for _, dir := range l.cgroup("pids") {
		now, most := l.read(dir+"/pids.current", 32), l.read(dir+"/pids.max", 32)
		if now != "" && most != "" && most != "max" {
			l.note("pids", "the control group has %s of %s processes", now, most)
		}
	}
}

// cgroup gives the directory of this process in the hierarchy of a controller: version 2, or version 1.
func (l *look) cgroup(controller string) []string {
	var dirs []string
	for line := range strings.Lines(l.read("/proc/self/cgroup", 1<<14)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3) // number:controllers:path
		switch {
		case len(f) != 3 || strings.Contains(f[2], ".."):
		case f[1] == "":
			dirs = append(dirs, path.Join("/sys/fs/cgroup", f[2]))
		case strings.Contains(","+f[1]+",", ","+controller+","):
			dirs = append(dirs, path.Join("/sys/fs/cgroup", controller, f[2]))
		}
	}
	return dirs
}

// killed tells the signal, and whether the kernel killed for want of memory.
func killed(l *look) {
	if l.f.Signal != 0 {
		l.note("signal", "signal %d (%s)", int(l.f.Signal), l.f.Signal)
	}
	for _, dir := range l.cgroup("memory") {
		for _, file := range []string{"memory.events", "memory.oom_control"} {
			for line := range strings.Lines(l.read(dir+"/"+file, 1<<12)) {
				if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
					l.note("oom_kill", "the control group %s counts %s for want of memory", strings.TrimPrefix(dir, "/sys/fs/cgroup"), count(n, "kill", "kills"))
				}
			}
		}
		for _, file := range []string{"memory.max", "memory.limit_in_bytes"} {
			// Version 1 has no word for no limit: it is the largest number of pages.
			if most, err := strconv.ParseInt(l.read(dir+"/"+file, 32), 10, 64); err == nil && most < 1<<60 {
				l.note("memory", "its memory is limited to %d bytes", most)
			}
		}
	}
	for line := range strings.Lines(l.read("/proc/vmstat", 1<<15)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok && n != "0" {
			l.note("oom_kill_node", "the node counts %s for want of memory since it started", count(n, "kill", "kills"))
		}
	}
}
