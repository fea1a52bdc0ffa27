package reason

// IPAMAddressConflict: the address asked for is taken or not allowed.
var IPAMAddressConflict = &Reason{
	Name:      "IPAMAddressConflict",
	MessageID: "f0d2e827c9df4eca8c27faefb6eb1e95",
	Group:     IPAM,
	Title:     "the address asked for is taken or not allowed",
	Cause:     "A certain address was asked for, by an annotation, CNI_ARGS or a static configuration, and it is held by another container, reserved (gateway, broadcast) or outside the range. A stale reservation of the pod's earlier life is the most common holder.",
	Confirm: []string{
		"grep -r . /var/lib/cni/networks/",
		"ip neigh",
	},
	Cure:  "release the stale holder of the address, or ask for another one",
	Who:   Configuration,
	Retry: false,
}
