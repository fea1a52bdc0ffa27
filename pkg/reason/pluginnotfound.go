package reason

// PluginNotFound: a plugin's binary is not in any directory of CNI_PATH.
var PluginNotFound = &Reason{
	Name:      "PluginNotFound",
	MessageID: "7d03bef800034bb9bb559583924ecb80",
	Group:     Install,
	Title:     "a plugin's binary is not in any directory of CNI_PATH",
	Cause:     "The configuration names a plugin that nobody installed on this node, or installed in another directory than the runtime searches, or that an uninstalled add-on left behind in net.d. The reference plugins (bridge, portmap, loopback …) no longer come with every distribution's Kubernetes packages.",
	Confirm: []string{
		"ls -la /opt/cni/bin",
		`grep -H '"type"' /etc/cni/net.d/*`,
		"crictl info | grep -i binDir",
	},
	Cure:  "install the binary in the directory shown, or remove the configuration that names it",
	Who:   AddOn,
	Retry: false,
}
