package reason

// RouteConflict: a route or rule cannot be added.
var RouteConflict = &Reason{
	Name:      "RouteConflict",
	MessageID: "0a86a38897dc492698a603baba323843",
	Group:     Kernel,
	Title:     "a route or rule cannot be added",
	Cause:     "The same route or rule exists already, left by an earlier pod or made by another network, or its gateway does not lie on the link's subnet.",
	Confirm: []string{
		"ip route show table all",
		"ip rule",
		"ip -br addr",
	},
	Cure:  "remove the stale route or rule, or correct the gateway and routes of the configuration",
	Who:   Node,
	Retry: false,
}
