package reason

// SandboxNameReserved: an earlier request for the same sandbox is still under way.
var SandboxNameReserved = &Reason{
	Name:      "SandboxNameReserved",
	MessageID: "37edda23333d45229fa7c120baad4002",
	Group:     Caller,
	Title:     "an earlier request for the same sandbox is still under way",
	Cause:     "Kubelet asks again after its deadline while the runtime is still busy with the first request. The message is only the echo: the first call hangs, in the network plugin or in a slow disk.",
	Confirm: []string{
		"cni-shim status",
		"crictl pods",
		"uptime",
	},
	Cure:  "find what the first request waits for: the network plugin, its agent or the disk",
	Who:   Runtime,
	Retry: true,
}
