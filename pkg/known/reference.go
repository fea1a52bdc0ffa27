package known

// The plugins of containernetworking/plugins v1.9.1, from their configuration structs and what their ADD refuses.

const (
	mtuMax  = 65535
	vlanMax = 4094
)

var masqBackends = []string{"", "iptables", "nftables"}

var reference = []Plugin{
	{Type: "bridge", Complete: true, PassesIPAM: true, Doc: "a bridge on the node and a veth pair for each pod", Fields: []Field{
		{Name: "bridge", Type: Iface, Doc: "name of the bridge, cni0 when not given"},
		{Name: "isGateway", Type: Bool, Doc: "give the bridge an address"},
		{Name: "isDefaultGateway", Type: Bool, Doc: "make the bridge the pod's default route"},
		{Name: "forceAddress", Type: Bool, Doc: "replace another address of the bridge"},
		{Name: "ipMasq", Type: Bool, Doc: "masquerade what leaves the network"},
		{Name: "ipMasqBackend", Type: String, Enum: masqBackends},
		{Name: "mtu", Type: Int, Min: 68, Max: mtuMax, Zero: true},
		{Name: "hairpinMode", Type: Bool, Doc: "a pod reaches itself through its service"},
		{Name: "promiscMode", Type: Bool},
		{Name: "vlan", Type: Int, Max: vlanMax},
		{Name: "vlanTrunk", Type: Array, Elem: &Field{Type: Object, Fields: []Field{
			{Name: "minID", Type: Int, Min: 1, Max: vlanMax},
			{Name: "maxID", Type: Int, Min: 1, Max: vlanMax},
			{Name: "id", Type: Int, Min: 1, Max: vlanMax},
		}}},
		{Name: "preserveDefaultVlan", Type: Bool},
		{Name: "macspoofchk", Type: Bool},
		{Name: "enabledad", Type: Bool},
		{Name: "disableContainerInterface", Type: Bool},
		{Name: "portIsolation", Type: Bool},
	}},
	{Type: "ptp", Complete: true, PassesIPAM: true, NeedsIPAM: true, Doc: "a veth pair and a route for each pod", Fields: []Field{
		{Name: "ipMasq", Type: Bool},
		{Name: "ipMasqBackend", Type: String, Enum: masqBackends},
		{Name: "mtu", Type: Int, Min: 68, Max: mtuMax, Zero: true},
	}},
	{Type: "macvlan", Complete: true, PassesIPAM: true, Doc: "an interface with a hardware address of its own on a parent", Fields: []Field{
		{Name: "master", Type: Iface, Doc: "parent interface, that of the default route when not given"},
		{Name: "mode", Type: String, Enum: []string{"", "bridge", "private", "vepa", "passthru"}},
		{Name: "mtu", Type: Int, Max: mtuMax},
		{Name: "mac", Type: MAC},
		{Name: "linkInContainer", Type: Bool},
		{Name: "bcqueuelen", Type: Uint, Max: 1<<32 - 1},
	}},
	{Type: "ipvlan", Complete: true, PassesIPAM: true, Doc: "an interface that shares its parent's hardware address", Fields: []Field{
		{Name: "master", Type: Iface},
		{Name: "mode", Type: String, Enum: []string{"", "l2", "l3", "l3s"}},
		{Name: "mtu", Type: Int, Max: mtuMax},
		{Name: "linkInContainer", Type: Bool},
	}},
	{Type: "vlan", Complete: true, PassesIPAM: true, Doc: "a VLAN of a parent interface", Fields: []Field{
		{Name: "master", Type: Iface, Required: true},
		{Name: "vlanId", Type: Int, Max: vlanMax},
		{Name: "mtu", Type: Int, Max: mtuMax},
		{Name: "linkInContainer", Type: Bool},
	}},
	{Type: "host-device", Complete: true, PassesIPAM: true, Doc: "moves an interface of the node into the pod", Fields: []Field{
		{Name: "device", Type: Iface},
		{Name: "hwaddr", Type: MAC},
		{Name: "DPDKMode", Type: Bool},
		{Name: "kernelpath", Type: String},
		{Name: "pciBusID", Type: String},
	}},
	{Type: "tap", Complete: true, PassesIPAM: true, Fields: []Field{
		{Name: "multiQueue", Type: Bool},
		{Name: "mtu", Type: Int, Min: 68, Max: mtuMax, Zero: true},
		{Name: "mac", Type: MAC},
		{Name: "owner", Type: Uint, Max: 1<<32 - 1},
		{Name: "group", Type: Uint, Max: 1<<32 - 1},
		{Name: "selinuxContext", Type: String},
		{Name: "bridge", Type: Iface},
	}},
	{Type: "dummy", Complete: true, PassesIPAM: true, NeedsIPAM: true},
	{Type: "loopback", Complete: true},
	{Type: "portmap", Complete: true, Chained: true, Capability: "portMappings", Doc: "host ports", Fields: []Field{
		{Name: "backend", Type: String, Enum: []string{"iptables", "nftables"}},
		{Name: "snat", Type: Bool, Doc: "true when not given"},
		{Name: "conditionsV4", Type: Array, Elem: &Field{Type: String}},
		{Name: "conditionsV6", Type: Array, Elem: &Field{Type: String}},
		{Name: "masqAll", Type: Bool},
		{Name: "markMasqBit", Type: Int, Max: 31},
		{Name: "externalSetMarkChain", Type: String},
	}},
	{Type: "bandwidth", Complete: true, Chained: true, Capability: "bandwidth", Since: "0.3.0", Doc: "limits a pod's traffic", Fields: []Field{
		{Name: "ingressRate", Type: Uint, Doc: "bits a second"},
		{Name: "ingressBurst", Type: Uint, Max: 8*(1<<32-1) - 1, Doc: "bits"},
		{Name: "egressRate", Type: Uint, Doc: "bits a second"},
		{Name: "egressBurst", Type: Uint, Max: 8*(1<<32-1) - 1, Doc: "bits"},
	}},
	{Type: "firewall", Complete: true, Chained: true, Since: "0.4.0", Fields: []Field{
		{Name: "backend", Type: String, Enum: []string{"", "iptables", "firewalld"}},
		{Name: "iptablesAdminChainName", Type: String},
		{Name: "firewalldZone", Type: String},
		{Name: "ingressPolicy", Type: String, Enum: []string{"", "open", "same-bridge", "isolated"}},
	}},
	{Type: "tuning", Complete: true, Chained: true, Doc: "sysctls and link settings of the pod", Fields: []Field{
		{Name: "dataDir", Type: String},
		{Name: "sysctl", Type: Map, Elem: &Field{Type: String}, Doc: "net.* only"},
		{Name: "mac", Type: MAC},
		{Name: "promisc", Type: Bool},
		{Name: "mtu", Type: Int, Max: mtuMax},
		{Name: "txQLen", Type: Int, Max: 1<<32 - 1},
		{Name: "allmulti", Type: Bool},
	}},
	{Type: "sbr", Complete: true, Chained: true, Fields: []Field{
		{Name: "table", Type: Int, Max: 1<<32 - 1},
	}},
	{Type: "vrf", Complete: true, Chained: true, Since: "0.3.1", Fields: []Field{
		{Name: "vrfname", Type: Iface, Required: true},
		{Name: "table", Type: Uint, Max: 1<<32 - 1},
	}},
}
