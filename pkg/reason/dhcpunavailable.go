package reason

// DHCPUnavailable: no DHCP lease.
var DHCPUnavailable = &Reason{
	Name:      "DHCPUnavailable",
	MessageID: "4e8df16ea60445ba8631932c37e871e7",
	Group:     IPAM,
	Title:     "no DHCP lease",
	Cause:     "The dhcp plugin asks a helper daemon on the node, which asks a server on the parent link. Either the daemon (socket /run/cni/dhcp.sock) is not running, or no server answered: wrong VLAN, a link without carrier, a switch that drops unknown MAC addresses.",
	Confirm: []string{
		"ls -l /run/cni/dhcp.sock",
		"systemctl status cni-dhcp.service cni-dhcp.socket",
		"ip -br link",
	},
	Cure:  "start the dhcp daemon on the node and check that the parent link reaches a DHCP server",
	Who:   Node,
	Retry: true,
}
