package reason

// AgentStateMissing: a file that the agent writes is absent.
var AgentStateMissing = &Reason{
	Name:      "AgentStateMissing",
	MessageID: "feb1a76b92244d10bdcffc4f66fa83ff",
	Group:     Agent,
	Title:     "a file that the agent writes is absent",
	Cause:     "The plugin reads a file that its agent writes when it starts, such as /run/flannel/subnet.env or /var/lib/calico/nodename, and it is not there: the agent does not run, has not come so far, or does not share its host directory. It also stays so when the add-on was removed and its configuration was not.",
	Confirm: []string{
		"ls -l /run/flannel/subnet.env /var/lib/calico/nodename",
		"kubectl get pods -A -o wide --field-selector spec.nodeName=$(hostname)",
	},
	Cure:  "get the agent's pod on this node running with its host directory mounted; remove the configuration if the add-on is gone",
	Who:   AddOn,
	Retry: true,
}
