package visible

import "strings"

// Clear moves to the upper left corner of a terminal and clears it.
const Clear = "\x1b[H\x1b[2J"

// Paint colours a text, which it makes one line; sgr are parameters of a terminal's Select Graphic Rendition, one of those below.
func Paint(sgr, text string) string { return "\x1b[" + sgr + "m" + Line(text) + "\x1b[0m" }

// Colored gives an escaped text back what Paint adds, and Clear.
func Colored(s string) string {
	if !strings.Contains(s, `\u001b`) {
		return s
	}
	for _, c := range [...]string{"\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[1;31m", "\x1b[1;32m", "\x1b[1;33m", "\x1b[1;36m", Clear} {
		s = strings.ReplaceAll(s, Line(c), c)
	}
	return s
}
