// Package secret finds the values of a configuration that must not leave it, and hides them in whatever is shown: a
// line of the file, the cause of a fault, the words of a plugin. It recognises them by their key ("password",
// "ipsecKey") and by their shape ("ghp_…", a JSON Web Token, a block in PEM). Everything takes time linear in the
// length of the text.
package secret

import "strings"

// span is a run of bytes to hide.
type span struct{ start, end int }

// Mask hides the secrets in prose, each behind three stars: `"token": "abc"`, `password=abc`, `Bearer abc`, `--token
// abc`, user:password@ in an address, PEM blocks, tokens of known shapes. "cannot read secret: permission denied" is
// left as it is.
//
// It never panics: of a text that cannot be read in the steps that its length allows, the rest is hidden.
func Mask(s string) string { return replaced(s, find(s, true)) }

// replaced is a text with three stars for each span.
func replaced(s string, spans []span) string {
	if len(spans) == 0 {
		return s
	}
	var b strings.Builder
	at := 0
	for _, x := range spans {
		b.WriteString(s[at:x.start])
		b.WriteString("***")
		at = x.end
	}
	return b.String() + s[at:]
}

// Bytes hides the secrets of a configuration, valid JSON or not, or of a manifest. Every byte of a secret becomes a
// star, but for white space, so that offsets and lines stay what they are. The text itself is returned where it holds
// none.
func Bytes(text []byte) []byte {
	var out []byte
	for _, x := range find(string(text), false) {
		if out == nil {
			out = append(out, text...)
		}
		for i := x.start; i < x.end; i++ {
			if !isSpace(out[i]) {
				out[i] = '*'
			}
		}
	}
	if out == nil {
		return text
	}
	return out
}

// Runes is Bytes with one star for each code point, so that columns stay what they are.
func Runes(text []byte) []byte {
	var out []byte
	at := 0
	s := string(text)
	for _, x := range find(s, false) {
		out = append(out, text[at:x.start]...)
		for _, r := range s[x.start:x.end] {
			if r < 0x80 && isSpace(byte(r)) {
				out = append(out, byte(r))
			} else {
				out = append(out, '*')
			}
		}
		at = x.end
	}
	if at == 0 {
		return text
	}
	return append(out, text[at:]...)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
