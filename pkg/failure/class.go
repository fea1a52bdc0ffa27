package failure

import "github.com/cni-shim/cni-shim/pkg/reason"

// Class is the knowledge by which failures of one reason are recognised. It is one value in the file named for the
// reason; a new class is that file and its line in registry.
//
// Words are written as fold leaves a text: lower case, every quotation mark a ", single spaces. "…" stands for
// anything within reach on the same line, a blank beside it for the edge of a word, "\n" for the end of a line. No regular
// expressions: words are found in one pass, cost nothing before they are used, and whoever reads a program's source can
// write them.
type Class struct {
	Reason  string              // name of a reason of package reason
	Is      func(*Facts) string // the fact that decides, in words; "" when it does not. Facts outrank text
	Codes   []uint              // CNI error codes that mean this when the text says nothing specific
	Sure    []string            // words that only this cause prints, however misleading the words around them
	Any     []string            // words that decide; of several the innermost, which is the last
	Weak    []string            // words of wrappers and symptoms: they decide when nothing else does
	Never   string              // the verb that cannot fail by it, whatever it says
	Samples []Sample            // texts that must yield the reason
}

// Sample is a text as programs print it. Origin is "owner/repo#n" where it was reported, names and numbers perhaps
// shortened; empty where it was written after the program's own format.
type Sample struct{ Text, Origin string }

// registry lists the classes, otherwise in the order of package reason. The order decides nothing but which of several facts
// is asked first. It is an array of addresses, laid out by the linker: nothing runs before main, which the start of
// every plugin call would pay for.
var registry = [...]*Class{
	&pluginTimeout, // what the shim ended itself also shows a signal
	&configMissing,
	&configInvalid,
	&networkNotFound,
	&pluginNotFound,
	&pluginNotExecutable,
	&permissionDenied,
	&hostToolMissing,
	&versionIncompatible,
	&ipamExhausted,
	&ipamAddressConflict,
	&ipamPoolInvalid,
	&podCIDRNotAssigned,
	&dhcpUnavailable,
	&interfaceExists,
	&interfaceSetupFailed,
	&bridgeAddressConflict,
	&deviceUnavailable,
	&routeConflict,
	&kernelSupportMissing,
	&ipv6Disabled,
	&firewallFailed,
	&hostPortConflict,
	&agentUnreachable,
	&agentStateMissing,
	&agentTimeout,
	&agentError,
	&apiUnreachable,
	&apiUnauthorized,
	&apiForbidden,
	&apiTLSError,
	&invalidCallerInput,
	&podNotFound,
	&netnsGone,
	&sandboxNameReserved,
	&hostResourceExhausted,
	&diskUnresponsive,
	&invalidPluginOutput, // who is told by a broken pipe to stop may end by a signal
	&pluginKilled,
	&pluginCrashed,
	&stateCorrupt,
	&deleteTargetMissing,
}

func (c *Class) never(verb string) bool { return c.Never != "" && c.Never == verb }

// verdict gives the class's reason with the fact that decided.
func (c *Class) verdict(fact string) Verdict {
	if r := reason.Lookup(c.Reason); r != nil {
		return Verdict{Reason: r, Words: fact}
	}
	return Verdict{Reason: reason.Unclassified}
}
