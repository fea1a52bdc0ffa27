package diag

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// TextOptions of WriteText. The zero value prints no source lines and no colours.
type TextOptions struct {
	Color bool
	// Line returns the source line of a file, counted from 1, without its end; ok false when there is none to show.
	Line func(file string, line int) (text string, ok bool)
}

// Escape sequences of terminals.
const (
	bold  = "\x1b[1m"
	green = "\x1b[1;32m"
	reset = "\x1b[0m"
)

var severityColors = [...]string{Error: "\x1b[1;31m", Warning: "\x1b[1;33m", Info: "\x1b[1;36m"}

// WriteText prints findings as compilers do: place, severity and cause on one line, the line of the source, a caret
// under the token, and the cure.
func WriteText(w io.Writer, l List, o TextOptions) {
	paint := func(code, s string) string {
		if !o.Color {
			return s
		}
		return code + s + reset
	}
	for _, d := range l {
		fmt.Fprintf(w, "%s: %s: %s [%s]\n", paint(bold, d.Place.String()), paint(severityColors[min(d.Severity, Info)], d.Severity.String()), paint(bold, d.Message), d.Rule)
		if o.Line != nil && d.Line > 0 {
			if text, ok := o.Line(d.File, d.Line); ok {
				text, at, n := window(text, d)
				number := fmt.Sprintf("%5d", d.Line)
				fmt.Fprintf(w, "%s | %s\n%s | %s%s\n", number, text, strings.Repeat(" ", len(number)), pad(text, at), paint(green, "^"+strings.Repeat("~", max(n-1, 0))))
			}
		}
		if d.Fix != "" {
			fmt.Fprintf(w, "%s %s\n", paint(bold, "  fix:"), d.Fix)
		}
	}
}

// visible is a dot for what a terminal would hide, or obey.
func visible(r rune) rune {
	if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r == 0x2028 || r == 0x2029 || r >= 0x2060 && r <= 0x2069 || r == 0xfeff || r == utf8.RuneError {
		return '·'
	}
	return r
}

// window cuts a long line to the part round the token. It returns the part, the column of the token in it from 0, and
// how many code points of the token are on it.
func window(line string, d Diagnostic) (part string, at, n int) {
	const wide, before = 160, 60
	runes := []rune(line)
	at = min(d.Column-1, len(runes))
	n = 1
	if d.EndLine == d.Line {
		n = d.EndColumn - d.Column
	} else if d.EndLine > d.Line {
		n = len(runes) - at
	}
	if len(runes) > wide {
		from := max(0, min(at-before, len(runes)-wide))
		to := min(len(runes), from+wide)
		runes = runes[from:to]
		at -= from
		if from > 0 {
			runes = append([]rune{'…'}, runes...)
			at++
		}
		if to < utf8.RuneCountInString(line) {
			runes = append(runes, '…')
		}
	}
	n = max(1, min(n, len(runes)-at))
	for i, r := range runes {
		runes[i] = visible(r)
	}
	return string(runes), at, n
}

// pad is white space as wide as the first n code points of a line.
func pad(line string, n int) string {
	var b strings.Builder
	for _, r := range line {
		if n--; n < 0 {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}
