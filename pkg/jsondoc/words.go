package jsondoc

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cni-shim/cni-shim/pkg/secret"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

// The words of causes: tokens as an admin recognises them, short enough for the first line that people read, and
// never a secret.

// lastName names the last token: a scalar by its text, a closed bracket by the key it belongs to.
func (s *scanner) lastName() string {
	c := s.text[s.last.start]
	if c == '}' || c == ']' {
		switch {
		case s.key != (span{}):
			return "the value of " + s.quoted(s.key)
		case len(s.stack) > 0 && s.top().key != (span{}):
			return "an element of " + s.quoted(s.top().key)
		}
		return "the closing " + string(c)
	}
	if s.inObject() && s.last != s.key && secret.Key(string(s.slice(s.key))) {
		return "the value of " + s.quoted(s.key)
	}
	return s.clip(s.last)
}

// frameName names an open bracket by its key.
func (s *scanner) frameName(f frame) string {
	what := "the object"
	if s.text[f.open] == '[' {
		what = "the array"
	}
	if f.key != (span{}) {
		return what + " " + s.quoted(f.key)
	}
	for i, g := range s.stack {
		if g.open == f.open && i > 0 && s.stack[i-1].key != (span{}) {
			return "an element of " + s.quoted(s.stack[i-1].key)
		}
	}
	if f.indent == 0 && len(s.stack) > 0 && s.stack[0].open == f.open {
		return "the configuration"
	}
	return what + " that opens " + s.lineOf(f.open)
}

func (s *scanner) lineOf(at int) string {
	return fmt.Sprintf("in line %d", bytes.Count(s.text[:at], []byte{'\n'})+1)
}

func (s *scanner) slice(p span) []byte { return s.text[p.start:p.end] }

// rune is utf8.DecodeRune at a place inside the text.
func (s *scanner) rune(at int) (rune, int) {
	if at >= len(s.text) {
		return 0, 0
	}
	return utf8.DecodeRune(s.text[at:])
}

// word is the run of word bytes at a place.
func (s *scanner) word(at int) []byte {
	i := at
	for i < len(s.text) && isWord(s.text[i]) {
		i++
	}
	return s.text[at:i]
}

// nextToken is the first offset from a place on that holds no white space.
func (s *scanner) nextToken(at int) int {
	for at < len(s.text)-1 && bytes.IndexByte([]byte(" \t\r\n"), s.text[at]) >= 0 {
		at++
	}
	return at
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// shown is a part of the text as it may be told: with secrets hidden.
func (s *scanner) shown(p span) []byte {
	if s.masked == nil {
		s.masked = secret.Bytes(s.text)
	}
	return s.masked[p.start:p.end]
}

// clip keeps a token as it is written, in one short line.
func (s *scanner) clip(p span) string { return clip(s.shown(p)) }

// quoted is a token in double quotes, whatever quotes it has in the text.
func (s *scanner) quoted(p span) string {
	b := s.shown(p)
	r, n := utf8.DecodeRune(b)
	if r == '"' || r == '\'' || r == '`' || isSmartQuote(r) {
		b = b[n:]
	}
	if r, n := utf8.DecodeLastRune(b); r == '"' || r == '\'' || r == '`' || isSmartQuote(r) {
		b = b[:len(b)-n]
	}
	return `"` + clip(b) + `"`
}

// opening is the beginning of a string whose end is not known; of an empty one its quote.
func (s *scanner) opening(p span) string {
	b := s.shown(p)
	if c := bytes.TrimRight(bytes.TrimSuffix(b, []byte{'"'}), " \t\r\n,:"); len(c) > 0 {
		b = c
	}
	return clip(b)
}

func clip(b []byte) string {
	const limit = 40
	more := ""
	if len(b) > limit {
		b, more = b[:limit], "…"
		for len(b) > 0 && !utf8.Valid(b) && len(b) > limit-utf8.UTFMax {
			b = b[:len(b)-1]
		}
	}
	return visible.Line(strings.Map(func(r rune) rune {
		if r < ' ' || isInvisible(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(b), "\ufffd"))) + more
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
