package report

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/journal"
	"github.com/cni-shim/cni-shim/pkg/secret"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

// Message ids of entries that are no failure's. They are for ever.
const (
	idProgress = "d554d234374e436088768e0c73009056"
	idDone     = "96837b12b4204fb39ead2206d773d1fe"
	idChain    = "5cc98127b9404cfdb82b84a6980cb673"
	idNote     = "a6f5ca87ef1b438789b7b7dcea81d214"
	idPlugin   = "f3a697024021469da0fd97ac19dbb811"
)

// Journal renders a call as journal entries: the call itself first, then the chain when it changed, then what else is
// to be known. level is that of the shim's entry.
func (r *Record) Journal(level string) []journal.Entry {
	entries := []journal.Entry{r.call()}
	if r.Changed && r.Chain != nil {
		entries = append(entries, r.chain())
	}
	for _, n := range r.Notes {
		if !n.Always && !r.Changed {
			continue
		}
		e := r.Warn(n.Message)
		e.Fields["CNI_RULE"] = n.Rule
		entries = append(entries, e)
	}
	for _, run := range r.Runs {
		f := r.fields(idPlugin)
		f["CNI_PLUGIN"], f["CNI_PLUGIN_INDEX"] = Clean(run.Plugin), strconv.Itoa(run.Index)
		f["CNI_EXIT"], f["CNI_DURATION_USEC"] = strconv.Itoa(run.Exit), strconv.FormatInt(run.Duration.Microseconds(), 10)
		entries = append(entries, journal.Entry{Priority: journal.Debug,
			Message: run.Verb + " of " + Clean(run.Plugin) + " took " + run.Duration.Round(100_000).String(), Fields: f})
	}
	limit := map[string]journal.Priority{"error": journal.Err, "warning": journal.Warning, "info": journal.Info,
		"debug": journal.Debug}[level]
	kept := entries[:0]
	for _, e := range entries {
		if e.Priority <= limit {
			kept = append(kept, e)
		}
	}
	return kept
}

// Warn is an entry beside the call's own.
func (r *Record) Warn(message string) journal.Entry {
	return journal.Entry{Priority: journal.Warning, Message: Clean(message), Fields: r.fields(idNote)}
}

// Progress is an entry of a call that is not over.
func (r *Record) Progress(message string) journal.Entry {
	return journal.Entry{Priority: journal.Info, Message: Clean(message), Fields: r.fields(idProgress)}
}

// call is the entry of the call itself.
func (r *Record) call() journal.Entry {
	f := r.fields(idDone)
	f["CNI_DURATION_USEC"] = strconv.FormatInt(r.Duration.Microseconds(), 10)
	e := journal.Entry{Priority: journal.Info, Message: r.Text(), Fields: f}
	if (r.Verb == "STATUS" || r.Verb == Watch) && !r.Recovered {
		e.Priority = journal.Debug // every five seconds
	}
	if r.Failure == nil {
		return e
	}
	e.Priority = journal.Err
	if r.Failure.Repeated {
		e.Priority = journal.Debug
	}
	x := r.Failure
	f["MESSAGE_ID"] = x.Reason.MessageID
	f["CNI_REASON"], f["CNI_RULE"], f["CNI_CODE"] = x.Reason.Name, x.Rule, strconv.Itoa(int(x.Code))
	f["CNI_DETAILS"], f["CNI_STDERR"] = Clean(x.Details), secret.Mask(x.Stderr)
	var seen []string
	for _, fact := range x.Evidence {
		seen = append(seen, Clean(fact.Text))
	}
	f["CNI_EVIDENCE"] = strings.Join(seen, "\n")
	if x.Plugin != "" {
		f["CNI_PLUGIN"], f["CNI_PLUGIN_INDEX"], f["CNI_EXIT"] = Clean(x.Plugin), strconv.Itoa(x.Index), strconv.Itoa(x.Exit)
	}
	if x.Place.File != "" {
		f["CNI_CONFIG_FILE"] = visible.Line(x.Place.File)
	}
	if x.Place.Line > 0 {
		f["CNI_CONFIG_LINE"], f["CNI_CONFIG_COLUMN"] = strconv.Itoa(x.Place.Line), strconv.Itoa(x.Place.Column)
	}
	return e
}

func (r *Record) chain() journal.Entry {
	f := r.fields(idChain)
	if b, err := json.Marshal(r.Chain); err == nil {
		f["CNI_CHAIN"] = string(b)
	}
	return journal.Entry{Priority: journal.Info, Message: r.Chain.Text(), Fields: f}
}

// fields are those that every entry of a call has.
func (r *Record) fields(id string) map[string]string {
	f := map[string]string{
		"MESSAGE_ID":      id,
		"CNI_COMMAND":     Clean(r.Verb),
		"CNI_CONTAINERID": Clean(r.ContainerID),
		"CNI_IFNAME":      Clean(r.IfName),
		"CNI_NETNS":       Clean(r.Netns),
		"CNI_NETWORK":     Clean(r.Network),
		"TRACE_ID":        Clean(r.TraceID),
	}
	if r.Verb == Watch {
		delete(f, "CNI_COMMAND") // no runtime gave one
	}
	if r.Pod != nil {
		f["K8S_POD_NAMESPACE"], f["K8S_POD_NAME"], f["K8S_POD_UID"] = Clean(r.Pod.Namespace), Clean(r.Pod.Name),
			Clean(r.Pod.UID)
	}
	if r.Chain != nil {
		f["CNI_CONFIG_FILE"] = visible.Line(r.Chain.File)
	}
	return f
}
