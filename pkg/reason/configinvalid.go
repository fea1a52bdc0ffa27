package reason

// ConfigInvalid: the network configuration cannot be used.
var ConfigInvalid = add(&Reason{
	Name:      "ConfigInvalid",
	MessageID: "0bcf58e3fee1485d8388e40ff82cafc7",
	Title:     "the network configuration cannot be used",
	Cause:     "A configuration was found and libcni refuses it, or the plugin does: JSON that does not parse, a name or type that is missing, a field of the wrong type.",
	Confirm:   []string{"cni-shim check"},
	Cure:      "correct the file at the place named",
	Who:       Configuration,
	Retry:     false,
})
