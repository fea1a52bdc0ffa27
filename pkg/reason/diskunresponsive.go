package reason

// DiskUnresponsive: a disk that holds what has to be known does not answer.
var DiskUnresponsive = &Reason{
	Name:      "DiskUnresponsive",
	MessageID: "d4220ea4f21440cdb02c6119889e4893",
	Group:     Limits,
	Title:     "a disk does not answer",
	Cause:     "A file system does not answer: it is frozen (fsfreeze, a snapshot), its device is gone or hangs, or its NFS server is away. What ran at the pod's ADD may be saved there, and must be known before its network is checked or deleted. The call waited some seconds and asks the runtime to try again; nothing was guessed and nothing was deleted.",
	Confirm: []string{
		"findmnt -T /var/lib/cni-shim",
		"dmesg | tail -n 50",
		"ps -eo pid,stat,wchan:32,args | awk '$2 ~ /D/'",
	},
	Cure:  "bring the file system back: thaw it, repair its device, or reach its server",
	Who:   Node,
	Retry: true,
}
