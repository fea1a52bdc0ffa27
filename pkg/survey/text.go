package survey

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/status"
)

// maxShown is how many failures and findings the screen shows; JSON has all.
const maxShown = 5

// Word is the verdict in a word.
func (s *Survey) Word() string {
	switch {
	case s.Verdict.Ready:
		return "ready"
	case s.Verdict.Reason == Unknown:
		return "unknown"
	}
	return "NOT READY [" + s.Verdict.Reason + "]"
}

// Text writes one screen, the worst first. Times are told relative to now, and the verdict's as the local clock shows it, too.
func (s *Survey) Text(w io.Writer, now time.Time, color bool) {
	p := &page{w, now, color}
	p.verdict(s)
	p.running(s)
	p.failures(s.Failures)
	p.unrecorded(s)
	p.findings(s)
	p.addresses(s)
	p.chain(s)
	p.calls(s)
	p.notes(s)
}

func (p *page) verdict(s *Survey) {
	sgr := "1;31"
	if s.Verdict.Ready {
		sgr = "1;32"
	}
	p.line("network %s%s", p.paint(sgr, s.Word()), p.since(s.Verdict.Since))
	p.line("  %s", s.Verdict.Message)
	if s.Verdict.Cure != "" {
		p.line("  cure: %s", s.Verdict.Cure)
	}
	if s.Now.Contradicts != "" {
		p.line("  seen just now; the last call's answer was: %s", s.Now.Contradicts)
	}
	if s.Verdict.Ready && len(s.Calls) == 0 {
		p.line("  no call has shown it yet")
	}
}

// since is how long something has been so, and the local time at which it began.
func (p *page) since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	layout := "15:04:05"
	if local := t.Local(); local.Format(time.DateOnly) != p.now.Local().Format(time.DateOnly) {
		layout = time.DateTime
	}
	return fmt.Sprintf(" for %s, since %s", age(p.now, t), t.Local().Format(layout))
}

func (p *page) running(s *Survey) {
	if len(s.InFlight) == 0 {
		return
	}
	p.title("RUNNING")
	for _, c := range s.InFlight {
		plugin := ""
		if c.Plugin != "" {
			plugin = fmt.Sprintf(", %s for %s", report.Clean(c.Plugin), age(p.now, c.Since))
		}
		subject := "container " + short(c.ContainerID)
		if c.Pod != "" {
			subject = "pod " + report.Clean(c.Pod)
		}
		p.line("  %s of %s, network %s for %s%s", c.Verb, subject, report.Clean(c.Network), age(p.now, c.Began), plugin)
	}
}

func (p *page) failures(all []status.Failure) {
	if len(all) == 0 {
		return
	}
	p.title("LAST FAILURES")
	for _, x := range all[:min(len(all), maxShown)] {
		first := ""
		if x.Count > 1 {
			first = fmt.Sprintf(", %d times since %s ago", x.Count, age(p.now, x.First))
		}
		p.line("  %s %s [%s]", x.Verb, x.Message, p.paint("31", x.Reason))
		p.line("    %s ago%s%s", age(p.now, x.Last), whose(x), first)
		for _, fact := range x.Evidence {
			p.line("    seen: %s", fact.Text)
		}
		p.line("    cure: %s", x.Cure)
		p.line("    turn: %s%s", x.Who, map[bool]string{true: "; the runtime's own retry may succeed"}[x.Retry])
	}
	if n := len(all) - maxShown; n > 0 {
		p.line("  and %d more: cni-shim status -o json", n)
	}
}

// whose says which pod or container a failure hit.
func whose(x status.Failure) string {
	switch {
	case x.Pod != nil && x.Pod.Name != "":
		return ", pod " + report.Clean(x.Pod.Namespace) + "/" + report.Clean(x.Pod.Name)
	case x.ContainerID != "":
		return ", container " + short(x.ContainerID)
	}
	return ""
}

func (p *page) unrecorded(s *Survey) {
	var lines []painted
	if !s.Now.Journal {
		lines = append(lines, "journald has no socket: nothing reaches the journal")
	}
	if u := s.Unrecorded; u.Journal > 0 {
		lines = append(lines, p.sprintf("%d journal entries were lost, the last %s ago: %s", u.Journal, age(p.now, u.Last),
			report.Clean(u.Why)))
	}
	for _, e := range s.Now.Errors {
		lines = append(lines, p.sprintf("%s", e))
	}
	p.section("NOT RECORDED, NOT SEEN", lines)
}

func (p *page) section(title string, lines []painted) {
	if len(lines) == 0 {
		return
	}
	p.title(title)
	for _, l := range lines {
		p.line("  %s", l)
	}
}

