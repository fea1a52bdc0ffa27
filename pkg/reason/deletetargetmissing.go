package reason

// DeleteTargetMissing: what the teardown should remove is already gone.
var DeleteTargetMissing = &Reason{
	Name:      "DeleteTargetMissing",
	MessageID: "ed914095ee1f4f35bbbb05fa8711c483",
	Group:     Plugin,
	Title:     "what the teardown should remove is already gone",
	Cause:     "Teardown runs more than once and after failed set-ups, and a well-made plugin takes a missing interface, rule, address or endpoint for success. This one reports an error.",
	Confirm: []string{
		"crictl pods --state notready",
		"journalctl -t cni-shim -p err -o verbose -n 5",
	},
	Cure:  "nothing: treat it as deleted; if it repeats for one pod, look for the earlier ADD that failed",
	Who:   Nobody,
	Retry: true,
}
