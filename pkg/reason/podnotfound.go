package reason

// PodNotFound: the pod is gone or was made again.
var PodNotFound = &Reason{
	Name:      "PodNotFound",
	MessageID: "8fabfa1127f749518976689006fd82e1",
	Group:     Caller,
	Title:     "the pod is gone or was made again",
	Cause:     "The pod that the sandbox is for is no longer in the API, or another one of the same name is. It was deleted while its network was being made, or the plugin's cache lags behind. Static pods show it until their mirror pod exists.",
	Confirm: []string{
		"kubectl get pods -A -o wide --field-selector spec.nodeName=$(hostname)",
		"crictl pods",
	},
	Cure:  "nothing: kubelet clears the sandbox of a pod that is gone; if the pod is there, check the plugin's view of the API",
	Who:   Nobody,
	Retry: true,
}
