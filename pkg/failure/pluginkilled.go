package failure

import "syscall"

// pluginKilled tells failures of the reason PluginKilled.
var pluginKilled = Class{
	Reason: "PluginKilled",
	Is: func(f *Facts) string {
		if f.Signal == 0 || crashSignal(f.Signal) || f.Signal == syscall.SIGPIPE && f.TooMuch {
			return ""
		}
		return "signal: " + f.Signal.String()
	},
	Sure: []string{
		"signal: killed",
		"signal: terminated",
		"oom-kill",
		"oomkilled",
		"memory cgroup out of memory",
		"out of memory: kill",
		"exit status 137",
		"exit code 137",
		"exit status 143",
	},
	Any: []string{
		"signal: interrupt",
		"signal: hangup",
		"signal: quit",
		"signal: broken pipe",
		"killed process",
		"killed by",
		"process … killed",
		"was killed",
		"podsandbox … code = deadlineexceeded",
		"pod sandbox … code = deadlineexceeded",
		"sandbox … code = deadlineexceeded",
		"netplugin … context deadline exceeded",
		"netplugin … context canceled",
		"sandbox … context canceled",
		"stream terminated by rst_stream",
	},
	Weak: []string{
		"context canceled",
		": killed",
	},
	Samples: []Sample{
		{`netplugin failed with no error message: signal: killed`, "crc-org/snc#203"},
		{`plugin type="calico" failed (add): netplugin failed with no error message: signal: killed`, "coredns/coredns#6091"},
		{`Failed to create pod sandbox: rpc error: code = DeadlineExceeded desc = context deadline exceeded`, ""},
		{`netplugin failed: "": signal: killed`, ""},
		{`netplugin failed with no error message: signal: terminated`, ""},
	},
}
