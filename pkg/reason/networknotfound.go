package reason

// NetworkNotFound: the network asked for does not exist.
var NetworkNotFound = &Reason{
	Name:      "NetworkNotFound",
	MessageID: "5c8f6eb41edb4a119828248f77c0e1bd",
	Group:     Config,
	Title:     "the network asked for does not exist",
	Cause:     "A pod or a caller names a network, usually in the annotation k8s.v1.cni.cncf.io/networks, and there is neither a NetworkAttachmentDefinition nor a configuration file of that name where the plugin looks. A name without a namespace is looked up in the pod's own namespace.",
	Confirm: []string{
		"kubectl get network-attachment-definitions -A",
		"grep -H name /etc/cni/net.d/*",
		"cni-shim check",
	},
	Cure:  "create the network, or correct its name or namespace in the pod's annotation",
	Who:   Configuration,
	Retry: false,
}
