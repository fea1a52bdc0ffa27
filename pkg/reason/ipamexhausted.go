package reason

// IPAMExhausted: no free address is left.
var IPAMExhausted = &Reason{
	Name:      "IPAMExhausted",
	MessageID: "fcdfddc1185f4fc5921aa2f4e961464d",
	Group:     IPAM,
	Title:     "no free address is left",
	Cause:     "Every address of the pool, subnet, node block or warm pool is taken. Either there really are that many pods, or reservations of pods that are gone were never given back (a node that crashed, teardowns that failed), or the cloud's limit of addresses or interfaces for this kind of machine is reached.",
	Confirm: []string{
		"ls /var/lib/cni/networks/* | wc -l",
		"crictl pods -q | wc -l",
		"cni-shim status",
	},
	Cure:  "free reservations of pods that are gone, or enlarge the range, the subnet or the node's limit",
	Who:   Cluster,
	Retry: true,
}
