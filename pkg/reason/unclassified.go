package reason

// Unclassified: the plugin failed for a reason that is not in the vocabulary.
var Unclassified = &Reason{
	Name:      "Unclassified",
	MessageID: "33ac29ebadd5459496a1e7a19d7eb055",
	Group:     Unknown,
	Title:     "the plugin failed for a reason that is not in the vocabulary",
	Cause:     "The text and the facts match no known class. The plugin's own words stand unchanged.",
	Confirm: []string{
		"journalctl -t cni-shim -p err -o verbose -n 5",
	},
	Cure:  "read the plugin's message and log",
	Who:   AddOn,
	Retry: true,
}
