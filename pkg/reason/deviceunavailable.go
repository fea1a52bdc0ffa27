package reason

// DeviceUnavailable: a host device is absent, busy or not suitable.
var DeviceUnavailable = &Reason{
	Name:      "DeviceUnavailable",
	MessageID: "4e1542d9048e4f328a53899a65c9d961",
	Group:     Kernel,
	Title:     "a host device is absent, busy or not suitable",
	Cause:     "The master, parent link, VF or PCI device that the configuration or the device plugin names is not on this node, is down, is in another pod already, or is of a kind that the plugin cannot use.",
	Confirm: []string{
		"ip -br link",
		"ls /sys/class/net",
		"lspci -nn | grep -i ethernet",
	},
	Cure:  "correct the device name for this node, request the device's resource in the pod, or free the device",
	Who:   Configuration,
	Retry: false,
}
