package diag

import (
	"strings"
	"testing"
)

// The caret stands under the token, whatever is escaped before it and in it, and nothing that a terminal obeys is written.
func TestCaret(t *testing.T) {
	line := "a\u202eb\t\"to\u200bken\": 1"
	for _, c := range []struct {
		column, end int
		under       string
	}{
		{1, 2, "a"}, {3, 4, "b"}, {2, 3, `\u202e`}, {5, 13, `"to\u200bken"`},
	} {
		var b strings.Builder
		d := Diagnostic{Rule: "r", Message: "m\x1b[31m", Place: Place{File: "f\nforged", Line: 1, Column: c.column, EndLine: 1, EndColumn: c.end}, Fix: "x\u2066"}
		WriteText(&b, List{d}, TextOptions{Line: func(string, int) (string, bool) { return line, true }})
		rows := strings.Split(b.String(), "\n")
		if len(rows) != 5 || rows[0] != `f\u000aforged:1:`+string(rune('0'+c.column))+`: error: m\u001b[31m [r]` || rows[3] != `  fix: x\u2066` {
			t.Fatalf("%q", rows)
		}
		at := strings.IndexByte(rows[2], '^')
		if got := rows[1][at:min(len(rows[1]), at+len(strings.TrimLeft(rows[2][at:], " ")))]; got != c.under {
			t.Errorf("column %d: the caret is under %q, want %q\n%s\n%s", c.column, got, c.under, rows[1], rows[2])
		}
	}
}
