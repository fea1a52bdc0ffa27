package reason

// PluginNotExecutable: a plugin's file is there and cannot be run.
var PluginNotExecutable = add(&Reason{
	Name:      "PluginNotExecutable",
	MessageID: "1b3bc711f673441da0728b32f54fcf02",
	Title:     "a plugin's file is there and cannot be run",
	Cause:     "The file is for another CPU, lacks its loader or interpreter, is damaged, is a directory, or has no execute permission.",
	Confirm:   []string{"file /opt/cni/bin/*", "uname -m"},
	Cure:      "reinstall the plugin's build for this node's architecture",
	Who:       Node,
	Retry:     false,
})
