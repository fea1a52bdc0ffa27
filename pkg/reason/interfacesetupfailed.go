package reason

// InterfaceSetupFailed: the kernel refuses to make or set up an interface.
var InterfaceSetupFailed = &Reason{
	Name:      "InterfaceSetupFailed",
	MessageID: "fc327dceae9b4382a24382e7692b5ba3",
	Group:     Kernel,
	Title:     "the kernel refuses to make or set up an interface",
	Cause:     `The MTU, MAC, name, address or master is one that the kernel does not take for this kind of link, or two calls raced for the same bridge. An MTU above the parent's shows only as "invalid argument" or "numerical result out of range".`,
	Confirm: []string{
		"ip -d link",
		"journalctl -k -n 50",
	},
	Cure:  "correct mtu, mac or name in the configuration; where it was a race the next try succeeds",
	Who:   Configuration,
	Retry: true,
}
