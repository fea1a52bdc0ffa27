package reason

// VersionIncompatible: CNI versions do not overlap.
var VersionIncompatible = add(&Reason{
	Name:      "VersionIncompatible",
	MessageID: "61399b78bc454361a628b54d2638c61f",
	Title:     "CNI versions do not overlap",
	Cause:     "The chain's cniVersion is not one that the plugin speaks, or a result came back in a version its reader does not know.",
	Confirm:   []string{"cni-shim check"},
	Cure:      "set cniVersion to one that every plugin of the chain supports, or upgrade the plugin",
	Who:       Configuration,
	Retry:     false,
})
