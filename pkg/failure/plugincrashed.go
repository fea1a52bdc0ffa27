package failure

// pluginCrashed tells failures of the reason PluginCrashed.
var pluginCrashed = Class{
	Reason: "PluginCrashed",
	Is: func(f *Facts) string {
		if crashSignal(f.Signal) {
			return "signal: " + f.Signal.String()
		}
		return ""
	},
	Sure: []string{
		"panic:",
		"panicked",
		"panic occurred",
		"nil pointer dereference",
		"runtime error:",
		"goroutine … [running]",
		"[signal sigsegv",
		"sigsegv",
		"signal: segmentation fault",
		"signal: aborted",
		"signal: bus error",
		"unexpected fault address",
		"segfault at",
		"segmentation fault",
		"core dumped",
		"fatal error: all goroutines",
		"fatal error: concurrent map",
		"fatal error: stack overflow",
		"fatal error: unexpected signal",
		"fatal error: fault",
		"slice bounds out of range",
		"unhandled exception",
		"stack smashing",
		"assertion … failed",
		"sigabrt",
		"sigbus",
		"trap invalid opcode",
		"dumped core",
	},
	Any: []string{
		"recovered from panic",
		"a panic",
		"index out of range",
		"fatal error:",
		"exit status 139",
		"exit code 139",
		"traceback (most recent call last)",
	},
	Samples: []Sample{
		{`Calico CNI panicked during ADD: runtime error: invalid memory address or nil pointer dereference`, "projectcalico/calico#5779"},
		{`panic: runtime error: slice bounds out of range`, "cilium/cilium#923"},
		{`netplugin failed: "panic: runtime error: index out of range [0] with length 0\n\ngoroutine 1 [running, locked to thread]:\nmain.main()"`, ""},
		{`netplugin failed: "fatal error: unexpected signal during runtime execution\n[signal SIGSEGV: segmentation violation code=0x1"`, ""},
	},
}
