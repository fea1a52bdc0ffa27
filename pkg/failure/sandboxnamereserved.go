package failure

// sandboxNameReserved tells failures of the reason SandboxNameReserved.
var sandboxNameReserved = Class{
	Reason: "SandboxNameReserved",
	Sure: []string{
		"error reserving pod name",
		"failed to reserve sandbox name",
		"failed to reserve container name",
		"error reserving ctr name",
		"error reserving container name",
		"is reserved for",
		"name is reserved",
		"requests that are timing out",
	},
	Any: []string{
		"sandbox … already exists",
		"sandbox name … already",
		"pod sandbox with name … already",
		"name … is already in use by",
		"name already in use",
		"container name … already in use",
	},
	Samples: []Sample{
		{`error reserving pod name k8s_authentication-operator-54f5d6c8c9-qpmd5_openshift-authentication-operator_45d93718-e90f-4888-bad6-660cf9c37a87_0 for id f0325581e9547f0087b6e1f6bf1e8f15d5c926f7b1d6694582129358ff54dfb8`, "cri-o/cri-o#2984"},
		{`Failed to create pod sandbox: rpc error: code = Unknown desc = error reserving pod name k8s_x_ns_0 for id f03: name is reserved`, ""},
		{`Kubelet may be retrying requests that are timing out in CRI-O due to system load. Currently at stage sandbox network creation: context deadline exceeded: error reserving pod name k8s_x for id 1: name is reserved`, ""},
	},
}
