package shim

import (
	"fmt"
	"time"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/inflight"
	"github.com/cni-shim/cni-shim/pkg/journal"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// killedRecord tells a call that was killed while it ran, as a failure of its own: the runtime gave up, and killed the shim, which
// could not tell it then.
func killedRecord(k inflight.Call) *report.Record {
	r := &report.Record{Time: k.Began, Duration: k.Seen.Sub(k.Began), Verb: k.Verb, Network: k.Network, ContainerID: k.ContainerID, IfName: k.IfName}
	r.Failure = &report.Failure{Reason: reason.PluginTimeout, Code: 11}
	took := max(k.Seen.Sub(k.Since), 0).Round(time.Second)
	if plugin, index, of, ok := chain.ParseLabel(k.Plugin); ok {
		r.Failure.Plugin, r.Failure.Index, r.Failure.Of = plugin, index, of
		r.Failure.Cause = fmt.Sprintf("had been running %s for %s when the runtime gave up and killed the call", k.Verb, took)
	} else {
		r.Failure.Cause = fmt.Sprintf("%s was killed after %s, before its first plugin ran", k.Verb, took)
	}
	return r
}

// watch tells, while a plugin runs long, that it does: after 10, 30 and 60 seconds, then every minute. It returns what ends it.
func (c *call) watch(label string) (stop func()) {
	done := make(chan struct{})
	began := time.Now()
	next := []time.Duration{10 * time.Second, 30 * time.Second, time.Minute}
	go func() {
		beat := time.NewTicker(time.Second)
		defer beat.Stop()
		for {
			select {
			case <-done:
				return
			case <-beat.C:
			}
			c.mark.Beat()
			ran := time.Since(began).Round(time.Second)
			if ran < next[0] {
				continue
			}
			if len(next) > 1 {
				next = next[1:]
			} else {
				next[0] += time.Minute
			}
			_, _ = journal.Send([]journal.Entry{c.record.Progress(fmt.Sprintf("%s has been running %s for %s", label, c.record.Verb, ran))}, journalBudget)
		}
	}()
	return func() { close(done) }
}
