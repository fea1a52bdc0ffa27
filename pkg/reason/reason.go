// Package reason is the one vocabulary of failures: every reason's name, words, blame and cure. The error that
// kubelet shows, the journal and its catalog, the status file, `cni-shim explain` and docs/reasons.md all take their
// words from here, so they cannot disagree. Names and message ids are for ever: readers key on them.
package reason

// Group says where a failure has its place; groups and their order are those of the reference page.
type Group uint8

// The groups, in the order in which they are shown.
const (
	Config  Group = iota // the configuration itself
	Install              // binaries and tools on the node
	Version              // versions that do not overlap
	IPAM                 // addresses
	Kernel               // interfaces, routes, firewall
	Agent                // the add-on's daemon on the node
	API                  // API server and datastore
	Caller               // runtime, sandbox, pod
	Limits               // resources and deadlines
	Plugin               // the plugin's own faults and state
	Unknown
)

var groupNames = [...]string{
	"configuration", "installation", "versions", "addresses", "kernel and host", "agent", "API and datastore",
	"runtime and caller", "resources and deadlines", "plugin and its state", "unknown",
}

// String is the heading of the group.
func (g Group) String() string { return groupNames[min(int(g), len(groupNames)-1)] }

// Blame says whose turn it is to cure a failure.
type Blame string

// The parties that can cure a failure.
const (
	Configuration Blame = "configuration" // whoever writes the files of net.d
	Node          Blame = "node"          // whoever runs the node: packages, kernel, disks
	AddOn         Blame = "add-on"        // the network add-on's own pods on this node
	Cluster       Blame = "cluster"       // control plane, API server, RBAC, address plan
	Cloud         Blame = "cloud"         // the provider's limits and interfaces
	Runtime       Blame = "runtime"       // containerd, CRI-O, kubelet: whoever calls the plugin
	Nobody        Blame = "nobody"        // harmless, or it passes by itself
)

// Party says in words whose turn it is.
func (b Blame) Party() string {
	switch b {
	case Configuration:
		return "configuration: whoever writes the files in net.d"
	case Node:
		return "node: whoever runs the node, its packages, kernel and disks"
	case AddOn:
		return "add-on: the network add-on's own pods on this node"
	case Cluster:
		return "cluster: control plane, API server, rights, address plan"
	case Cloud:
		return "cloud: the provider's limits and interfaces"
	case Runtime:
		return "runtime: containerd, CRI-O or kubelet, which call the plugin"
	case Nobody:
		return "nobody: harmless, or it passes by itself"
	}
	return string(b)
}

// Reason is one class of failures.
type Reason struct {
	Name      string   // CamelCase, stable
	MessageID string   // of journal entries: 128 bits, lower-case hex, no dashes (`journalctl --new-id128`)
	Group     Group    // its place in lists
	Title     string   // what happened, one line, lower case, no full stop
	Cause     string   // a paragraph: how it comes about
	Confirm   []string // commands that confirm it on a node, each runnable as it stands
	Cure      string   // one line, imperative, no full stop
	Who       Blame    // who can cure it
	Retry     bool     // whether the runtime's own retry is likely to help
}

// All returns every reason, by group. It builds the list when it is asked: a list at package level would be
// filled before main, in every run of the plugin that never needs it.
func All() []*Reason {
	return []*Reason{
		ConfigMissing, ConfigInvalid, NetworkNotFound,
		PluginNotFound, PluginNotExecutable, PermissionDenied, HostToolMissing,
		VersionIncompatible,
		IPAMExhausted, IPAMAddressConflict, IPAMPoolInvalid, PodCIDRNotAssigned, DHCPUnavailable,
		InterfaceExists, InterfaceSetupFailed, BridgeAddressConflict, DeviceUnavailable, RouteConflict, KernelSupportMissing, IPv6Disabled, FirewallFailed, HostPortConflict,
		AgentUnreachable, AgentStateMissing, AgentTimeout, AgentError,
		APIUnreachable, APIUnauthorized, APIForbidden, APITLSError,
		InvalidCallerInput, PodNotFound, NetnsGone, SandboxNameReserved,
		HostResourceExhausted, DiskUnresponsive, PluginKilled, PluginTimeout,
		PluginCrashed, InvalidPluginOutput, StateCorrupt, DeleteTargetMissing,
		Unclassified,
	}
}

// Lookup finds a reason by its exact name; nil when there is none of that name.
func Lookup(name string) *Reason {
	for _, r := range All() {
		if r.Name == name {
			return r
		}
	}
	return nil
}
