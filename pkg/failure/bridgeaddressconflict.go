package failure

// bridgeAddressConflict tells failures of the reason BridgeAddressConflict.
var bridgeAddressConflict = Class{
	Reason: "BridgeAddressConflict",
	Sure: []string{
		`" already has an ip address`,
		"already has an ip address different from",
	},
	Any: []string{
		"bridge … has … address different",
		"bridge … ip … does not match",
		"bridge … address … conflict",
		"different from … gateway",
	},
	Samples: []Sample{
		{`failed to set bridge addr: "cni0" already has an IP address`, "inclavare-containers/inclavare-containers#1364"},
		{`plugin type="flannel" failed (add): failed to delegate add: failed to set bridge addr: "cni0" already has an IP address different from 10.244.1.1/24`, ""},
	},
}
