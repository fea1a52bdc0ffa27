package reason

// APIForbidden: the plugin's identity lacks a right.
var APIForbidden = &Reason{
	Name:      "APIForbidden",
	MessageID: "b347b50ea7c841c994661f032183e046",
	Group:     API,
	Title:     "the plugin's identity lacks a right",
	Cause:     `The answer is 403: the API server knows who asks and does not allow it. A ClusterRole or binding is missing or older than the add-on. A plain "Forbidden" without a user's name comes from a proxy in between.`,
	Confirm: []string{
		"kubectl get clusterrolebindings -o wide",
		"kubectl auth can-i --list --as=system:node:$(hostname)",
	},
	Cure:  "grant the user named the verb named on the resource named, by applying the add-on's current manifest",
	Who:   Cluster,
	Retry: false,
}
