package reason

// FirewallFailed: a firewall change failed.
var FirewallFailed = &Reason{
	Name:      "FirewallFailed",
	MessageID: "af4cd24fb0c049d3a07e8d3125a89b95",
	Group:     Kernel,
	Title:     "a firewall change failed",
	Cause:     "An iptables, nftables, ebtables, ipset or firewalld command was refused: another program held the lock, the legacy and nft back ends are both in use, a chain or set that it refers to is missing, or a rule is not accepted.",
	Confirm: []string{
		"iptables --version",
		"iptables-save | wc -l",
		"nft list tables",
		"fuser -v /run/xtables.lock",
	},
	Cure:  "where the lock was held, retry; else use one iptables back end on the node and read the rule named",
	Who:   Node,
	Retry: true,
}
