package reason

// PluginCrashed: the plugin crashed.
var PluginCrashed = &Reason{
	Name:      "PluginCrashed",
	MessageID: "f05d79c7e54f41f4a44624d808f17f0b",
	Group:     Plugin,
	Title:     "the plugin crashed",
	Cause:     "The plugin or its agent panicked or hit a fault of its own. A certain configuration or an empty answer of the API often triggers it, so it may come back for one pod and never for another.",
	Confirm: []string{
		"journalctl -t cni-shim -p err -o verbose -n 5",
		"coredumpctl list --no-pager",
		"journalctl -k --grep segfault -n 20",
	},
	Cure:  "upgrade the plugin and report the trace to its authors",
	Who:   AddOn,
	Retry: false,
}
