package failure

// diskUnresponsive recognises failures of the reason DiskUnresponsive.
var diskUnresponsive = Class{
	Reason: "DiskUnresponsive",
	Sure: []string{
		"waiting for … not answering for",
	},
	Any: []string{
		"nfs: server … not responding",
	},
	Samples: []Sample{
		{`cni-shim: waiting for /var/lib/cni-shim, not answering for 12s`, ""},
		{`nfs: server 192.0.2.1 not responding, still trying`, "torvalds/linux:net/sunrpc/clnt.c"},
	},
}
