package reason

// StateCorrupt: a state file on disk is stale or damaged.
var StateCorrupt = &Reason{
	Name:      "StateCorrupt",
	MessageID: "d2eb3986bb3242b8950cfe39a8208f00",
	Group:     Plugin,
	Title:     "a state file on disk is stale or damaged",
	Cause:     "A lock, cache or database that the plugin keeps on disk is empty, truncated, held by a process that is gone, or of another boot. Power loss and full disks leave such files.",
	Confirm: []string{
		"ls -la /var/lib/cni /var/lib/cni/results /var/run",
		"cni-shim status",
		"dmesg | tail -n 50",
	},
	Cure:  "remove the file named once no process holds it",
	Who:   Node,
	Retry: false,
}
