package survey

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

// page is one screen of text.
type page struct {
	w     io.Writer
	now   time.Time
	color bool
}

// painted is text of one line that is fit for a terminal: escaped, and with colours where there are to be any.
type painted string

// sprintf formats one line, whatever a name in it holds: arguments are escaped unless they are numbers or painted.
func (p *page) sprintf(format string, args ...any) painted {
	for i, a := range args {
		switch a := a.(type) {
		case painted, int, int64, uint, uint64:
		default:
			args[i] = visible.Line(fmt.Sprint(a))
		}
	}
	return painted(fmt.Sprintf(format, args...))
}

// line writes one line.
func (p *page) line(format string, args ...any) { fmt.Fprintln(p.w, p.sprintf(format, args...)) }

func (p *page) title(text string) {
	fmt.Fprintln(p.w)
	p.line("%s", p.paint("1", text))
}

func (p *page) paint(sgr, text string) painted {
	if !p.color {
		return painted(visible.Line(text))
	}
	return painted(visible.Paint(sgr, text))
}

// table writes columns as wide as their widest cell, two spaces between them. A cell is a value as sprintf takes it.
func (p *page) table(rows [][]any) {
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			r[i] = p.sprintf("%v", c)
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(r[i].(painted)))
		}
	}
	for _, r := range rows {
		var b strings.Builder
		for i, c := range r {
			c := c.(painted)
			b.WriteString("  " + string(c) + strings.Repeat(" ", widths[i]-width(c)))
		}
		p.line("%s", painted(strings.TrimRight(b.String(), " ")))
	}
}

func width(c painted) int { return utf8.RuneCountInString(string(c)) }

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func short(id string) string { return report.Clean(id[:min(len(id), 12)]) }

// age is how long ago a time is, as people say it.
func age(now, then time.Time) string { return Human(now.Sub(then)) }

// usec is a duration in microseconds as people say it.
func usec(n int64) string { return Human(time.Duration(n) * time.Microsecond) }

// Human shortens a duration to the two units that matter: 850µs, 45ms, 1.2s, 3m12s, 5h4m, 12d3h.
func Human(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = max(d, 0); {
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < day:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
}
