package reason

// PluginNotFound: a plugin's binary is not in any directory of CNI_PATH.
var PluginNotFound = add(&Reason{
	Name:      "PluginNotFound",
	MessageID: "7d03bef800034bb9bb559583924ecb80",
	Title:     "a plugin's binary is not in any directory of CNI_PATH",
	Cause:     "The configuration names a plugin that nobody installed, or installed elsewhere, or that an uninstalled add-on left behind.",
	Confirm:   []string{"ls -la /opt/cni/bin"},
	Cure:      "install the binary in the directory shown, or remove the configuration that names it",
	Who:       AddOn,
	Retry:     false,
})
