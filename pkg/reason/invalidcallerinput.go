package reason

// InvalidCallerInput: the caller's input is incomplete or refused.
var InvalidCallerInput = &Reason{
	Name:      "InvalidCallerInput",
	MessageID: "7895662c7eaf4cd3b1f9024bd11372cc",
	Group:     Caller,
	Title:     "the caller's input is incomplete or refused",
	Cause:     "The CNI environment variables, CNI_ARGS, capability arguments or stdin that the caller gave are missing or malformed, or the plugin does not know an argument and IgnoreUnknown is not set.",
	Confirm: []string{
		"journalctl -t cni-shim -p err -o verbose -n 5",
	},
	Cure:  "correct the caller or the pod's annotation; by hand use cnitool, not the plugin itself",
	Who:   Runtime,
	Retry: false,
}
