package jsondoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth is encoding/json's own limit of nesting.
const maxDepth = 10000

// Explain returns why encoding/json refuses text, the first fault first; nothing exactly when json.Valid takes it. It reads
// the text once and keeps one byte for each open bracket.
func Explain(text []byte) []Fault {
	if json.Valid(text) {
		return nil
	}
	if f, ok := encodingFault(text); ok {
		return []Fault{f}
	}
	s := &scanner{text: text}
	if s.document(); s.fault == nil {
		// The scanner takes what encoding/json refuses: never silent, at least the parser's own place and words.
		f := parserFault(text)
		s.fault = &f
	}
	return []Fault{*s.fault}
}

func parserFault(text []byte) Fault {
	var v any
	err := json.Unmarshal(text, &v)
	at := len(text)
	if e, ok := err.(*json.SyntaxError); ok {
		at = max(0, int(e.Offset)-1)
	}
	return Fault{"json-not-json", at, min(at+1, len(text)), fmt.Sprint(err), "correct the JSON at this place"}
}

// encodingFault tells files that are wrong before their first token.
func encodingFault(text []byte) (Fault, bool) {
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case len(trimmed) == 0:
		return Fault{"json-empty-file", 0, 0, "the file is empty", "write the configuration again, or restart the add-on that writes it"}, true
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")):
		return Fault{"encoding-bom", 0, 3, "the file starts with a byte order mark", "save it as UTF-8 without BOM"}, true
	case bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) || len(text) > 3 && (text[0] == 0) != (text[1] == 0):
		return Fault{"encoding-utf16", 0, 2, "the file is UTF-16", "save it as UTF-8"}, true
	}
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return Fault{"encoding-nul-bytes", i, i + 1, "a NUL byte: the file was not written to its end", "write the file again"}, true
	}
	for _, mark := range []string{"<<<<<<< ", "=======\n", ">>>>>>> "} {
		if bytes.HasPrefix(text, []byte(mark)) {
			return Fault{"json-merge-conflict", 0, len(mark), "a version-control conflict marker", "settle the conflict"}, true
		}
		if i := bytes.Index(text, []byte("\n"+mark)); i >= 0 {
			return Fault{"json-merge-conflict", i + 1, i + 1 + len(mark), "a version-control conflict marker", "settle the conflict"}, true
		}
	}
	if c := trimmed[0]; c == '<' || c == '-' && bytes.HasPrefix(trimmed, []byte("---")) || bytes.HasPrefix(trimmed, []byte("#!")) || yamlLike(trimmed) {
		at := len(text) - len(trimmed)
		return Fault{"json-not-json", at, at + 1, "the file is no JSON at all", "write a network configuration in JSON"}, true
	}
	return Fault{}, false
}

// yamlLike tells `key: value` at the start of a file.
func yamlLike(text []byte) bool {
	i := 0
	for i < len(text) && isWord(text[i]) {
		i++
	}
	return i > 0 && i+1 < len(text) && text[i] == ':'
}

// scanner walks the tokens of a document until the first one that cannot stand where it stands.
type scanner struct {
	text  []byte
	at    int
	stack []byte // open brackets
	last  string // the last string or word before this place, quoted as written
	fault *Fault
}

func (s *scanner) fail(rule string, start, end int, cause, fix string) {
	if s.fault == nil {
		s.fault = &Fault{rule, start, min(max(end, start), len(s.text)), cause, fix}
	}
}

// document reads one value and what must not follow it.
func (s *scanner) document() {
	s.value()
	for s.fault == nil && len(s.stack) > 0 {
		s.member()
	}
	if s.fault != nil {
		return
	}
	if s.space(); s.fault == nil && s.at < len(s.text) {
		if c := s.text[s.at]; c == '}' || c == ']' {
			s.fail("json-unbalanced-bracket", s.at, s.at+1, fmt.Sprintf("%q closes nothing", c), "remove it")
			return
		}
		s.fail("json-trailing-data", s.at, len(s.text), "something follows the configuration's closing bracket", "remove what follows it")
	}
}

