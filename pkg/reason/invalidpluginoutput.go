package reason

// InvalidPluginOutput: the plugin's answer cannot be used.
var InvalidPluginOutput = &Reason{
	Name:      "InvalidPluginOutput",
	MessageID: "243e1606d7fe43bab98547f28a4b8432",
	Group:     Plugin,
	Title:     "the plugin's answer cannot be used",
	Cause:     "The plugin printed nothing, something that is not JSON, more than one document, or a result that its caller cannot use. Log lines on stdout are the usual reason; a plugin that died before it could speak is the other.",
	Confirm: []string{
		"journalctl -t cni-shim -p err -o verbose -n 5",
		"cni-shim probe",
	},
	Cure:  "read the plugin's stderr and log; look for log lines printed on stdout",
	Who:   AddOn,
	Retry: false,
}
