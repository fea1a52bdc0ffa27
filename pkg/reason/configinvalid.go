package reason

// ConfigInvalid: the network configuration cannot be used.
var ConfigInvalid = &Reason{
	Name:      "ConfigInvalid",
	MessageID: "0bcf58e3fee1485d8388e40ff82cafc7",
	Group:     Config,
	Title:     "the network configuration cannot be used",
	Cause:     "A configuration was found and libcni or the plugin refuses it: JSON that does not parse, a name or type that is missing, a field of the wrong type or with an impossible value, a single configuration in a file named .conflist or the other way round, a plugin that needs a prevResult standing first in its chain.",
	Confirm: []string{
		"cni-shim check",
	},
	Cure:  "correct the file and field named",
	Who:   Configuration,
	Retry: false,
}
