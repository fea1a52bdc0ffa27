package reason

// HostPortConflict: the host port cannot be had.
var HostPortConflict = &Reason{
	Name:      "HostPortConflict",
	MessageID: "f47a1eca735e451e8db7ff7a98b81db1",
	Group:     Kernel,
	Title:     "the host port cannot be had",
	Cause:     "The hostPort or host address that the pod asks for is in use by a process or another pod, or the address is not one of this node's.",
	Confirm: []string{
		"ss -lntup",
		"crictl pods",
		"ip -br addr",
	},
	Cure:  "free the port or choose another, and check that hostIP is an address of this node",
	Who:   Configuration,
	Retry: false,
}
