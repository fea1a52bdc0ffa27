package failure

// hostResourceExhausted tells failures of the reason HostResourceExhausted.
var hostResourceExhausted = Class{
	Reason: "HostResourceExhausted",
	Is: func(f *Facts) string {
		if short(f.Errno) != "" {
			return f.Errno.Error()
		}
		return ""
	},
	Sure: []string{
		"failed to create new os thread",
		"newosproc",
		"no space left on device",
		"too many open files",
		"cannot allocate memory",
		"can't start new thread",
		"pthread_create failed",
		"inotify_init",
		"inotify_add_watch",
		"fork/exec … resource temporarily unavailable",
	},
	Any: []string{
		"inotify",
		"fsnotify",
		"fork: … resource temporarily unavailable",
		"fork failed",
		"fork: retry",
		"clone … resource temporarily unavailable",
		"pids limit",
		"pids cgroup",
		"pids.max",
		"disk quota exceeded",
		"no buffer space available",
		"neighbour table overflow",
		"neighbor table overflow",
		"nf_conntrack: table full",
		"table full",
		"disk full",
		"disk is full",
		"disk pressure",
		"diskpressure",
		"out of disk",
		"not enough memory",
		"insufficient memory",
		"not enough storage",
		"not enough space on the disk",
		"insufficient system resources",
		"too many processes",
		"too many threads",
		"too many files",
		"max user",
		"thread limit",
		"unable to allocate memory",
		"not enough disk",
		"out of memory",
	},
	Weak: []string{
		"resource temporarily unavailable",
	},
	Samples: []Sample{
		{`failed to create CRI service: failed to create cni conf monitor for default: failed to create fsnotify watcher: too many open files`, "berops/claudie#1694"},
		{`failed to create fsnotify watcher: no space left on device`, ""},
		{`open /var/lib/cni/networks/cbr0/lock: no space left on device`, ""},
		{`runtime: failed to create new OS thread (have 5 already; errno=11)`, ""},
		{`fork/exec /opt/cni/bin/flannel: cannot allocate memory`, ""},
	},
}
