package failure

import "syscall"

// permissionDenied tells failures of the reason PermissionDenied.
var permissionDenied = Class{
	Reason: "PermissionDenied",
	Is: func(f *Facts) string {
		if f.Errno == syscall.EACCES || f.Errno == syscall.EPERM || f.Errno == syscall.EROFS {
			return f.Errno.Error()
		}
		return ""
	},
	Sure: []string{
		"failed to open netns … permission denied",
		"is not a shared mount",
		"not a shared or slave mount",
		"avc: denied",
		`apparmor="denied"`,
	},
	Any: []string{
		"permission denied",
		"operation not permitted",
		"access is denied",
		"access denied",
		"read-only file system",
		"must be run as root",
		"requires root",
		"required privilege is not held",
		"permissions 0",
	},
	Samples: []Sample{
		{`cp: can't create '/etc/cni/net.d/10-flannel.conflist': Permission denied`, "flatcar/Flatcar#476"},
		{`failed to generate container "e9c216aeb0a400d7c3b68ede83e6d1f1b4a42ab0262553cfde5f4fa6254cb829" spec: failed to generate spec: path "/opt/cni/bin" is mounted on "/" but it is not a shared mount`, "k8snetworkplumbingwg/multus-cni#1248"},
		{`plugin type="tuning" failed (add): open /etc/cni/tuning/allowlist.conf: permission denied`, "containernetworking/plugins#826"},
		{`fork/exec /opt/cni/bin/calico: permission denied`, ""},
		{`failed to create symlink: read-only file system`, ""},
		{`mkdir /var/lib/cni/networks: read-only file system`, ""},
		{`open /var/lib/cni/networks/podman/lock: permission denied`, ""},
		{`cannot set up namespace: operation not permitted`, ""},
	},
}
