// Package report describes one call once. A Record says everything about it; the CNI error, the journal entries, the
// status entry and the text are renderings of it, so they can never disagree.
package report

import (
	"strings"
	"time"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/evidence"
	"github.com/cni-shim/cni-shim/pkg/failure"
	"github.com/cni-shim/cni-shim/pkg/inventory"
	"github.com/cni-shim/cni-shim/pkg/reason"
)

// Watch is the verb of a Record that is no call: somebody has looked at the chain while no runtime asked.
const Watch = "watch"

// Record is one call.
type Record struct {
	Time        time.Time     `json:"time"` // of its start
	Duration    time.Duration `json:"-"`
	Verb        string        `json:"verb"`
	Network     string        `json:"network,omitempty"`
	ContainerID string        `json:"containerId,omitempty"`
	IfName      string        `json:"ifName,omitempty"`
	Netns       string        `json:"netns,omitempty"`
	Pod         *Pod          `json:"pod,omitempty"`
	TraceID     string        `json:"traceId,omitempty"`

	Chain   *Chain `json:"chain,omitempty"` // nil where it could not be read
	Changed bool   `json:"-"`               // the chain is another than at the call before: it is reported
	// Recovered marks a STATUS, or a look, that is well again after one that was not.
	Recovered bool     `json:"-"`
	Runs      []Run    `json:"-"`                 // plugins that ran, in order
	Failure   *Failure `json:"failure,omitempty"` // nil: the call succeeded
	Notes     []Note   `json:"notes,omitempty"`   // what else an admin should know
}

// Pod is whose network it is, from CNI_ARGS.
type Pod struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
	UID       string `json:"uid,omitempty"`
}

// Clean is the pod with each of its texts made fit to be shown.
func (p *Pod) Clean(clean func(string) string) *Pod {
	if p == nil {
		return nil
	}
	return &Pod{clean(p.Namespace), clean(p.Name), clean(p.UID)}
}

// Verb is a verb of the spec's, "other" where a caller made one up, or the look of a watch.
func Verb(verb string) string {
	switch verb {
	case "ADD", "CHECK", "DEL", "GC", "STATUS", "VERSION", Watch:
		return verb
	}
	return "other"
}

// Chain is the chain as it is reported: every plugin with its path and versions.
type Chain struct {
	Network    string             `json:"network"`
	Source     string             `json:"source"`
	File       string             `json:"file,omitempty"`
	CNIVersion string             `json:"cniVersion"`
	Plugins    []inventory.Plugin `json:"plugins"`
}

// Run is one run of a plugin.
type Run struct {
	Plugin   string
	Index    int
	Verb     string
	Duration time.Duration
	Exit     int
}

// Note is a warning beside the outcome: a finding, something that could not be recorded, an error of a roll-back.
type Note struct {
	Rule    string `json:"rule,omitempty"`
	Message string `json:"message"`
	Always  bool   `json:"-"` // reported at every call, not only when the chain changes
}

// Failure is why a call failed, as facts.
type Failure struct {
	Reason *reason.Reason
	Words  string // what decided the reason
	Said   bool   // Words stand in what the plugin said
	Code   uint   // of the CNI error
	// Place of a configuration fault; or the plugin: its type and where it stands in the chain, from 0 of Of, and as place
	// the chain's file where the plugin cannot be run.
	Place  diag.Place
	Rule   string
	Plugin string
	Index  int
	Of     int
	Path   string // of the plugin's program
	Cause  string // the plugin's own message, or ours
	Given  bool   // Cause and Details are the plugin's own words
	// Details are the plugin's own.
	Details string
	Fix     string // of this very case; the reason's cure where empty
	Stderr  string
	// Facts and Config, the plugin's stdin, are what evidence is looked for with; nil where there is nothing to look for.
	Facts    *failure.Facts
	Config   []byte
	Evidence []evidence.Fact // seen on the node after the failure
	Exit     int
	Signal   int
	// ChainLevel: the chain cannot run, so this is the node's failure and not one attachment's.
	ChainLevel bool
	// Repeated marks a STATUS, or a look, that says what the one before it said: runtimes ask every five seconds.
	Repeated bool
}

// Cure is what to do, in one line.
func (f *Failure) Cure() string {
	if f.Fix != "" {
		return Clean(f.Fix)
	}
	return f.Reason.Cure
}

// CodeFor keeps a plugin's code, and gives one where it has none (SPEC 1.1: 0 to 99 are reserved, 0 means nothing).
func CodeFor(code uint) uint {
	if code == 0 {
		return types.ErrInternal
	}
	return code
}

// ParsePod reads CNI_ARGS, "K=V;K=V"; nil where it names no pod.
func ParsePod(args string) *Pod {
	p := &Pod{}
	for _, kv := range strings.Split(args, ";") {
		switch k, v, _ := strings.Cut(kv, "="); k {
		case "K8S_POD_NAMESPACE":
			p.Namespace = v
		case "K8S_POD_NAME":
			p.Name = v
		case "K8S_POD_UID":
			p.UID = v
		}
	}
	if *p == (Pod{}) {
		return nil
	}
	return p
}

// ParseTraceID takes the trace id out of a W3C traceparent, "00-<32 hex>-<16 hex>-<2 hex>"; "" where it is none.
func ParseTraceID(traceparent string) string {
	parts := strings.Split(traceparent, "-")
	if len(parts) != 4 || len(parts[1]) != 32 || strings.Trim(parts[1], "0123456789abcdef") != "" {
		return ""
	}
	return parts[1]
}
