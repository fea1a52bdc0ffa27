package report

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/cni-shim/cni-shim/pkg/failure"
	"github.com/cni-shim/cni-shim/pkg/secret"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

// maxText bounds each text that leaves the process, in bytes.
const maxText = 16 << 10

// Where is the place of a failure: `10-calico.conflist:17:38`, `portmap (2/2)`, or "cni-shim" where it is nobody
// else's.
func (f *Failure) Where() string {
	switch {
	case f.Plugin != "":
		return fmt.Sprintf("%s (%d/%d)", Clean(f.Plugin), f.Index+1, f.Of)
	case f.Place.File != "":
		p := f.Place
		p.File = filepath.Base(p.File)
		return visible.Line(p.String())
	}
	return "cni-shim"
}

// Line is place and cause: what has to be read in the first 80 bytes.
func (f *Failure) Line() string { return f.Where() + ": " + f.lead() + Clean(f.Cause) }

// headline is where many tools cut a message, in bytes.
const headline = 80

// lead says in a few words what happened where a plugin gets to it too late: errors are wrapped from the inside, so
// theirs come last. What the plugin said follows it unchanged.
func (f *Failure) lead() string {
	if !f.Said || f.Words == "" {
		return ""
	}
	where := f.Where() + ": "
	if (failure.Verdict{Words: f.Words}).Within(headline, where+Clean(f.Cause)) {
		return ""
	}
	title := f.Reason.Title
	if len(where)+len(title)+len(f.Words)+len(" ()") <= headline {
		title += " (" + Clean(f.Words) + ")"
	}
	return title + ": "
}

// CNIError is the rendering for the runtime: kubelet shows "msg; details". In a DEL our own words avoid those that
// containerd takes for success.
func (r *Record) CNIError() *types.Error {
	f := r.Failure
	tail := fmt.Sprintf("[%s] %s", f.Reason.Name, f.Cure())
	where, cause, details := f.Where()+": "+f.lead(), Clean(f.Cause), Clean(f.Details)
	if f.Place.File != "" {
		tail = visible.Line(f.Place.File) + " " + tail
	}
	if r.Verb == "DEL" {
		where, tail = delWords(where), delWords(tail)
		// A plugin's own words are the runtime's to read, but not those that its line breaks hid before they were made
		// spaces.
		if !f.Given || delWords(f.Cause) == f.Cause {
			cause = delWords(cause)
		}
		if !f.Given || delWords(f.Details) == f.Details {
			details = delWords(details)
		}
	}
	if details != "" {
		tail = details + " " + tail
	}
	return types.NewError(f.Code, where+cause, tail)
}

// delWords replaces what go-cni reads as "already deleted" (its Remove): "not found", and with no netns "no such file
// or directory".
func delWords(s string) string {
	return strings.NewReplacer("not found", "missing", "no such file or directory", "does not exist").Replace(s)
}

// Text is the call on one line: the MESSAGE of its journal entry.
func (r *Record) Text() string {
	var b strings.Builder
	verb := Clean(r.Verb)
	did, failed := verb+" ok in "+r.Duration.Round(100_000).String(), verb+" failed"
	if r.Verb == Watch {
		did, failed = "the chain can take pods", "the chain cannot take pods"
	}
	if r.Failure != nil {
		fmt.Fprintf(&b, "%s: %s", failed, r.Failure.Line())
		if r.Failure.Details != "" {
			fmt.Fprintf(&b, "; %s", Clean(r.Failure.Details))
		}
		fmt.Fprintf(&b, " [%s] %s", r.Failure.Reason.Name, r.Failure.Cure())
	} else {
		b.WriteString(did)
	}
	if who := r.who(); who != "" {
		fmt.Fprintf(&b, " (%s)", who)
	}
	return b.String()
}

// who says whose network the call was about.
func (r *Record) who() string {
	var parts []string
	if r.Pod != nil && r.Pod.Name != "" {
		parts = append(parts, "pod "+Clean(r.Pod.Namespace)+"/"+Clean(r.Pod.Name))
	} else if r.ContainerID != "" {
		parts = append(parts, "container "+Clean(r.ContainerID[:min(12, len(r.ContainerID))]))
	}
	if r.Network != "" {
		parts = append(parts, "network "+Clean(r.Network))
	}
	return strings.Join(parts, ", ")
}

// Text is the chain on one line.
func (c *Chain) Text() string {
	var b strings.Builder
	from := c.Source
	if c.File != "" {
		from = filepath.Base(c.File)
	}
	fmt.Fprintf(&b, "chain %s from %s, cniVersion %s:", c.Network, from, c.CNIVersion)
	for i, p := range c.Plugins {
		switch {
		case p.IPAM:
			b.WriteString(" with")
		case i > 0:
			b.WriteString(" →")
		}
		fmt.Fprintf(&b, " %s", p.Type)
		if p.Path != "" {
			fmt.Fprintf(&b, " (%s", p.Path)
			if n := len(p.Versions); n > 0 {
				fmt.Fprintf(&b, ", CNI %s", p.Versions[0])
				if n > 1 {
					fmt.Fprintf(&b, " to %s", p.Versions[n-1])
				}
			}
			b.WriteString(")")
		}
	}
	return Clean(b.String())
}

// maxMasked bounds what is read of a text to find secrets in it, in bytes. What lies behind it is not shown.
const maxMasked = 64 << 10

// Clean makes any text one valid, bounded line with its secrets masked: no newline or control character of a plugin's
// may forge a line or a field. A longer text ends with an ellipsis.
func Clean(s string) string {
	s = visible.Line(oneLine(secret.Head(s, maxMasked)))
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}

// oneLine makes every run of white space one blank.
func oneLine(s string) string {
	s = strings.TrimSpace(s)
	if !strings.ContainsAny(s, "\t\r\n") && !strings.Contains(s, "  ") {
		return s
	}
	var b strings.Builder
	space := false
	for i := range len(s) {
		switch c := s[i]; c {
		case ' ', '\t', '\r', '\n':
			space = true
		default:
			if space {
				b.WriteByte(' ')
			}
			space = false
			b.WriteByte(c)
		}
	}
	return b.String()
}
