// Package visible makes what a terminal would obey or hide visible in text from outside: names of files and pods, what
// plugins and runtimes say, what stands in a configuration. Everything that leaves the program for people passes here:
// a control character could forge a line, a mark of direction could turn one round, a character of no width could hide
// a word from a search.
package visible

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text escapes what cannot be seen, line breaks and tabs aside, in the form of JSON's escapes: "\u202e", "\udb40\udc41"
// for a tag character, "\ufffd" for a byte that is no UTF-8. So the text of a JSON document stays one, and means the
// same. It returns the text itself where there is nothing to escape, and is idempotent. Nothing takes an escape back.
func Text(s string) string { return escape(s, true) }

// Line is Text with line breaks and tabs escaped as well: the result is one line.
func Line(s string) string { return escape(s, false) }

// Bytes is Text of a document. It costs no memory where there is nothing to escape.
func Bytes(b []byte) []byte {
	for i := 0; i < len(b); {
		if c := b[i]; c >= ' ' && c < 0x7f || c == '\n' || c == '\t' {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 || hidden(r) {
			return []byte(Text(string(b)))
		}
		i += n
	}
	return b
}

// Rune is a character of one line as it is shown.
func Rune(r rune) string {
	if r == '\t' || !hidden(r) {
		return string(r)
	}
	return escaped(r)
}

func escape(s string, lines bool) string {
	var b strings.Builder
	from := 0 // what is before it is in b
	for i := 0; i < len(s); {
		if c := s[i]; c >= ' ' && c < 0x7f || lines && (c == '\n' || c == '\t') {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || hidden(r) {
			b.WriteString(s[from:i])
			b.WriteString(escaped(r))
			from = i + n
		}
		i += n
	}
	if from == 0 {
		return s
	}
	return b.String() + s[from:]
}

func escaped(r rune) string {
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// hidden reports whether a character has no shape of its own: controls, marks of direction, what has no width,
// separators of lines, tags. They are Unicode's Default_Ignorable_Code_Point, Bidi_Control, Cc, Zl and Zp.
func hidden(r rune) bool {
	switch {
	case r < ' ', r >= 0x7f && r < 0xa0:
		return true
	case r < 0xad:
		return false
	case r == 0xad, r == 0x34f, r == 0x61c, r >= 0x115f && r <= 0x1160, r >= 0x17b4 && r <= 0x17b5,
		r >= 0x180b && r <= 0x180f, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f,
		r == 0x3164, r >= 0xfe00 && r <= 0xfe0f, r == 0xfeff, r == 0xffa0, r >= 0xfff0 && r <= 0xfffb,
		r >= 0x1bca0 && r <= 0x1bca3, r >= 0x1d173 && r <= 0x1d17a, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}

// NewWriter returns a writer of text that is for people or their tools: it escapes as Bytes does. Each Write is a text
// of its own: no character is to be split between two. With colors the sequences that Paint adds pass; text from
// outside must have been escaped before, since in it they would pass, too.
func NewWriter(w io.Writer, colors bool) io.Writer { return &writer{w, colors} }

type writer struct {
	io.Writer
	colors bool
}

func (w *writer) Write(p []byte) (int, error) {
	out := Bytes
	if w.colors {
		out = painted
	}
	if _, err := w.Writer.Write(out(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
