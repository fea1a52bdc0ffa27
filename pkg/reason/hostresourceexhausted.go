package reason

// HostResourceExhausted: a resource of the host is used up.
var HostResourceExhausted = &Reason{
	Name:      "HostResourceExhausted",
	MessageID: "9e41481af1d845c2ab6fea38df1b7bb5",
	Group:     Limits,
	Title:     "a resource of the host is used up",
	Cause:     `Disk space or inodes, inotify watches or instances, file descriptors, processes, memory or a kernel table is at its limit. inotify limits show as "no space left on device" and "too many open files" while the disk is half empty.`,
	Confirm: []string{
		"df -h /var/lib/cni /run /var/log",
		"df -i /var/lib/cni /run",
		"sysctl fs.inotify fs.file-nr kernel.pid_max kernel.threads-max",
		"free -m",
	},
	Cure:  "free space or raise the limit named",
	Who:   Node,
	Retry: false,
}
