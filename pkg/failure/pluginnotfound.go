package failure

import "syscall"

// pluginNotFound tells failures of the reason PluginNotFound.
var pluginNotFound = Class{
	Reason: "PluginNotFound",
	Is: func(f *Facts) string {
		if f.Errno == syscall.ENOENT && f.Path == "" {
			return "no file of that name in CNI_PATH"
		}
		return ""
	},
	Sure: []string{
		`needs cni plugin "…" to be installed`,
		"failed to find plugin",
		`exec: "…-cni": executable file not found`,
		`exec: "…-ipam": executable file not found`,
		`exec: "bridge": executable file not found`,
		`exec: "portmap": executable file not found`,
		`exec: "host-local": executable file not found`,
	},
	Any: []string{
		"unable to locate plugin",
		`plugin "…" not found`,
		"could not find plugin",
		"couldn't find plugin",
		"cannot find plugin",
		"plugin not found",
		"plugin … not found in path",
		"unable to find plugin",
		"failed to locate cni plugin",
		"no such plugin",
		"no paths provided",
		"/opt/cni/bin/… no such file or directory",
		"fork/exec …/cni/… no such file",
		"cni plugin … not installed",
		"cni plugins … not installed",
		"cni plugin … not found",
		"cni plugins … not found",
		"cni plugin … is missing",
		"cni binary … not found",
		"cni binaries … not found",
		"missing cni plugin",
		"missing the cni plugin",
		"plugin binary … not found",
		"couldn't find binary",
		"could not find binary",
		"cni\\bin … cannot find",
		`could not find "…" in one of [`,
		"fork/exec … no such file or directory",
		"usr/libexec/cni/… no such file or directory",
		"usr/lib/cni/… no such file or directory",
		"/cni/bin/… no such file or directory",
		`could not find "…" plugin`,
		"plugin in path",
		"plugin … not in path",
		"could not locate … cni plugins",
		"required cni plugins",
		"is not present in plugin directory",
	},
	Samples: []Sample{
		{`failed to find plugin "portmap" in path [/opt/flannel/bin /opt/cni/bin]`, "flannel-io/flannel#890"},
		{`[failed to find plugin "portmap" in path [/opt/cni/bin/]]`, "kubernetes/kops#9286"},
		{`failed to find plugin "cilium-cni" in path [/home/kubernetes/bin]`, "cilium/cilium#11497"},
		{`plugin type="loopback" failed (add): failed to find plugin "loopback" in path [/opt/cni/bin]`, "hashicorp/nomad#14022"},
		{`fork/exec /opt/cni/bin/bridge: no such file or directory`, ""},
		{`failed to find plugin "istio-cni" in path [/opt/cni/bin]`, ""},
		{`exec: "calico-ipam": executable file not found in $PATH`, ""},
		{`Error response from daemon: plugin "calico" not found`, "projectcalico/calicoctl#1896"},
		{`unable to locate plugin : calico`, "projectcalico/calico#5801"},
		{`network plugin is not ready: could not locate kubenet required CNI plugins [bridge host-local loopback] at ["/opt/cni/bin" "/opt/cni/bin"]`, "kubernetes/minikube#14724"},
		{`CNI Genie error at ParsePodAnnotations: Corresponding binary for user requested plugin (weave) is not present in plugin directory (/opt/cni/bin)`, "cni-genie/CNI-Genie#221"},
	},
}
