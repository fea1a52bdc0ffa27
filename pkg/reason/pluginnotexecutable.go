package reason

// PluginNotExecutable: a program's file is there and cannot be run.
var PluginNotExecutable = &Reason{
	Name:      "PluginNotExecutable",
	MessageID: "1b3bc711f673441da0728b32f54fcf02",
	Group:     Install,
	Title:     "a program's file is there and cannot be run",
	Cause:     "The file is built for another CPU, lacks its loader or interpreter, was truncated by a full disk or a broken download, is a directory, or is being written while it is run (text file busy).",
	Confirm: []string{
		"file /opt/cni/bin/*",
		"uname -m",
		"ls -la /opt/cni/bin",
	},
	Cure:  "reinstall the build for this node's architecture",
	Who:   Node,
	Retry: false,
}
