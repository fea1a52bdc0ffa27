package reason

// VersionIncompatible: CNI or API versions do not overlap.
var VersionIncompatible = &Reason{
	Name:      "VersionIncompatible",
	MessageID: "61399b78bc454361a628b54d2638c61f",
	Group:     Version,
	Title:     "CNI or API versions do not overlap",
	Cause:     "The chain's cniVersion is missing or not one that the plugin speaks, a result came back in a version its reader does not know, or plugin and agent are of releases that do not talk to each other. It usually appears after half of an upgrade: a new configuration beside an old binary or an old runtime.",
	Confirm: []string{
		"cni-shim check",
		`for p in /opt/cni/bin/*; do echo $p; echo '{"cniVersion":"1.0.0"}' | CNI_COMMAND=VERSION $p; echo; done`,
	},
	Cure:  "set cniVersion to one that every plugin of the chain supports, or upgrade the older side",
	Who:   Configuration,
	Retry: false,
}
