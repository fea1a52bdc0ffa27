package status

import (
	"encoding/json"
	"math/bits"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/secret"
)

// Event is what one call drops: the facts that the file is folded from.
type Event struct {
	Call
	Chain      *report.Chain `json:"chain,omitempty"` // only when it changed
	Failure    *Failure      `json:"failure,omitempty"`
	ChainLevel bool          `json:"chainLevel,omitempty"` // the failure is the chain's, not one attachment's
	Notes      []report.Note `json:"notes,omitempty"`
}

// Call is what every call drops, and most have nothing else to say.
type Call struct {
	Time         time.Time `json:"time"`
	Verb         string    `json:"verb"`
	DurationUsec int64     `json:"durationUsec"`
	Runs         []Run     `json:"runs,omitempty"`
	JournalLost  int64     `json:"journalLost,omitempty"`
	JournalWhy   string    `json:"journalWhy,omitempty"`
}

// unusual: there is more to say than that of every call. So it is of a record that could not be read.
func (e *Event) unusual() bool {
	return e == nil || e.Chain != nil || e.Failure != nil || len(e.Notes) > 0
}

// encode and decode pass over the types of what most calls do not have; see outline.
func (e *Event) encode() ([]byte, error) {
	if e.unusual() {
		return json.Marshal(e)
	}
	return json.Marshal(e.Call)
}

func decode(b []byte) (*Event, error) {
	e := &Event{}
	var more struct {
		Call
		Chain, Failure, Notes json.RawMessage
	}
	if err := json.Unmarshal(b, &more); err != nil {
		return nil, err
	}
	if more.Chain == nil && more.Failure == nil && more.Notes == nil {
		e.Call = more.Call
		return e, nil
	}
	return e, json.Unmarshal(b, e)
}

// Run is how long one plugin of the chain took.
type Run struct {
	Plugin       string `json:"plugin"`
	DurationUsec int64  `json:"durationUsec"`
}

// EventOf renders a call. lost entries did not reach the journal, for why.
func EventOf(r *report.Record, lost int, why error) *Event {
	e := &Event{Call: Call{Time: r.Time, Verb: report.Verb(r.Verb), DurationUsec: r.Duration.Microseconds(), JournalLost: int64(lost)}}
	if why != nil {
		e.JournalWhy = why.Error()
	}
	if r.Changed {
		e.Chain = r.Chain
	}
	for _, run := range r.Runs[:min(len(r.Runs), maxPlugins)] {
		if run.Verb == r.Verb { // not those that undo a failed ADD
			e.Runs = append(e.Runs, Run{report.Clean(run.Plugin), run.Duration.Microseconds()})
		}
	}
	for _, n := range r.Notes {
		if (n.Always || r.Changed) && len(e.Notes) < maxNotes {
			n.Message = short(n.Message)
			e.Notes = append(e.Notes, n)
		}
	}
	x := r.Failure
	if x == nil {
		return e
	}
	e.ChainLevel = x.ChainLevel
	e.Failure = &Failure{
		Reason: x.Reason.Name, Verb: e.Verb, Plugin: short(x.Plugin), Index: x.Index, File: x.Place.File, Line: x.Place.Line, Column: x.Place.Column,
		Rule: x.Rule, Code: x.Code, Message: short(x.Line()), Details: short(x.Details), Cure: x.Cure(), Who: string(x.Reason.Who), Retry: x.Reason.Retry,
		Stderr: cut(secret.Mask(x.Stderr)), Network: short(r.Network), ContainerID: short(r.ContainerID), IfName: short(r.IfName), Pod: r.Pod.Clean(short),
		Count: 1, First: r.Time, Last: r.Time,
	}
	for _, fact := range x.Evidence {
		fact.Text = short(fact.Text)
		e.Failure.Evidence = append(e.Failure.Evidence, fact)
	}
	return e
}

