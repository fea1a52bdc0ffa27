package reason

// APIUnreachable: the API server or datastore cannot be reached.
var APIUnreachable = &Reason{
	Name:      "APIUnreachable",
	MessageID: "abc76377eec2461ca2a9d9e632bd7795",
	Group:     API,
	Title:     "the API server or datastore cannot be reached",
	Cause:     "The plugin talks to the Kubernetes API or to etcd itself and gets no connection: the service address is not programmed (kube-proxy), the route or DNS is wrong, a proxy stands in between, or the control plane is down. Pods that need no new network go on working.",
	Confirm: []string{
		"kubectl get --raw /readyz",
		"ip route get $(kubectl get svc kubernetes -o jsonpath='{.spec.clusterIP}')",
		"systemctl show -p Environment containerd crio kubelet",
	},
	Cure:  "check the control plane, kube-proxy and the route to the address shown, and put it into NO_PROXY",
	Who:   Cluster,
	Retry: true,
}
