package reason

// ConfigMissing: no network configuration to use.
var ConfigMissing = add(&Reason{
	Name:      "ConfigMissing",
	MessageID: "e8fa882487d54b479f97b61852051b6b",
	Title:     "no network configuration to use",
	Cause:     "The directory or file that the chain comes from is absent, empty or unreadable. Network add-ons write it when their pod starts on the node; until then there is nothing to run.",
	Confirm:   []string{"ls -la /etc/cni/net.d", "kubectl -n kube-system get pods -o wide --field-selector spec.nodeName=$(hostname)"},
	Cure:      "get the network add-on's pod on this node running so that it writes its configuration",
	Who:       AddOn,
	Retry:     true,
})
