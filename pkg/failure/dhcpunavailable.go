package failure

// dhcpUnavailable tells failures of the reason DHCPUnavailable.
var dhcpUnavailable = Class{
	Reason: "DHCPUnavailable",
	Sure: []string{
		"dhcp.sock",
		"dhcp.sock: connect: no such file or directory",
		"dhcp.sock: connect: connection refused",
	},
	Any: []string{
		"dhcp.allocate",
		"error calling dhcp",
		"no more tries",
		"error dialing dhcp",
		"dhcp daemon",
		"dhcp server",
		"no dhcp",
		"dhcpoffer",
		"dhcpdiscover",
		"dhcp … timed out",
		"dhcp … timeout",
		"dhcp … no response",
		"dhcp … deadline",
		"dhcp lease",
		"lease … expired",
		"no response from dhcp",
		"got no response",
		"no lease",
		"dhcp client",
		"dhcp request",
		"failed to get dhcp",
		"unable to receive an offer",
		"unable to receive an ack",
		"discovery request",
		"no matching response packet",
		"down. attempting to set up",
	},
	Samples: []Sample{
		{`error calling DHCP.Allocate: no more tries`, "redhat-nfvpe/kube-ansible#174"},
		{`error dialing DHCP daemon: dial unix /run/cni/dhcp.sock: connect: no such file or directory`, ""},
		{`error calling DHCP.Allocate: timed out waiting for DHCP`, ""},
	},
}
