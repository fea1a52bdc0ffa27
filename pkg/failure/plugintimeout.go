package failure

// pluginTimeout tells failures of the reason PluginTimeout.
var pluginTimeout = Class{
	Reason: "PluginTimeout",
	Is: func(f *Facts) string {
		if f.Timeout {
			return "deadline passed"
		}
		return ""
	},
	Any: []string{
		"did not answer in time",
		"plugin … did not answer",
	},
	Samples: []Sample{
		{`plugin calico did not answer in time`, ""},
	},
}
