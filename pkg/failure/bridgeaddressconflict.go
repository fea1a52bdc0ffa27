package failure

var _ = add(&Class{
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
	},
})
