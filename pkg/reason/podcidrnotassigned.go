package reason

// PodCIDRNotAssigned: the node has no pod address range.
var PodCIDRNotAssigned = &Reason{
	Name:      "PodCIDRNotAssigned",
	MessageID: "cd40d6d68fdb48138bcece27878ff8be",
	Group:     IPAM,
	Title:     "the node has no pod address range",
	Cause:     "The network add-on waits for spec.podCIDR of its Node object and it is empty: the controller manager does not allocate node ranges, or the cluster range is too small and all of it is given out.",
	Confirm: []string{
		"kubectl get node $(hostname) -o jsonpath='{.spec.podCIDRs}'",
		"kubectl -n kube-system get pods -l component=kube-controller-manager -o yaml | grep -E 'cluster-cidr|allocate-node-cidrs|node-cidr-mask-size'",
	},
	Cure:  "turn on node range allocation with a cluster range large enough for all nodes, or set the node's podCIDR",
	Who:   Cluster,
	Retry: true,
}
