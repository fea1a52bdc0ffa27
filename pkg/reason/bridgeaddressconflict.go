package reason

// BridgeAddressConflict: the bridge has another address than the configuration.
var BridgeAddressConflict = &Reason{
	Name:      "BridgeAddressConflict",
	MessageID: "b32526a4dcc3499e979d853473d9a94c",
	Group:     Kernel,
	Title:     "the bridge has another address than the configuration",
	Cause:     "The bridge was made earlier for another subnet, by a previous add-on or before the node's range changed, and the plugin does not replace an address that is there. Every ADD fails until one of the two gives way.",
	Confirm: []string{
		"ip -4 -6 addr show type bridge",
		"grep -H -E 'bridge|subnet|gateway' /etc/cni/net.d/*",
		"cat /run/flannel/subnet.env",
	},
	Cure:  "delete the bridge with 'ip link delete' once no pod uses it so that it is made again, or correct the subnet",
	Who:   Node,
	Retry: false,
}
