package reason

// PluginCrashed: the plugin crashed.
var PluginCrashed = add(&Reason{
	Name:      "PluginCrashed",
	MessageID: "f05d79c7e54f41f4a44624d808f17f0b",
	Title:     "the plugin crashed",
	Cause:     "The plugin panicked or hit a fault of its own.",
	Confirm:   []string{"journalctl -t cni-shim -p err -o verbose -n 5"},
	Cure:      "upgrade the plugin and report the trace to its authors",
	Who:       AddOn,
	Retry:     false,
})
