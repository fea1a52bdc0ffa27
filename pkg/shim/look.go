package shim

import (
	"context"
	"time"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/inflight"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/status"
)

// lookBudget bounds what logging may cost where no runtime waits.
const lookBudget = 2 * time.Second

// Look is one look at the chain while no runtime asks: what STATUS finds before it asks any plugin, told in the same words and the
// same places. Plugins are asked for their VERSION only, for where this runs is not where a runtime runs them.
type Look struct {
	DryRun bool // Take leaves no trace either
	call   *call
}

// NewLook begins a look at the chain of an entry; refused is what config.Parse said of it. Programs are searched in CNI_PATH.
func NewLook(entry *config.Config, refused error) *Look {
	c := &call{config: entry, status: status.Of(entry), budget: lookBudget}
	c.record = report.Record{Time: time.Now().UTC(), Verb: report.Watch, Network: entry.Name}
	for _, w := range entry.Warnings {
		c.note("", w, false)
	}
	c.record.Failure = ownFault(refused)
	return &Look{call: c}
}

// Take loads the chain and looks at its programs. Nil: it can run, as far as that can be seen.
func (l *Look) Take(ctx context.Context) *report.Failure {
	c := l.call
	if c.dry = l.DryRun; c.record.Failure != nil {
		return c.record.Failure
	}
	if own := c.bare(); own != nil {
		c.record.Failure = c.observe(ctx, own)
	} else {
		_, c.record.Failure = c.today(ctx)
	}
	return c.record.Failure
}

// Note adds something to tell, whatever else there is. What the look notes of a changed chain already is told once.
func (l *Look) Note(rule, message string) {
	notes := l.call.record.Notes
	for i := range notes {
		if notes[i].Rule == rule && report.Clean(notes[i].Message) == message {
			notes[i].Always = true
			return
		}
	}
	l.call.note(rule, message, true)
}

// Notes returns what there is to tell beside the failure.
func (l *Look) Notes() []report.Note { return l.call.record.Notes }

// Tell tells what is new since the last call or look, and which calls were killed since. What is known already leaves no trace. last
// is the outcome of this process's look before, "" of its first; the outcome of this one is returned.
func (l *Look) Tell(last string) (outcome string) {
	c := l.call
	_, dead := inflight.Running(c.status.CallsDir())
	for _, k := range dead {
		if !inflight.Claim(c.status.CallsDir(), k) {
			continue
		}
		(&call{config: c.config, status: c.status, record: *killedRecord(k), budget: c.budget}).tell()
	}
	c.record.Duration = time.Since(c.record.Time)
	outcome = "ready"
	if c.record.Failure != nil {
		outcome = c.record.Failure.Line()
	}
	if c.news(outcome == last) {
		c.tell()
	}
	return outcome
}

// news compares a look with what is known, and is false where it adds nothing. A plugin's own word in STATUS outranks it. Where the
// status file knows nothing the look is recorded again, and is told unless this process has told it.
func (c *call) news(told bool) bool {
	v, _ := c.status.Verdict() // none is the zero value
	if v.Since.IsZero() {
		if c.record.Recovered = !told; c.record.Failure != nil {
			c.record.Failure.Repeated = told
		}
		return true
	}
	if f := c.record.Failure; f != nil {
		f.Repeated = v.Says(f)
		return !f.Repeated || c.talks()
	}
	c.record.Recovered = !v.Ready && v.ChainLevel
	return c.record.Recovered || c.talks()
}

// talks: the chain is another, or there are notes to tell.
func (c *call) talks() bool {
	for _, n := range c.record.Notes {
		if n.Always {
			return true
		}
	}
	return c.record.Changed
}
