package reason

// PluginTimeout: the plugin did not answer in time.
var PluginTimeout = &Reason{
	Name:      "PluginTimeout",
	MessageID: "24b904a31da742439b59034d75868eab",
	Group:     Limits,
	Title:     "the plugin did not answer in time",
	Cause:     "The plugin was still running when its deadline passed or when the runtime gave up and killed the call.",
	Confirm: []string{
		"cni-shim status",
		"ps -eo pid,ppid,etime,stat,wchan:20,args --sort=-etime | grep /opt/cni/bin",
	},
	Cure:  "find what the plugin waits for: its agent, the API server, a lock",
	Who:   AddOn,
	Retry: true,
}
