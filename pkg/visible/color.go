package visible

import (
	"bytes"
	"strings"
)

// Clear moves to the upper left corner of a terminal and clears it. No writer of this package lets it pass.
const Clear = "\x1b[H\x1b[2J"

// Paint colours a text, which it makes one line. sgr are parameters of a terminal's Select Graphic Rendition: bold, or
// one of the four bold or plain colours that a writer with colours lets pass.
func Paint(sgr, text string) string { return "\x1b[" + sgr + "m" + Line(text) + "\x1b[0m" }

// painted is Bytes of a document that keeps what Paint adds.
func painted(b []byte) []byte {
	var out []byte
	from := 0 // what is before it is in out
	for i := bytes.IndexByte(b, '\x1b'); i >= 0 && i < len(b); i++ {
		if n := paintLen(b[i:]); n > 0 {
			out = append(append(out, Bytes(b[from:i])...), b[i:i+n]...)
			from = i + n
			i = from - 1
		}
	}
	if from == 0 {
		return Bytes(b)
	}
	return append(out, Bytes(b[from:])...)
}

// paintLen is the length of the sequence of Paint's that a text begins with, 0 where it begins with none.
func paintLen(b []byte) int {
	rest, ok := strings.CutPrefix(string(b[:min(len(b), len("\x1b[1;31m"))]), "\x1b[")
	sgr, _, ended := strings.Cut(rest, "m")
	if !ok || !ended {
		return 0
	}
	switch sgr {
	case "0", "1", "31", "1;31", "1;32", "1;33", "1;36":
		return len("\x1b[") + len(sgr) + len("m")
	}
	return 0
}