// member reads, inside the innermost bracket, one comma-separated element or the closing bracket.
func (s *scanner) member() {
	open := s.stack[len(s.stack)-1]
	s.space()
	if s.fault != nil || s.ended() {
		return
	}
	first := s.text[s.previous()] == open
	comma := -1
	switch c := s.text[s.at]; {
	case c == '}' || c == ']':
		s.closeBracket(c)
		return
	case c == ',' && first:
		s.fail("json-extra-comma", s.at, s.at+1, fmt.Sprintf("a comma directly after %q", open), "remove the comma")
		return
	case c == ',':
		comma = s.at
		s.at++
		s.space()
	case c == ';':
		s.fail("json-bad-separator", s.at, s.at+1, `";" where a comma belongs`, "write a comma")
		return
	case !first:
		s.fail("json-missing-comma", s.previous()+1, s.previous()+1, "missing comma after "+s.last, "put a comma here")
		return
	}
	if s.fault != nil || s.ended() {
		return
	}
	switch c := s.text[s.at]; {
	case comma >= 0 && (c == '}' || c == ']'):
		s.fail("json-trailing-comma", comma, comma+1, "trailing comma after "+s.last, "remove the comma")
	case c == ',':
		s.fail("json-extra-comma", s.at, s.at+1, "a second comma after "+s.last, "remove the comma")
	case open == '{':
		s.pair()
	default:
		s.value()
	}
}

// pair reads a key and its colon, and its value.
func (s *scanner) pair() {
	start := s.at
	if c := s.text[s.at]; c != '"' {
		if s.odd(); s.fault == nil {
			s.fail("json-unquoted-key", start, s.wordEnd(), "a key without double quotes", `put the key in double quotes`)
		}
		return
	}
	s.string()
	if s.space(); s.fault != nil || s.ended() {
		return
	}
	switch c := s.text[s.at]; c {
	case ':':
		s.at++
		s.value()
	case '=':
		s.fail("json-bad-separator", s.at, s.at+1, `"=" where a colon belongs`, "write a colon")
	default:
		s.fail("json-missing-colon", s.at, s.at+1, "no colon after the key "+s.last, "put a colon between key and value")
	}
}

// value reads one value; of an object or array only the opening bracket.
func (s *scanner) value() {
	if s.space(); s.fault != nil || s.ended() {
		return
	}
	start := s.at
	switch c := s.text[s.at]; {
	case c == '{' || c == '[':
		if len(s.stack) == maxDepth {
			s.fail("json-not-json", start, start+1, fmt.Sprintf("brackets nested deeper than %d", maxDepth), "no network configuration is this deep")
			return
		}
		s.stack = append(s.stack, c)
		s.at++
	case c == '"':
		s.string()
	case c == ',' || c == '}' || c == ']':
		s.fail("json-bad-literal", start, start+1, "no value after "+s.last, "write the value, or remove the key")
	case isWord(c) || c == '-' || c == '+' || c == '.':
		s.literal()
	default:
		if s.odd(); s.fault == nil {
			s.fail("json-bad-literal", start, start+1, fmt.Sprintf("%q cannot start a value", rune(c)), "write a JSON value")
		}
	}
}

func (s *scanner) literal() {
	start, end := s.at, s.wordEnd()
	word := s.text[start:end]
	s.at, s.last = end, shorten(word)
	switch {
	case json.Valid(word):
	case bytes.HasPrefix(word, []byte("__")) || bytes.HasPrefix(word, []byte("$")):
		s.fail("template-unresolved", start, end, "the placeholder "+s.last+" was never replaced", "let the installer write the file again, or put the value in")
	case word[0] >= '0' && word[0] <= '9' || word[0] == '-' || word[0] == '+' || word[0] == '.':
		s.fail("json-bad-number", start, end, s.last+" is no number that JSON has", "write a plain decimal number, or quote it")
	default:
		s.fail("json-bad-literal", start, end, s.last+" is neither true, false nor null, and not quoted", "quote it, or write true, false or null")
	}
}

