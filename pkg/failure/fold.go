package failure

import (
	"strings"
	"unicode/utf8"
)

// maxText bounds the bytes of a text that are looked at: a plugin may print without end. Of a longer text its head
// and its tail are read, the cause stands at one of them.
const maxText = 16 << 10

// fold brings a text into the form in which words are written: lower case, " for every quotation mark, escapes of
// nested quoting undone, runs of blanks one blank. Lines stay lines; an escaped newline becomes a blank, for what is
// quoted is one message. An apostrophe between letters stays.
func fold(text string) string {
	if len(text) > maxText {
		text = text[:maxText/2] + "\n" + text[len(text)-maxText/2:]
	}
	out := make([]byte, 0, len(text))
	put := func(c byte) {
		if c == ' ' && (len(out) == 0 || out[len(out)-1] == ' ' || out[len(out)-1] == '\n') {
			return
		}
		out = append(out, c)
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			n := i + 1
			for n < len(text) && text[n] == '\\' {
				n++
			}
			switch {
			case n == len(text):
			case text[n] == '"' || text[n] == '\'':
			case (text[n] == 'n' || text[n] == 't' || text[n] == 'r') && !pathLike(text, i, n):
				put(' ')
				n++
			case strings.HasPrefix(text[n:], "u003c"), strings.HasPrefix(text[n:], "u003e"), strings.HasPrefix(text[n:], "u0026"):
				put(map[byte]byte{'c': '<', 'e': '>', '6': '&'}[text[n+4]])
				n += 5
			default:
				put('\\')
			}
			i = n - 1
		case c == '#' && strings.HasPrefix(text[i:], "#012"): // syslog's newline
			put(' ')
			i += 3
		case c == '\'' && letter(text, i-1) && letter(text, i+1):
			put('\'')
		case c == '\'' || c == '`':
			put('"')
		case c == '\n':
			if n := len(out); n > 0 && out[n-1] == ' ' {
				out = out[:n-1]
			}
			out = append(out, '\n')
		case c <= ' ' || c == 0x7f:
			put(' ')
		case 'A' <= c && c <= 'Z':
			put(c + 'a' - 'A')
		case c < utf8.RuneSelf:
			put(c)
		default:
			r, size := utf8.DecodeRuneInString(text[i:])
			switch r {
			case '‘', '’', '“', '”', '„', '«', '»':
				put('"')
			case '\u00a0':
				put(' ')
			default:
				out = append(out, text[i:i+size]...)
			}
			i += size - 1
		}
	}
	return string(out)
}

// pathLike tells whether the backslash at i is part of a Windows path rather than an escape: one backslash behind a
// drive's colon, a letter or another path's end. Of escapes only those before a lower-case word's rest are in doubt.
func pathLike(text string, i, n int) bool {
	return n-i == 1 && i > 0 && text[i-1] == ':' && i > 1 && letter(text, i-2) && (i == 2 || !letter(text, i-3))
}

func letter(text string, i int) bool {
	return i >= 0 && i < len(text) && ('a' <= text[i]|0x20 && text[i]|0x20 <= 'z')
}
