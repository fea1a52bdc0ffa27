package known

// IPAM plugins: those of containernetworking/plugins v1.9.1, and whereabouts.

var route = []Field{
	{Name: "dst", Type: CIDR, Required: true},
	{Name: "gw", Type: IP},
	{Name: "mtu", Type: Int},
	{Name: "advmss", Type: Int},
	{Name: "priority", Type: Int},
	{Name: "table", Type: Int},
	{Name: "scope", Type: Int},
}

var routes = Field{Name: "routes", Type: Array, Elem: &Field{Type: Object, Fields: route}}

var ipRange = []Field{
	{Name: "subnet", Type: CIDR, Required: true},
	{Name: "rangeStart", Type: IP},
	{Name: "rangeEnd", Type: IP},
	{Name: "gateway", Type: IP},
}

// whereaboutsRange is one of whereabouts' ipRanges.
var whereaboutsRange = []Field{
	{Name: "range", Type: String},
	{Name: "range_start", Type: IP},
	{Name: "range_end", Type: IP},
	{Name: "exclude", Type: Array, Elem: &Field{Type: String}},
}

var ipams = []Plugin{
	{Type: "host-local", IPAM: true, Complete: true, Doc: "addresses from ranges of this node, kept on its disk", Fields: []Field{
		{Name: "name", Type: String},
		{Name: "subnet", Type: CIDR},
		{Name: "rangeStart", Type: IP},
		{Name: "rangeEnd", Type: IP},
		{Name: "gateway", Type: IP},
		{Name: "ranges", Type: Array, Elem: &Field{Type: Array, Elem: &Field{Type: Object, Fields: ipRange}}, Doc: "range sets; each gives a pod one address"},
		routes,
		{Name: "dataDir", Type: String},
		{Name: "resolvConf", Type: String},
	}},
	{Type: "static", IPAM: true, Complete: true, Fields: []Field{
		{Name: "name", Type: String},
		{Name: "addresses", Type: Array, Elem: &Field{Type: Object, Fields: []Field{
			{Name: "address", Type: CIDR, Required: true},
			{Name: "gateway", Type: IP},
			{Name: "version", Type: Any},
		}}},
		routes,
		{Name: "dns", Type: Object, Fields: dns},
	}},
	{Type: "dhcp", IPAM: true, Complete: true, Fields: []Field{
		{Name: "daemonSocketPath", Type: String},
		{Name: "provide", Type: Array, Elem: &Field{Type: Object, Fields: []Field{
			{Name: "option", Type: Any}, {Name: "value", Type: String}, {Name: "fromArg", Type: String},
		}}},
		{Name: "request", Type: Array, Elem: &Field{Type: Object, Fields: []Field{
			{Name: "skipDefault", Type: Bool}, {Name: "option", Type: Any},
		}}},
		{Name: "priority", Type: Int},
	}},
	{Type: "whereabouts", IPAM: true, Complete: true, Fields: []Field{ // k8snetworkplumbingwg/whereabouts pkg/types
		{Name: "name", Type: String},
		{Name: "range", Type: String},
		{Name: "range_start", Type: IP},
		{Name: "range_end", Type: IP},
		{Name: "exclude", Type: Array, Elem: &Field{Type: String}},
		{Name: "ipRanges", Type: Array, Elem: &Field{Type: Object, Fields: whereaboutsRange}},
		{Name: "addresses", Type: Array, Elem: &Field{Type: Object}},
		{Name: "gateway", Type: IP},
		{Name: "dns", Type: Object, Fields: dns},
		{Name: "datastore", Type: String},
		{Name: "kubernetes", Type: Object, Fields: []Field{{Name: "kubeconfig", Type: String}, {Name: "k8s_api_root", Type: String}}},
		{Name: "etcd_host", Type: String},
		{Name: "etcd_username", Type: String},
		{Name: "etcd_password", Type: String},
		{Name: "etcd_key_file", Type: String},
		{Name: "etcd_cert_file", Type: String},
		{Name: "etcd_ca_cert_file", Type: String},
		{Name: "leader_lease_duration", Type: Int},
		{Name: "leader_renew_deadline", Type: Int},
		{Name: "leader_retry_period", Type: Int},
		{Name: "reconciler_cron_expression", Type: String},
		{Name: "sleep_for_race", Type: Int},
		{Name: "node_slice_size", Type: String},
		{Name: "optimistic_ipam", Type: Bool},
		{Name: "enable_overlapping_ranges", Type: Bool},
		{Name: "network_name", Type: String},
		{Name: "log_file", Type: String},
		{Name: "log_level", Type: String},
		{Name: "configuration_path", Type: String},
		routes,
	}},
	{Type: "kube-ovn", IPAM: true, Complete: true, Fields: []Field{ // kubeovn/kube-ovn pkg/netconf
		{Name: "server_socket", Type: String},
		{Name: "provider", Type: String},
		{Name: "routes", Type: Array, Elem: &Field{Type: Object}},
	}},
	{Type: "calico-ipam", IPAM: true, Complete: true, Fields: []Field{
		{Name: "name", Type: String},
		{Name: "subnet", Type: String},
		{Name: "assign_ipv4", Type: String},
		{Name: "assign_ipv6", Type: String},
		{Name: "ipv4_pools", Type: Array, Elem: &Field{Type: String}},
		{Name: "ipv6_pools", Type: Array, Elem: &Field{Type: String}},
	}},
}

// ipamNames are heard of, and nothing else.
var ipamNames = []string{"azure-vnet-ipam", "cilium-cni", "galaxy-k8s-vlan", "spiderpool", "terway-ipam", "host-local-ptp", "node-local", "nv-ipam", "weave-ipam", "antrea", "antrea-ipam", "cni-ipam-kube-vip", "metalipam", "ovn-ipam", "cni-shim", "ipam-static", "nokia-ipam", "windows-ipam", "aws-cni", "fabric-ipam", "infoblox", "infoblox-ipam"}
