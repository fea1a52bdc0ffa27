package reason

// InterfaceExists: an interface or object that the plugin makes is already there.
var InterfaceExists = &Reason{
	Name:      "InterfaceExists",
	MessageID: "acc0c00cf75440a7b85cc129cbef15a8",
	Group:     Kernel,
	Title:     "an interface or object that the plugin makes is already there",
	Cause:     "An earlier ADD that failed half-way, a second network or agent with the same names, or a hash collision left an interface, veth, VXLAN port, qdisc, address or HNS object where the plugin wants to make one.",
	Confirm: []string{
		"ip -d link",
		"ip netns list",
		"tc qdisc show",
	},
	Cure:  "delete the leftover, or stop the second network or agent from making the same one",
	Who:   Node,
	Retry: false,
}
