package failure

var _ = add(&Class{
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
})
