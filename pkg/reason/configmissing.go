package reason

// ConfigMissing: no network configuration to use.
var ConfigMissing = &Reason{
	Name:      "ConfigMissing",
	MessageID: "e8fa882487d54b479f97b61852051b6b",
	Group:     Config,
	Title:     "no network configuration to use",
	Cause:     "The directory or file that the chain comes from is absent, empty or unreadable, or the runtime has not loaded it yet. Network add-ons write it when their pod starts on the node; until then there is nothing to run and the node stays NotReady.",
	Confirm: []string{
		"ls -la /etc/cni/net.d",
		"crictl info | grep -i -A3 lastCNILoadStatus",
		"kubectl get pods -A -o wide --field-selector spec.nodeName=$(hostname)",
	},
	Cure:  "get the network add-on's pod on this node running so that it writes its configuration into the directory shown",
	Who:   AddOn,
	Retry: true,
}
