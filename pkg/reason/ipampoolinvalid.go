package reason

// IPAMPoolInvalid: the address pool is missing or malformed.
var IPAMPoolInvalid = &Reason{
	Name:      "IPAMPoolInvalid",
	MessageID: "254b58bbc92c47449419f5af92dfd1c2",
	Group:     IPAM,
	Title:     "the address pool is missing or malformed",
	Cause:     "The pool, range or subnet that addresses should come from does not exist, is disabled, does not select this node, overlaps another one or is no valid CIDR. Nothing is used up: there is nothing to take from.",
	Confirm: []string{
		"cni-shim check",
		"kubectl get ippools,subnets -A",
	},
	Cure:  "create, enable or correct the pool named",
	Who:   Configuration,
	Retry: false,
}
