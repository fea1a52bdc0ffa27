package shim

import (
	"fmt"
	"strings"
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
	if namespace, name, ok := strings.Cut(k.Pod, "/"); ok {
		r.Pod = &report.Pod{Namespace: namespace, Name: name}
	}
	r.Failure = &report.Failure{Reason: reason.PluginTimeout, Code: 11}
	took := max(k.Seen.Sub(k.Since), 0).Round(time.Second)
	if k.Waits != "" {
		r.Failure.Reason = reason.DiskUnresponsive
		r.Failure.Cause = fmt.Sprintf("%s was killed while it had been waiting for %s, not answering for %s", k.Verb, k.Waits, took)
	} else if plugin, index, of, ok := chain.ParseLabel(k.Plugin); ok {
		r.Failure.Plugin, r.Failure.Index, r.Failure.Of = plugin, index, of
		r.Failure.Cause = fmt.Sprintf("had been running %s for %s when the runtime gave up and killed the call", k.Verb, took)
	} else {
		r.Failure.Cause = fmt.Sprintf("%s was killed after %s, before its first plugin ran", k.Verb, took)
	}
	return r
}

// patience is after what time a plugin that runs long is told of for the n-th time, from 0: 10, 30 and 60 seconds, then every minute.
func patience(n int) time.Duration {
	if n < 2 {
		return [...]time.Duration{10 * time.Second, 30 * time.Second}[n]
	}
	return time.Duration(n-1) * time.Minute
}

// tellProgress tells of a plugin that it still runs.
func (c *call) tellProgress(label string, ran time.Duration) {
	_, _ = journal.Send([]journal.Entry{c.record.Progress(fmt.Sprintf("%s has been running %s for %s", label, c.record.Verb, ran.Round(time.Second)))}, journalBudget)
}
