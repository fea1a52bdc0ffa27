package reason

// APITLSError: a certificate check between plugin and API or datastore fails.
var APITLSError = &Reason{
	Name:      "APITLSError",
	MessageID: "2a490a0131f3426ba86cd93e634441b0",
	Group:     API,
	Title:     "a certificate check between plugin and API or datastore fails",
	Cause:     "The certificate has expired, is signed by another authority than the one in the plugin's kubeconfig, or does not name the address called. After the cluster's certificates were renewed or the cluster was made anew, the node's copy is the old one; a wrong clock does it too.",
	Confirm: []string{
		"date -u",
		"ls -l /etc/cni/net.d/",
		"openssl s_client -connect $(kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}' | sed 's|https://||') </dev/null 2>/dev/null | openssl x509 -noout -dates -issuer",
	},
	Cure:  "bring the authority in the plugin's kubeconfig up to date by restarting the agent's pod, and renew expired certificates",
	Who:   Cluster,
	Retry: false,
}