// Says tells whether a failure is what the verdict says already. A chain's fault is another where its place or its words are; a plugin's
// message is the same with another age, process id or time in it.
func (v Verdict) Says(f *report.Failure) bool {
	if v.Ready || v.Reason != f.Reason.Name {
		return false
	}
	now := short(f.Line())
	return v.Message == now || !f.ChainLevel && withoutDigits(v.Message) == withoutDigits(now)
}

func withoutDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, s)
}

// short is a text as the file keeps it: enough to say why, and little enough that many of them are read.
func short(s string) string {
	const limit = 2 << 10
	if s = report.Clean(s); len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}

// cut bounds what of a plugin's stderr the file keeps: the end says why.
func cut(s string) string {
	const limit = 2 << 10
	if len(s) <= limit {
		return s
	}
	return "…" + s[len(s)-limit:]
}

// take folds events; nil is one that could not be read.
func (f *File) take(events []*Event) {
	for _, e := range events {
		if e == nil {
			f.note(report.Note{Message: "a record of a call could not be read and is not counted"}, time.Now().UTC())
		} else {
			f.fold(e)
		}
	}
}

// fold takes one event into the file.
func (f *File) fold(e *Event) {
	if e.Verb != report.Watch { // which is no call
		f.count(e)
	}
	if e.Chain != nil {
		f.Chains = slices.DeleteFunc(f.Chains, func(c *report.Chain) bool { return c == nil || c.Network == e.Chain.Network })
		f.Chains = append([]*report.Chain{e.Chain}, f.Chains[:min(len(f.Chains), maxChains-1)]...)
	}
	for _, n := range e.Notes {
		f.note(n, e.Time)
	}
	if e.JournalLost > 0 {
		f.Unrecorded = Unrecorded{f.Unrecorded.Journal + e.JournalLost, e.JournalWhy, e.Time}
	}
	f.condition("JournalAvailable", e.JournalLost == 0, "JournalUnavailable", e.JournalWhy, e.Time)
	if e.Failure != nil {
		f.failed(e.Failure)
	}
	f.judge(e)
}

// ran takes the durations of a call's plugins, of at most maxPlugins types.
func (v *Verb) ran(runs []Run) {
	if v.Plugins == nil && len(runs) > 0 {
		v.Plugins = map[string]*Durations{}
	}
	for _, r := range runs {
		d := v.Plugins[r.Plugin]
		if d == nil {
			if len(v.Plugins) >= maxPlugins {
				continue
			}
			d = &Durations{}
			v.Plugins[r.Plugin] = d
		}
		d.add(r.DurationUsec)
	}
}

// count takes a call into the numbers of its verb.
func (f *File) count(e *Event) {
	v := f.Calls[e.Verb]
	if v == nil {
		v = &Verb{ByReason: map[string]int64{}}
		f.Calls[e.Verb] = v
	}
	v.Total++
	v.Last = e.Time
	v.Duration.add(e.DurationUsec)
	v.ran(e.Runs)
	if e.Failure == nil {
		v.LastOK = e.Time
		return
	}
	v.Failed++
	if v.ByReason == nil {
		v.ByReason = map[string]int64{}
	}
	if _, ok := v.ByReason[e.Failure.Reason]; ok || len(v.ByReason) < maxReasons {
		v.ByReason[e.Failure.Reason]++
	}
}

// asked is how long a STATUS holds against an ADD: runtimes that use STATUS ask every five seconds.
const asked = time.Minute

