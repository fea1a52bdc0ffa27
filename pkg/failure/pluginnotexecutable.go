package failure

import "syscall"

// pluginNotExecutable tells failures of the reason PluginNotExecutable.
var pluginNotExecutable = Class{
	Reason: "PluginNotExecutable",
	Is: func(f *Facts) string {
		switch f.Errno {
		case syscall.ENOEXEC, syscall.EISDIR, syscall.ELIBBAD, syscall.ETXTBSY, syscall.ELOOP:
			return f.Errno.Error()
		case syscall.ENOENT:
			if f.Path != "" { // the file was found: what is missing is the interpreter it names
				return "no such loader or interpreter"
			}
		}
		return ""
	},
	Sure: []string{
		"exec format error",
		"text file busy",
		"cannot execute binary file",
		"cannot execute: required file not found",
		"bad elf interpreter",
		"bad interpreter",
		"to pass options in shebang lines", // of env, for an interpreter that ends with a carriage return
		"not a valid win32 application",
		"error while loading shared libraries",
		"cannot open shared object file",
		"glibc_…not found",
		"symbol lookup error",
		"symbol not found",
		"error loading shared library",
		"error relocating",
		"illegal instruction",
		"not compatible with the version of windows",
		"wrong elf class",
		"invalid elf header",
		"bad cpu type",
		"no such loader or interpreter",
	},
	Any: []string{
		"signal: illegal",
		"this program can only be run on",
		"is a directory: exec",
		"fork/exec … is a directory",
		"exec … is a directory",
	},
	Samples: []Sample{
		{`exec /usr/sbin/start_runit: exec format error`, "projectcalico/calico#9738"},
		{`standard_init_linux.go:228: exec user process caused: exec format error`, "projectcalico/calico#5963"},
		{`fork/exec /opt/cni/bin/calico: exec format error`, ""},
		{"env: \u2018bash\\r\u2019: No such file or directory\nenv: use -[v]S to pass options in shebang lines", "GNU coreutils 9"},
	},
}