func (s *scanner) closeBracket(c byte) {
	open := s.stack[len(s.stack)-1]
	if open == '{' && c != '}' || open == '[' && c != ']' {
		s.fail("json-unbalanced-bracket", s.at, s.at+1, fmt.Sprintf("%q where %q belongs", c, map[byte]byte{'{': '}', '[': ']'}[open]), "close the brackets in the order in which they were opened")
		return
	}
	s.stack = s.stack[:len(s.stack)-1]
	s.last = fmt.Sprintf("%q", c)
	s.at++
}

// ended tells the end of the text, which inside a document is a fault.
func (s *scanner) ended() bool {
	if s.at < len(s.text) {
		return false
	}
	s.fail("json-truncated", len(s.text), len(s.text), fmt.Sprintf("the file ends with %d brackets open", len(s.stack)), "write the file again, to its end")
	return true
}

// string reads a string in double quotes.
func (s *scanner) string() {
	start := s.at
	for i := start + 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			s.at, s.last = i+1, shorten(s.text[start:i+1])
			return
		case c == '\n':
			s.fail("json-unterminated-string", start, i, "the string "+shorten(bytes.TrimRight(s.text[start:i], " \t\r,"))+" lacks its closing quote", "close the string on its line")
			return
		case c < ' ':
			s.fail("json-control-char", i, i+1, "a raw control character in a string", `write \t for a tab`)
			return
		case c == '\\':
			if i++; i < len(s.text) && !strings.ContainsRune(`"\/bfnrtu`, rune(s.text[i])) {
				s.fail("json-bad-escape", i-1, i+1, fmt.Sprintf("\\%c is no escape that JSON has", s.text[i]), `write \\ for a backslash`)
				return
			}
		}
	}
	s.fail("json-truncated", len(s.text), len(s.text), "the file ends inside the string "+shorten(s.text[start:]), "write the file again, to its end")
}

// odd blames what people write in the place of a token and JSON does not have.
func (s *scanner) odd() {
	r, n := utf8.DecodeRune(s.text[s.at:])
	rest := s.text[s.at:]
	switch {
	case r == '\'':
		s.fail("json-single-quotes", s.at, s.at+1, "single quotes", `write " instead of '`)
	case strings.ContainsRune("“”„‟‘’«»", r):
		s.fail("json-smart-quotes", s.at, s.at+n, "typographic quotes", `write plain "`)
	case bytes.HasPrefix(rest, []byte("{{")) || bytes.HasPrefix(rest, []byte("{%")) || r == '$':
		s.fail("template-unresolved", s.at, s.wordEnd(), "a template's placeholder was never replaced", "let the installer write the file again, or put the value in")
	}
}

// space skips white space, and blames what only looks like it.
func (s *scanner) space() {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			s.at++
			continue
		case c == '#' || c == '/' && s.at+1 < len(s.text) && (s.text[s.at+1] == '/' || s.text[s.at+1] == '*'):
			s.fail("json-comment", s.at, s.at+1, "a comment: JSON has none", "remove the comment")
		case c >= utf8.RuneSelf:
			if r, n := utf8.DecodeRune(s.text[s.at:]); strings.ContainsRune("\u00a0\u200b\u200c\u200d\u2060\ufeff\u2028\u2029\u3000", r) || r >= 0x2000 && r <= 0x200a {
				s.fail("json-invisible-char", s.at, s.at+n, fmt.Sprintf("an invisible character (%U) between tokens", r), "remove it, or type a plain space")
			}
		}
		return
	}
}

// previous is the offset of the last byte before this place that is not white space.
func (s *scanner) previous() int {
	i := s.at - 1
	for i > 0 && strings.IndexByte(" \t\r\n", s.text[i]) >= 0 {
		i--
	}
	return max(i, 0)
}

func (s *scanner) wordEnd() int {
	i := s.at
	for i < len(s.text) && (isWord(s.text[i]) || strings.IndexByte("-+.$%", s.text[i]) >= 0) {
		i++
	}
	return max(i, s.at+1)
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// shorten keeps a quoted token short enough for the first line that people read.
func shorten(b []byte) string {
	const limit = 40
	if len(b) <= limit {
		return strings.ToValidUTF8(string(b), "?")
	}
	return strings.ToValidUTF8(string(b[:limit]), "") + "…"
}
