package diag

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// The law: the hunks of a diff, put over the first text, make the second one.
func FuzzDiff(f *testing.F) {
	f.Add("a\nb\nc\nd\n", "a\nB\nc\nd\n")
	f.Add("a\nb\nc\nd\ne\nf\ng\nh\n", "A\nb\nc\nd\ne\nf\ng\nH\n")
	f.Add("a\n", "a\nb\n")
	f.Fuzz(func(t *testing.T, before, after string) {
		before, after = printableLines(before), printableLines(after)
		var out bytes.Buffer
		WriteDiff(&out, "x", []byte(before), []byte(after))
		if got := patch(t, strings.SplitAfter(before, "\n"), out.String()); got != after {
			t.Fatalf("%q to %q by\n%s gives %q", before, after, out.String(), got)
		}
	})
}

// printableLines keeps what the diff shows as it is: printable lines that end.
func printableLines(s string) string {
	s = strings.Map(func(r rune) rune {
		if r != '\n' && (r < ' ' || r > '~') {
			return '?'
		}
		return r
	}, s)
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	return s
}

// patch applies a unified diff.
func patch(t *testing.T, lines []string, diff string) string {
	var out strings.Builder
	at := 0
	for i, l := range strings.SplitAfter(diff, "\n") {
		if i < 2 || l == "" { // the names
			continue
		}
		switch mark, text := l[0], l[1:]; mark {
		case '@':
			var from, old, to, fresh int
			if _, err := fmt.Sscanf(l, "@@ -%d,%d +%d,%d @@", &from, &old, &to, &fresh); err != nil || from-1 < at || from-1 > len(lines) {
				t.Fatalf("%q at line %d of %d: %v", l, at, len(lines), err)
			}
			out.WriteString(strings.Join(lines[at:from-1], ""))
			at = from - 1
		case '+':
			out.WriteString(text)
		default:
			if at >= len(lines) || lines[at] != text {
				t.Fatalf("%q is not line %d", l, at+1)
			}
			if at++; mark == ' ' {
				out.WriteString(text)
			}
		}
	}
	return out.String() + strings.Join(lines[at:], "")
}
