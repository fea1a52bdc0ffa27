package diag

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/cni-shim/cni-shim/pkg/visible"
)

// TextOptions of WriteText. The zero value prints no source lines and no colours.
type TextOptions struct {
	Color bool
	// Line returns the source line of a file, counted from 1, without its end; ok false when there is none to show.
	Line func(file string, line int) (text string, ok bool)
}

var severityColors = [...]string{Error: "1;31", Warning: "1;33", Info: "1;36"}

// Colours of what is pointed at: the place and the cause, and the caret.
const bold, green = "1", "1;32"

// WriteText prints findings as compilers do: place, severity and cause on one line, the line of the source, a caret
// under the token, and the cure.
func WriteText(w io.Writer, l List, o TextOptions) {
	paint := func(code, s string) string {
		if !o.Color {
			return visible.Line(s)
		}
		return visible.Paint(code, s)
	}
	for _, d := range l {
		fmt.Fprintf(w, "%s: %s: %s [%s]\n", paint(bold, d.Place.String()), paint(severityColors[min(d.Severity, Info)], d.Severity.String()), paint(bold, d.Message), visible.Line(d.Rule))
		if o.Line != nil && d.Line > 0 {
			if text, ok := o.Line(d.File, d.Line); ok {
				text, at, n := window(text, d)
				number := fmt.Sprintf("%5d", d.Line)
				fmt.Fprintf(w, "%s | %s\n%s | %s%s\n", number, text, strings.Repeat(" ", len(number)), pad(text, at), paint(green, "^"+strings.Repeat("~", max(n-1, 0))))
			}
		}
		if d.Fix != "" {
			fmt.Fprintf(w, "%s %s\n", paint(bold, "  fix:"), visible.Line(d.Fix))
		}
	}
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
	var b strings.Builder
	first, width := at, n
	for i, r := range runes {
		shown := visible.Rune(r)
		b.WriteString(shown)
		switch more := utf8.RuneCountInString(shown) - 1; {
		case i < first:
			at += more
		case i < first+width:
			n += more
		}
	}
	return b.String(), at, n
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
