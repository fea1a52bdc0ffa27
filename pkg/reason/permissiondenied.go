package reason

// PermissionDenied: the system denies running the plugin or using its files.
var PermissionDenied = add(&Reason{
	Name:      "PermissionDenied",
	MessageID: "cf323c536969452c94278c795e1c3dda",
	Title:     "the system denies running the plugin or using its files",
	Cause:     "SELinux, AppArmor, a noexec or read-only mount, or file modes stand in the way.",
	Confirm:   []string{"findmnt -T /opt/cni/bin", "journalctl -k --grep 'denied'"},
	Cure:      "check file modes, mount options and the audit log for the path shown",
	Who:       Node,
	Retry:     false,
})
