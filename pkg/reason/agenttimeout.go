package reason

// AgentTimeout: the agent did not finish in time.
var AgentTimeout = &Reason{
	Name:      "AgentTimeout",
	MessageID: "44695ffa32f44d27aa0b38e0f28daeff",
	Group:     Agent,
	Title:     "the agent did not finish in time",
	Cause:     "The agent took the request and did not complete it within its or the plugin's deadline, or turned it away because too many wait: a slow API server, a busy node, a port that the controller has not bound yet.",
	Confirm: []string{
		"kubectl get pods -A -o wide --field-selector spec.nodeName=$(hostname)",
		"uptime",
		"crictl stats",
	},
	Cure:  "check the agent's health and load; the retry usually succeeds",
	Who:   AddOn,
	Retry: true,
}
