// Package status keeps the file that admins read, /run/cni-shim/status.json. A call drops its record in a file of its own;
// whoever gets the lock without waiting folds what has gathered. Nothing here fails or delays a call.
package status

import (
	"encoding/json"
	"time"

	"github.com/cni-shim/cni-shim/pkg/evidence"
	"github.com/cni-shim/cni-shim/pkg/inflight"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// Version is that of the file's form; docs/status.schema.json describes it.
const Version = 1

// Bounds of the file's lists.
const (
	maxFailures = 32
	maxChains   = 16
	maxReasons  = 64
	maxNotes    = 32
	maxPlugins  = 32
	maxInFlight = 32
)

// File is the status file.
type File struct {
	Version    int              `json:"version"`
	Updated    time.Time        `json:"updated"`
	Verdict    Verdict          `json:"verdict"`
	Conditions []Condition      `json:"conditions"`
	Chains     []*report.Chain  `json:"chains"`
	Calls      map[string]*Verb `json:"calls"`
	InFlight   []inflight.Call  `json:"inFlight"` // for longer than a second, as of updated
	Failures   []Failure        `json:"failures"`
	Notes      []Noted          `json:"notes"`
	Unrecorded Unrecorded       `json:"unrecorded"`
	// Folded names the records that the last fold took, so that one killed before it removed them counts nothing twice.
	Folded []string `json:"folded"`
}

// Verdict says whether this node's network can take pods, as far as calls have shown.
type Verdict struct {
	Ready   bool      `json:"ready"`
	Reason  string    `json:"reason"`
	Message string    `json:"message"`
	Cure    string    `json:"cure,omitempty"`
	Since   time.Time `json:"since"`          // of the last change of Ready
	Verb    string    `json:"verb,omitempty"` // whose call decided it
	// ChainLevel: the chain itself cannot run; else a plugin's STATUS said so.
	ChainLevel bool `json:"chainLevel,omitempty"`
}

// Condition follows the conventions of Kubernetes: status is True, False or Unknown, and lastTransitionTime its last change.
type Condition struct {
	Type               string    `json:"type"`
	Status             string    `json:"status"`
	Reason             string    `json:"reason"`
	Message            string    `json:"message"`
	LastTransitionTime time.Time `json:"lastTransitionTime"`
}

// Verb counts the calls of one verb.
type Verb struct {
	Total    int64            `json:"total"`
	Failed   int64            `json:"failed"`
	ByReason map[string]int64 `json:"byReason"`
	Duration Durations        `json:"durationUsec"`
	// Plugins are the durations of the chain's plugins by type; what a plugin delegates to is part of it.
	Plugins map[string]*Durations `json:"pluginsUsec,omitempty"`
	Last    time.Time             `json:"last"`
	LastOK  time.Time             `json:"lastOk,omitzero"` // of the last that succeeded
}

// Durations are microseconds. Buckets count calls of at most 2^(i+9) µs (512 µs, 1 ms, … 17 min), not cumulated, up to the
// longest seen.
type Durations struct {
	Sum     int64   `json:"sum"`
	Max     int64   `json:"max"`
	Buckets []int64 `json:"buckets"`
}

// Failure is one or more failures of the same reason and plugin; the words are those of the last.
type Failure struct {
	Reason  string `json:"reason"`
	Verb    string `json:"verb"`
	Plugin  string `json:"plugin,omitempty"`
	Index   int    `json:"index"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Code    uint   `json:"code"`
	Message string `json:"message"`
	Details string `json:"details,omitempty"`
	Cure    string `json:"cure"`
	Who     string `json:"who"`
	// Retry: the runtime's own retry is likely to help.
	Retry  bool   `json:"retry"`
	Stderr string `json:"stderr,omitempty"`
	// Evidence is what was seen on the node after the last of them.
	Evidence    []evidence.Fact `json:"evidence,omitempty"`
	Network     string          `json:"network,omitempty"`
	ContainerID string          `json:"containerId,omitempty"`
	IfName      string          `json:"ifName,omitempty"`
	Pod         *report.Pod     `json:"pod,omitempty"`
	Count       int64           `json:"count"`
	First       time.Time       `json:"first"`
	Last        time.Time       `json:"last"`
}

// Noted is a warning and how often it was met.
type Noted struct {
	Rule    string    `json:"rule,omitempty"`
	Message string    `json:"message"`
	Count   int64     `json:"count"`
	Last    time.Time `json:"last"`
}

// Unrecorded counts what did not reach a place where it belongs.
type Unrecorded struct {
	Journal int64     `json:"journal"` // entries that journald did not take
	Why     string    `json:"why,omitempty"`
	Last    time.Time `json:"last,omitzero"`
}

// Empty is the file before the first call.
func Empty() *File {
	return &File{Version: Version, Verdict: Verdict{Reason: "Unknown", Message: "no call has shown it yet"}, Calls: map[string]*Verb{}}
}

// parse reads a status file; one of another version or shape, or with values that cannot be, is an error.
func parse(b []byte) (*File, error) {
	f := Empty()
	if err := json.Unmarshal(b, f); err != nil {
		return nil, err
	}
	if f.Version != Version {
		return nil, errVersion
	}
	if f.Calls == nil {
		f.Calls = map[string]*Verb{}
	}
	if sealed(b) {
		return f, nil
	}
	return f, f.sound()
}
