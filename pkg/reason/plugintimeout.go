package reason

// PluginTimeout: the plugin did not answer in time.
var PluginTimeout = add(&Reason{
	Name:      "PluginTimeout",
	MessageID: "24b904a31da742439b59034d75868eab",
	Title:     "the plugin did not answer in time",
	Cause:     "The plugin was still running when its deadline passed or when the runtime gave up and killed the call.",
	Confirm:   []string{"cni-shim status"},
	Cure:      "find what the plugin waits for: its agent, the API server, a lock",
	Who:       AddOn,
	Retry:     true,
})
