package diag

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/visible"
)

// WriteDiff prints what changed between two texts of one file as a unified diff. It looks for the lines that both
// share at the start and the end, and line by line between where their count is the same: enough for small mends.
func WriteDiff(w io.Writer, name string, before, after []byte) {
	const context = 2
	a, b := lines(before), lines(after)
	name = visible.Line(name)
	fmt.Fprintf(w, "--- %s\n+++ %s\n", name, name)
	start := 0
	for start < len(a) && start < len(b) && bytes.Equal(a[start], b[start]) {
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && bytes.Equal(a[endA-1], b[endB-1]) {
		endA, endB = endA-1, endB-1
	}
	for start < endA || start < endB {
		stopA, stopB := endA, endB
		if endA-start == endB-start { // as many lines: one hunk for each run of changed ones
			stopA = start
			for same := 0; stopA < endA && same <= 2*context; stopA++ {
				if same++; !bytes.Equal(a[stopA], b[stopA]) {
					same = 0
				}
			}
			for stopA > start && bytes.Equal(a[stopA-1], b[stopA-1]) {
				stopA--
			}
			stopB = stopA
		}
		from := max(0, start-context)
		toA, toB := min(len(a), stopA+context), min(len(b), stopB+context)
		fmt.Fprintf(w, "@@ -%d,%d +%d,%d @@\n", from+1, toA-from, from+1, toB-from)
		put(w, " ", a[from:start])
		if stopA == stopB {
			for i := start; i < stopA; {
				j := i
				for j < stopA && !bytes.Equal(a[j], b[j]) {
					j++
				}
				put(w, "-", a[i:j])
				put(w, "+", b[i:j])
				for i = j; i < stopA && bytes.Equal(a[i], b[i]); i++ {
					put(w, " ", a[i:i+1])
				}
			}
		} else {
			put(w, "-", a[start:stopA])
			put(w, "+", b[start:stopB])
		}
		put(w, " ", a[stopA:toA])
		if endA-start != endB-start {
			return
		}
		start = stopA
		for start < endA && bytes.Equal(a[start], b[start]) {
			start++
		}
	}
}

func lines(text []byte) [][]byte {
	l := bytes.SplitAfter(text, []byte{'\n'})
	if len(l[len(l)-1]) == 0 {
		l = l[:len(l)-1]
	}
	return l
}

func put(w io.Writer, mark string, lines [][]byte) {
	for _, l := range lines {
		l = bytes.TrimSuffix(l, []byte{'\n'})
		if rest, ok := bytes.CutSuffix(l, []byte{'\r'}); ok {
			fmt.Fprintf(w, "%s%s^M\n", mark, shown(rest)) // else the two sides of a mended line end look the same
			continue
		}
		fmt.Fprintf(w, "%s%s\n", mark, shown(l))
	}
}

// shown is a line as a terminal shows it, its tabs as they are.
func shown(line []byte) string {
	var b strings.Builder
	for _, r := range string(line) {
		b.WriteString(visible.Rune(r))
	}
	return b.String()
}
