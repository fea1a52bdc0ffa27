// Package diag is the vocabulary of findings: what is wrong with a configuration, where, how bad it is and how it
// is cured. It knows nothing of CNI, so everybody may import it.
package diag

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Severity says what a finding costs.
type Severity uint8

const (
	// Error: the runtime refuses the configuration, or every ADD with it fails.
	Error Severity = iota
	// Warning: it loads and pods start, but not as its author meant, or not everywhere.
	Warning
	// Info: harmless, worth knowing.
	Info
)

var severityNames = [...]string{"error", "warning", "info"}

// String is the word that people and JSON readers see.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return fmt.Sprintf("severity(%d)", uint8(s))
}

// MarshalText writes the severity as its word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Severity) UnmarshalText(b []byte) error {
	for i, n := range severityNames {
		if n == string(b) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("unknown severity %q", b)
}

// Place is a spot in a file. Line and Column count from 1, Column in code points; Line 0 means the file (or the
// directory) as a whole. End is exclusive; zero when only the start is known.
type Place struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"endLine,omitempty"`
	EndColumn int    `json:"endColumn,omitempty"`
}

// String is file:line:column, or the file alone where no line is known.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Diagnostic is one finding. Message is the cause in one line, object first, with no full stop; Fix is the cure in
// one line, empty when there is none to give.
type Diagnostic struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Place
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
	// Refused: libcni does not load the configuration at all, for this reason.
	Refused bool `json:"refused,omitempty"`
}

// String is the one line that compilers print: place, severity, cause and rule.
func (d Diagnostic) String() string {
	var b strings.Builder
	if p := d.Place.String(); p != "" {
		b.WriteString(p)
		b.WriteString(": ")
	}
	fmt.Fprintf(&b, "%s: %s [%s]", d.Severity, d.Message, d.Rule)
	return b.String()
}

// List is findings in the order they were made.
type List []Diagnostic

// Worst is the gravest severity in the list, and false when the list is empty.
func (l List) Worst() (Severity, bool) {
	worst := Info
	for _, d := range l {
		worst = min(worst, d.Severity)
	}
	return worst, len(l) > 0
}

// LineColumn turns a byte offset into a line and a column, both from 1; the column counts code points (a byte that
// is no UTF-8 counts as one). An offset outside the text is moved to its nearest end. A line ends at "\n".
func LineColumn(text []byte, offset int) (line, column int) {
	offset = max(0, min(offset, len(text)))
	line, start := 1, 0
	for i := range offset {
		if text[i] == '\n' {
			line++
			start = i + 1
		}
	}
	return line, utf8.RuneCount(text[start:offset]) + 1
}
