package reason

// NetnsGone: the network namespace does not exist.
var NetnsGone = &Reason{
	Name:      "NetnsGone",
	MessageID: "189221888ef646a18e3be8d1ac65c630",
	Group:     Caller,
	Title:     "the network namespace does not exist",
	Cause:     "The path of the pod's network namespace is gone or was never visible to the plugin: the sandbox died before its network was made or taken down, the node was restarted, or the agent's pod does not mount the runtime's netns directory.",
	Confirm: []string{
		"ls /run/netns /var/run/netns",
		"crictl pods --state notready",
		"findmnt -t nsfs",
	},
	Cure:  "nothing at teardown; else find why the sandbox died, or mount /run/netns into the agent with HostToContainer propagation",
	Who:   Nobody,
	Retry: true,
}
