package survey

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/status"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

// Prom writes the survey in Prometheus' text format for node_exporter's textfile collector: no timestamps, and no label that
// grows with pods or containers.
func (s *Survey) Prom(w io.Writer, version string) {
	m := &metrics{w: w}
	m.family("cni_shim_build_info", "gauge", "The version of cni-shim that wrote these metrics.")
	m.value(1, "version", version)
	if s.Verdict.Reason != Unknown {
		m.family("cni_shim_node_ready", "gauge", "Whether the node's network can take pods, as seen when the file was written.")
		m.value(bit(s.Verdict.Ready))
	}
	m.family("cni_shim_config_valid", "gauge", "Whether the chain's configuration can be loaded.")
	m.value(bit(s.Now.Chain != nil))
	m.family("cni_shim_config_findings", "gauge", "Findings of the check of the configuration directory by severity.")
	e, warn, _ := s.Now.Findings.Count()
	m.value(float64(e), "severity", diag.Error.String())
	m.value(float64(warn), "severity", diag.Warning.String())
	m.calls(s)
	m.family("cni_shim_operations_in_flight", "gauge", "Calls that run now.")
	m.value(float64(len(s.InFlight)))
	m.family("cni_shim_oldest_operation_seconds", "gauge", "How long the oldest of the calls that run now has been running.")
	oldest := time.Duration(0)
	for _, c := range s.InFlight {
		oldest = max(oldest, s.Now.Time.Sub(c.Began))
	}
	m.value(oldest.Seconds())
	m.family("cni_shim_journal_up", "gauge", "Whether journald takes entries.")
	m.value(bit(s.Now.Journal))
	m.family("cni_shim_journal_lost_total", "counter", "Journal entries that journald did not take.")
	m.value(float64(s.Unrecorded.Journal))
	m.family("cni_shim_attachments", "gauge", "Attachments whose ADD is stored until their DEL.")
	n := 0
	for _, x := range s.Now.Attachments {
		n += x
	}
	m.value(float64(n))
	m.family("cni_shim_attachments_stale", "gauge", "Stored attachments that no runtime will ask for.")
	if !s.blind { // in the sandbox of a service or a container: no value, for 0 would be a claim
		m.value(float64(len(s.Stale)))
	}
	m.addresses(s)
	m.family("cni_shim_survey_timestamp_seconds", "gauge", "When the node was looked at, in seconds since the epoch.")
	m.value(seconds(s.Now.Time))
}

type metrics struct {
	w    io.Writer
	name string
}

func (m *metrics) family(name, kind, help string) {
	m.name = name
	fmt.Fprintf(m.w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func (m *metrics) value(v float64, labels ...string) { m.sample("", v, labels...) }

// sample writes one value. Labels are name and value in turn.
func (m *metrics) sample(suffix string, v float64, labels ...string) {
	var b strings.Builder
	for i := 0; i < len(labels); i += 2 {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		fmt.Fprintf(&b, `%s="%s"`, labels[i], strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(visible.Line(labels[i+1])))
	}
	if len(labels) > 0 {
		b.WriteString("}")
	}
	fmt.Fprintf(m.w, "%s%s%s %s\n", m.name, suffix, b.String(), strconv.FormatFloat(v, 'g', -1, 64))
}

func bit(ok bool) float64 {
	if ok {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// verbs that have a series of their own; whatever else a caller asked for is one.
func verbLabel(verb string) string {
	switch verb {
	case "ADD", "CHECK", "DEL", "GC", "STATUS":
		return verb
	}
	return "other"
}

func (m *metrics) calls(s *Survey) {
	calls := map[string]*status.Verb{}
	for _, verb := range sorted(s.Calls) {
		if v := s.Calls[verb]; v != nil && calls[verbLabel(verb)] == nil {
			calls[verbLabel(verb)] = v
		}
	}
	verbs := sorted(calls)
	m.family("cni_shim_operations_total", "counter", "Calls by verb since the status file was made.")
	for _, verb := range verbs {
		m.value(float64(calls[verb].Total), "command", verb)
	}
	m.family("cni_shim_operations_errors_total", "counter", "Failed calls by verb and reason.")
	for _, verb := range verbs {
		for _, r := range sorted(calls[verb].ByReason) {
			m.value(float64(calls[verb].ByReason[r]), "command", verb, "reason", r)
		}
	}
	m.family("cni_shim_operation_duration_seconds", "histogram", "How long calls took.")
	for _, verb := range verbs {
		m.histogram(&calls[verb].Duration, "command", verb)
	}
	m.family("cni_shim_plugin_duration_seconds", "summary", "How long the chain's plugins took.")
	for _, verb := range verbs {
		for _, plugin := range sorted(calls[verb].Plugins) {
			if d := calls[verb].Plugins[plugin]; d != nil {
				m.sample("_sum", float64(d.Sum)/1e6, "command", verb, "plugin", plugin)
				m.sample("_count", float64(d.Count()), "command", verb, "plugin", plugin)
			}
		}
	}
	m.family("cni_shim_last_success_timestamp_seconds", "gauge", "When a call last succeeded, in seconds since the epoch.")
	for _, verb := range verbs {
		if t := calls[verb].LastOK; !t.IsZero() {
			m.value(seconds(t), "command", verb)
		}
	}
}

// histogram writes every second bucket, up to some seventeen minutes: the same bounds always, whatever was seen.
func (m *metrics) histogram(d *status.Durations, labels ...string) {
	total := int64(0)
	for i := range status.Buckets - 1 {
		if i < len(d.Buckets) {
			total += d.Buckets[i]
		}
		if i%2 == 1 {
			le := strconv.FormatFloat(float64(status.Bound(i))/1e6, 'g', -1, 64)
			m.sample("_bucket", float64(total), append(labels, "le", le)...)
		}
	}
	m.sample("_bucket", float64(d.Count()), append(labels, "le", "+Inf")...)
	m.sample("_sum", float64(d.Sum)/1e6, labels...)
	m.sample("_count", float64(d.Count()), labels...)
}

func (m *metrics) addresses(s *Survey) {
	if len(s.Now.IPAM) == 0 {
		return
	}
	m.family("cni_shim_ipam_addresses", "gauge", "Addresses of host-local by plugin of the chain and state; leaked ones are taken, too.")
	told := map[string]bool{}
	for _, a := range s.Now.IPAM {
		if told[a.Plugin] {
			continue // a second plugin of that type shares the directory
		}
		told[a.Plugin] = true
		m.value(float64(a.Taken), "plugin", a.Plugin, "state", "taken")
		if a.Free != nil {
			m.value(float64(*a.Free), "plugin", a.Plugin, "state", "free")
		}
		if a.Leaked != nil {
			m.value(float64(*a.Leaked), "plugin", a.Plugin, "state", "leaked")
		}
	}
}
