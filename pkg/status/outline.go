package status

import (
	"encoding/json"
	"time"

	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/inflight"
)

// outline is the File with those lists undecoded that a usual call leaves as they are: to learn their types by reflection is a
// twentieth of what such a call costs. Its fields are the File's, in the same order.
type outline struct {
	Version    int              `json:"version"`
	Updated    time.Time        `json:"updated"`
	Verdict    Verdict          `json:"verdict"`
	Conditions []Condition      `json:"conditions"`
	Chains     json.RawMessage  `json:"chains"`
	Calls      map[string]*Verb `json:"calls"`
	InFlight   json.RawMessage  `json:"inFlight"`
	Failures   json.RawMessage  `json:"failures"`
	Notes      json.RawMessage  `json:"notes"`
	Unrecorded Unrecorded       `json:"unrecorded"`
	Folded     []string         `json:"folded"`
}

// outline reads the file so far as usual calls need; nil where it is not as a shim left it, and has to be read whole.
func (s *Store) outline() *outline {
	b, err := disk.Read(s.path, maxFile)
	if err != nil || !sealed(b) {
		return nil
	}
	o := &outline{}
	if json.Unmarshal(b, o) != nil || o.Version != Version || o.Calls == nil {
		return nil
	}
	return o
}

// with is the file's text with more usual calls.
func (o *outline) with(calls []*Event, folded []string, running []inflight.Call, now time.Time) ([]byte, error) {
	f := File{Verdict: o.Verdict, Conditions: o.Conditions, Calls: o.Calls, Unrecorded: o.Unrecorded}
	f.take(calls)
	o.Verdict, o.Conditions, o.Calls, o.Unrecorded = f.Verdict, f.Conditions, f.Calls, f.Unrecorded
	o.Folded, o.Updated, o.InFlight = folded, now, json.RawMessage("null")
	if len(running) > 0 {
		var err error
		if o.InFlight, err = json.Marshal(running); err != nil {
			return nil, err
		}
	}
	return json.MarshalIndent(o, "", "  ")
}