// judge moves the verdict: a plugin's STATUS answers for the node (neither one that was killed nor one that was wrongly called
// does), a chain that cannot run fails for all, and an ADD that succeeded
// shows that the chain runs, unless a plugin's STATUS has just said that the node is not well. A look asks no plugin, so it takes
// back only that the chain itself cannot run. A failure of one attachment says nothing about the node.
func (f *File) judge(e *Event) {
	v := Verdict{Ready: true, Reason: "Ready", Message: "the chain can take pods", Verb: e.Verb}
	switch {
	case e.Failure != nil && (e.Verb == "STATUS" && e.Failure.Plugin != "" && e.Failure.Reason != reason.PluginTimeout.Name || e.ChainLevel && (e.Verb == "STATUS" || e.Verb == "ADD" || e.Verb == report.Watch)):
		v = Verdict{Reason: e.Failure.Reason, Message: e.Failure.Message, Cure: e.Failure.Cure, Verb: e.Verb, ChainLevel: e.ChainLevel}
	case e.Failure != nil || e.Verb != "STATUS" && e.Verb != "ADD" && e.Verb != report.Watch:
		return
	case e.Verb == report.Watch && !f.Verdict.Ready && !f.Verdict.ChainLevel && !f.Verdict.Since.IsZero():
		return
	case e.Verb == "ADD" && !f.Verdict.Ready && f.Verdict.Verb == "STATUS" && f.Calls["STATUS"] != nil && e.Time.Sub(f.Calls["STATUS"].Last) < asked:
		return
	}
	v.Since = f.Verdict.Since
	if v.Ready != f.Verdict.Ready || v.Since.IsZero() {
		v.Since = e.Time
	}
	f.Verdict = v
	f.condition("ChainReady", v.Ready, v.Reason, v.Message, e.Time)
}

func (f *File) condition(kind string, ok bool, reason, message string, at time.Time) {
	c := Condition{Type: kind, Status: "True", Reason: kind, LastTransitionTime: at}
	if !ok {
		c.Status, c.Reason, c.Message = "False", reason, message
	}
	for i := range f.Conditions {
		if old := &f.Conditions[i]; old.Type == kind {
			if old.Status == c.Status {
				c.LastTransitionTime = old.LastTransitionTime
			}
			*old = c
			return
		}
	}
	f.Conditions = append(f.Conditions, c)
}

// failed folds a failure into its like, the latest first.
func (f *File) failed(x *Failure) {
	for i, old := range f.Failures {
		if old.Reason == x.Reason && old.Plugin == x.Plugin && old.Index == x.Index && old.Verb == x.Verb && old.File == x.File {
			x.Count, x.First = old.Count+1, old.First
			f.Failures = slices.Delete(f.Failures, i, i+1)
			break
		}
	}
	f.Failures = slices.Insert(f.Failures, 0, *x)
	f.Failures = f.Failures[:min(len(f.Failures), maxFailures)]
}

func (f *File) note(n report.Note, at time.Time) {
	x := Noted{n.Rule, n.Message, 1, at}
	for i, old := range f.Notes {
		if old.Message == n.Message {
			x.Count += old.Count
			f.Notes = slices.Delete(f.Notes, i, i+1)
			break
		}
	}
	f.Notes = slices.Insert(f.Notes, 0, x)
	f.Notes = f.Notes[:min(len(f.Notes), maxNotes)]
}

// Buckets is how many there are; the last takes everything longer.
const Buckets = 22

// Bound is the longest duration that bucket i takes, in microseconds; the last has none.
func Bound(i int) int64 { return 1 << (i + 9) }

// Count is how many durations there are.
func (d *Durations) Count() (n int64) {
	for _, b := range d.Buckets {
		n += b
	}
	return n
}

// Quantile is a duration in microseconds that a share q of them did not exceed: interpolated in its bucket as Prometheus does,
// and never above the longest seen. 0 where there are none.
func (d *Durations) Quantile(q float64) int64 {
	if d.Count() == 1 {
		return d.Max
	}
	rank, below := q*float64(d.Count()), float64(0)
	for i, b := range d.Buckets {
		if n := float64(b); n > 0 && below+n >= rank {
			low := int64(0)
			if i > 0 {
				low = Bound(i - 1)
			}
			return min(low+int64(float64(Bound(i)-low)*(rank-below)/n), d.Max)
		}
		below += float64(b)
	}
	return d.Max
}

func (d *Durations) add(usec int64) {
	d.Sum += usec
	d.Max = max(d.Max, usec)
	i := min(max(0, bits.Len64(uint64(max(usec-1, 0)))-9), Buckets-1)
	for len(d.Buckets) <= i {
		d.Buckets = append(d.Buckets, 0)
	}
	d.Buckets[i]++
}
