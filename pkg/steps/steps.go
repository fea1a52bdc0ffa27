// Package steps bounds what a reader of text does by the length of the text. A loop that moves nowhere, or a cost that grows
// with the square of the text, becomes a panic with a trace in place of a process that never ends.
package steps

import "fmt"

// Left counts down the steps that a reader may still take. Make it with For; it is not safe for concurrent use.
type Left struct{ left, length int }

// base is what even an empty text may cost: reading it begins and ends somewhere.
const base = 256

// For returns the steps for a text of length bytes, perByte for each. perByte is a fact about the reader: how often it
// looks at one byte at most, with a margin, since a text that exceeds it ends the process.
func For(length, perByte int) Left { return Left{base + length*perByte, length} }

// Take counts n steps: one for each turn of a loop that could stand still, and the length of each scan that may be repeated
// over the same bytes. It panics when none are left. It costs an addition and a comparison.
func (l *Left) Take(n int) {
	if l.left -= n; l.left < 0 {
		l.exceeded()
	}
}

func (l *Left) exceeded() {
	panic(fmt.Sprintf("reading %d bytes takes more steps than their length allows: a loop does not end", l.length))
}
