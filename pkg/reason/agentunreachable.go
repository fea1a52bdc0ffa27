package reason

// AgentUnreachable: the plugin cannot reach its agent.
var AgentUnreachable = &Reason{
	Name:      "AgentUnreachable",
	MessageID: "520b8825fc094c378fbcbde8e9fb0c36",
	Group:     Agent,
	Title:     "the plugin cannot reach its agent",
	Cause:     "The plugin is only a messenger to a daemon on this node (calico, cilium, multus, ovn-kubernetes, kube-ovn, antrea, weave, CNS …) and nobody answers: the socket is absent or the connection refused. At boot and during the agent's upgrade this passes by itself.",
	Confirm: []string{
		"kubectl get pods -A -o wide --field-selector spec.nodeName=$(hostname)",
		"ss -lxn",
		"cni-shim status",
	},
	Cure:  "get the network agent's pod on this node running",
	Who:   AddOn,
	Retry: true,
}
