package reason

// APIUnauthorized: the API server does not accept the plugin's token.
var APIUnauthorized = &Reason{
	Name:      "APIUnauthorized",
	MessageID: "d9f1cb6686f448828ca39fc3332ccb7d",
	Group:     API,
	Title:     "the API server does not accept the plugin's token",
	Cause:     "The answer is 401: the token in the plugin's kubeconfig has expired, was signed by an earlier cluster's key, or belongs to a service account that was deleted and made again. The agent's container normally renews the file.",
	Confirm: []string{
		"ls -l /etc/cni/net.d/",
		"date -u",
		"kubectl get serviceaccounts -A",
	},
	Cure:  "renew the plugin's kubeconfig: restart the agent's pod on this node that writes it",
	Who:   AddOn,
	Retry: false,
}
