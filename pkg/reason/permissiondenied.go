package reason

// PermissionDenied: the system denies running the plugin or using its files.
var PermissionDenied = &Reason{
	Name:      "PermissionDenied",
	MessageID: "cf323c536969452c94278c795e1c3dda",
	Group:     Install,
	Title:     "the system denies running the plugin or using its files",
	Cause:     "SELinux, AppArmor, a noexec or read-only mount, missing mount propagation, file modes or a missing capability stand in the way of the plugin or of the pod that installs it.",
	Confirm: []string{
		"findmnt -T /opt/cni/bin",
		"ls -laZ /opt/cni/bin /etc/cni/net.d",
		"journalctl -k --grep 'denied' -n 20",
	},
	Cure:  "check file modes, mount options and the audit log for the path shown, and give the program the right it lacks",
	Who:   Node,
	Retry: false,
}