func (p *page) findings(s *Survey) {
	all := slices.DeleteFunc(slices.Clone(s.Now.Findings), func(d diag.Diagnostic) bool {
		return d.Severity == diag.Error && strings.HasSuffix(s.Verdict.Message, ": "+report.Clean(d.Message)) // the verdict tells it
	})
	if len(all) == 0 {
		return
	}
	p.title("FINDINGS")
	for _, d := range all[:min(len(all), maxShown)] {
		place := d.Place
		place.File = filepath.Base(place.File)
		p.line("  %s: %s: %s [%s]", place, d.Severity, report.Clean(d.Message), d.Rule)
	}
	more := ""
	if n := len(all) - maxShown; n > 0 {
		more = fmt.Sprintf("%d more, and ", n)
	}
	p.line("  %sthe cures: cni-shim check %s", more, s.Now.ConfDir)
}

func (p *page) addresses(s *Survey) {
	var lines []painted
	for _, a := range s.Now.IPAM {
		l := p.sprintf("addresses of %s by host-local: %d taken", a.Plugin, a.Taken)
		if a.Free != nil {
			l += p.sprintf(", free for %d more pods", *a.Free)
		}
		switch {
		case a.Leaked == nil:
			l += ", leaks cannot be told: the runtime keeps no results"
		case *a.Leaked > 0:
			l += p.paint("31", fmt.Sprintf(", %d leaked", *a.Leaked)) + p.sprintf(" (the oldest is %s in %s)", a.Oldest, a.Dir)
		default:
			l += ", 0 leaked"
		}
		lines = append(lines, l)
	}
	for _, n := range sorted(s.Now.Attachments) {
		l := p.sprintf("attachments of %s: %d stored", n, s.Now.Attachments[n])
		if !s.Now.Saved {
			l += " in memory, until a reboot: no cni-shim watch runs that saves them to the disk"
		}
		lines = append(lines, l)
	}
	for i, k := range s.Stale {
		if i == maxShown {
			lines = append(lines, p.sprintf("and %d more stale (remove all: cni-shim forget --stale)", len(s.Stale)-i))
			break
		}
		lines = append(lines, p.sprintf("stale attachment: %s %s %s (remove it: cni-shim forget %s %s %s)",
			k.Network, k.ContainerID, k.IfName, k.Network, k.ContainerID, k.IfName))
	}
	p.section("ATTACHMENTS", lines)
}

func (p *page) chain(s *Survey) {
	p.title("CHAIN")
	if c := s.Now.Chain; c != nil {
		from := c.Source
		if c.File != "" {
			from = c.File
		}
		p.line("  %s, cniVersion %s, from %s", report.Clean(c.Network), report.Clean(c.CNIVersion), from)
		var rows [][]any
		for _, x := range c.Plugins {
			name := x.Type
			if x.IPAM {
				name = "└ " + name
			}
			versions := ""
			if n := len(x.Versions); n > 0 {
				versions = "CNI " + x.Versions[0]
				if n > 1 {
					versions += " to " + x.Versions[n-1]
				}
			}
			path := p.sprintf("%s", x.Path)
			if path == "" {
				path = p.paint("31", "not found in "+strings.Join(s.Now.BinDirs, ":"))
			}
			rows = append(rows, []any{report.Clean(name), path, x.CPU, versions})
		}
		p.table(rows)
	}
	var rows [][]any
	for _, f := range s.Now.Files {
		rows = append(rows, []any{report.Clean(f.Name), f.Use})
	}
	if rows == nil {
		p.line("  no configuration in %s", s.Now.ConfDir)
	}
	p.table(rows)
}

func (p *page) calls(s *Survey) {
	if len(s.Calls) == 0 {
		return
	}
	p.title("CALLS")
	rows := [][]any{{"", "TOTAL", "FAILED", "P50", "P99", "MAX", "LAST", "SLOWEST PLUGIN"}}
	for _, verb := range sorted(s.Calls) {
		v, l := s.Calls[verb], s.Now.Latency[verb]
		if v == nil {
			continue
		}
		slowest := ""
		if l.Slowest != "" {
			slowest = l.Slowest + " " + usec(l.SlowestUsec)
		}
		rows = append(rows, []any{report.Clean(verb), v.Total, v.Failed, usec(l.P50), usec(l.P99), usec(v.Duration.Max),
			age(p.now, v.Last) + " ago", slowest})
	}
	p.table(rows)
	for _, verb := range sorted(s.Calls) {
		if v := s.Calls[verb]; v != nil && len(v.ByReason) > 0 {
			var why []string
			for _, r := range sorted(v.ByReason) {
				why = append(why, fmt.Sprintf("%d %s", v.ByReason[r], r))
			}
			p.line("  %s failed: %s", report.Clean(verb), strings.Join(why, ", "))
		}
	}
}

func (p *page) notes(s *Survey) {
	var lines []painted
	for i, n := range s.Notes {
		if i == maxShown {
			lines = append(lines, p.sprintf("and %d more: cni-shim status -o json", len(s.Notes)-i))
			break
		}
		count := ""
		if n.Count > 1 {
			count = fmt.Sprintf("%d times, ", n.Count)
		}
		lines = append(lines, p.sprintf("%s (%slast %s ago)", n.Message, count, age(p.now, n.Last)))
	}
	p.section("NOTES", lines)
}
