package reason

// AgentError: the agent answered with an error of its own.
var AgentError = &Reason{
	Name:      "AgentError",
	MessageID: "694bcbc391f74932bc20bdef97e1fc1b",
	Group:     Agent,
	Title:     "the agent answered with an error of its own",
	Cause:     "The plugin reached its daemon and the daemon failed. The plugin passes on what it was told, often only a status; the cause stands in the daemon's log.",
	Confirm: []string{
		"kubectl get pods -A -o wide --field-selector spec.nodeName=$(hostname)",
		"cni-shim status",
	},
	Cure:  "read the log of the agent's pod on this node for the inner error",
	Who:   AddOn,
	Retry: true,
}
