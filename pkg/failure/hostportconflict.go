package failure

// hostPortConflict tells failures of the reason HostPortConflict.
var hostPortConflict = Class{
	Reason: "HostPortConflict",
	Sure: []string{
		"cannot open hostport",
		"bind: address already in use",
		"hostport … address already in use",
		"hostport … already in use",
		"hostport … already allocated",
		"hostport … conflict",
	},
	Any: []string{
		"host port … already",
		"host port … in use",
		"hostport … in use",
		"hostport … not available",
		"port is already allocated",
		"port … is already allocated",
		"port … already allocated",
		"port … is already in use",
		"port … already in use",
		"port … is in use",
		"listen … address already in use",
		"listen tcp … cannot assign requested address",
		"listen udp … cannot assign requested address",
		"listen tcp … bind",
		"listen udp … bind",
		"bind: cannot assign requested address",
		"cannot open port",
		"failed to open hostport",
		"only one usage of each socket address",
		"the specified port already exists",
		"0x803b0013",
		"being used by another process",
		"host ip … not",
		"hostip … not",
		"ports are not available",
	},
	Weak: []string{
		"address already in use",
	},
	Samples: []Sample{
		{`cannot open hostport 50051 for pod k8s_server_default_436fb151-71b1-11e9-b2d9-128d1a3304a4_0_: listen tcp :50051: bind: address already in use`, "cri-o/cri-o#2342"},
		{`cannot open hostport 80 for pod k8s_x: listen tcp4 :80: bind: address already in use`, ""},
		{`HNS failed with error : The specified port already exists.`, ""},
	},
}
