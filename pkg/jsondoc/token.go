package jsondoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// readKey stands where an object's key must stand.
func (s *scanner) readKey() {
	start := s.at
	c := s.text[s.at]
	if c == '{' || c == '[' {
		s.misplacedValue()
		return
	}
	if s.quotedToken() {
		s.key = s.last
		if s.want != wantComma { // not a member that lost its quote and was read to the end of its line
			s.want = wantColon
		}
		return
	}
	if s.done {
		return
	}
	if i := s.keyEnd(start); i > start {
		cause, fix := fmt.Sprintf("the key %s is not quoted", s.clip(span{start, i})), "put the key in double quotes"
		if i < len(s.text) && s.text[i] == '"' {
			cause, fix = fmt.Sprintf("the key %s lacks its opening quote", s.clip(span{start, i})), "put a double quote before it"
			i++
		}
		s.fault(Fault{Rule: "json-unquoted-key", Start: start, End: i, Cause: cause, Fix: fix})
		s.key, s.last, s.at = span{start, i}, span{start, i}, i
		s.want = wantColon
		return
	}
	if w := s.word(start); len(w) > 0 {
		s.stop(Fault{Rule: "json-unquoted-key", Start: start, End: start + len(w), Cause: s.clip(span{start, start + len(w)}) + " where a key in double quotes must stand", Fix: "write a key, or delete it"})
		return
	}
	s.unexpected("a key in double quotes")
}

// keyEnd is the end of a bare word that is used as a key: one that a colon, an equals sign or a quote follows.
func (s *scanner) keyEnd(at int) int {
	i := at
	for i < len(s.text) && (isWord(s.text[i]) || s.text[i] == '-' || s.text[i] == '.') {
		i++
	}
	j := i
	for j < len(s.text) && (s.text[j] == ' ' || s.text[j] == '\t') {
		j++
	}
	if i > at && j < len(s.text) && (s.text[j] == ':' || s.text[j] == '=' || s.text[i] == '"') {
		return i
	}
	return at
}

func (s *scanner) wordIsKey() bool { return s.keyEnd(s.at) > s.at }

// value stands where a value must stand.
func (s *scanner) value() {
	start := s.at
	switch c := s.text[s.at]; {
	case c == '{' && s.template(): // before the bracket that it looks like
		s.afterValue()
	case s.done:
	case c == '{' || c == '[':
		s.open()
	case c == ',' && len(s.stack) == 0:
		s.fault(Fault{Rule: "json-extra-comma", Start: start, End: start + 1, Cause: "comma before the first token", Fix: "delete the comma"})
		s.at++
	case c == ',':
		s.fault(Fault{Rule: "json-extra-comma", Start: start, End: start + 1, Cause: "comma where the value of " + s.quoted(s.key) + " must stand", Fix: "write the value, or delete the key"})
		s.afterValue()
	case c == '}' || c == ']':
		if len(s.stack) == 0 {
			s.stop(Fault{Rule: "json-unbalanced-bracket", Start: start, End: start + 1, Cause: fmt.Sprintf("%c closes nothing", c), Fix: "delete it"})
			return
		}
		s.fault(Fault{Rule: "json-missing-value", Start: start, End: start + 1, Cause: "no value after the key " + s.quoted(s.key), Fix: "write the value, or delete the key"})
		s.afterValue()
	case c == ':' && s.want == wantValue && len(s.stack) > 0:
		s.fault(Fault{Rule: "json-bad-separator", Start: start, End: start + 1, Cause: "second colon after " + s.quoted(s.key), Fix: "delete it"})
		s.at++
	case s.quotedToken():
		s.afterValue()
	case s.done:
	case s.template():
		s.afterValue()
	case s.done:
	case isWord(c) || c == '-' || c == '+' || c == '.':
		s.bareValue()
	default:
		s.unexpected("a value")
	}
}

// bareValue reads a number, a literal, or a word that is neither.
func (s *scanner) bareValue() {
	start := s.at
	end := start
	for end < len(s.text) && !bytes.ContainsRune([]byte(" \t\r\n,:{}[]\"'"), rune(s.text[end])) && s.text[end] >= ' ' {
		end++
	}
	for i, c := range s.text[start:end] {
		if c >= utf8.RuneSelf {
			if json.Valid(s.text[start : start+i]) { // an invisible or a wide character behind it
				end = start + i
			}
			break
		}
	}
	if word := s.text[start:end]; json.Valid(word) {
		s.take(start, end)
		return
	}
	if i := bytes.IndexByte(s.text[start:end], '#'); i > 0 { // a remark directly behind the value
		end = start + i
	} else if i := bytes.IndexByte(s.text[start:end], '/'); i > 0 && start+i+1 < len(s.text) && (s.text[start+i+1] == '/' || s.text[start+i+1] == '*') && json.Valid(s.text[start:start+i]) {
		end = start + i
	}
	if i := bytes.IndexByte(s.text[start:end], ';'); i > 0 {
		end = start + i
	}
	word := s.text[start:end]
	switch {
	case json.Valid(word):
	case numberLike(word):
		s.fault(Fault{Rule: "json-bad-number", Start: start, End: end, Cause: s.clip(span{start, start + len(word)}) + " is no number that JSON has", Fix: numberFix(s.shown(span{start, end}))})
	default:
		f := Fault{Rule: "json-bad-literal", Start: start, End: end, Cause: s.clip(span{start, start + len(word)}) + " is neither true, false, null nor a string in quotes", Fix: literalFix(word)}
		// A string without quotes may go on to the end of its line; one that lacks only the first ends at the second.
		if i := end; i < len(s.text) && s.text[i] == '"' {
			end = i + 1
			f.Cause, f.Fix = "the string "+s.clip(span{start, start + len(word)})+"\" lacks its opening quote", "put a double quote before it"
		} else if i < len(s.text) && s.text[i] == ':' && !s.inObject() {
			s.fault(f)
			s.done = true
			return
		} else {
			for end < len(s.text) && !bytes.ContainsRune([]byte(",{}[]\"\n"), rune(s.text[end])) {
				end++
			}
			end = start + len(bytes.TrimRight(s.text[start:end], " \t\r"))
		}
		s.fault(f)
	}
	s.take(start, end)
}

// take steps over a value.
func (s *scanner) take(start, end int) {
	s.last = span{start, end}
	s.at = end
	s.afterValue()
}

// numberLike tells the number forms that people write and JSON lacks from strings that begin with a digit.
func numberLike(word []byte) bool {
	w := bytes.TrimLeft(word, "+-")
	if len(w) == 0 {
		return len(word) > 0
	}
	if len(w) > 2 && w[0] == '0' && (w[1]|0x20 == 'x' || w[1]|0x20 == 'o' || w[1]|0x20 == 'b') {
		return len(bytes.Trim(w[2:], "0123456789abcdefABCDEF_")) == 0
	}
	dots, digits := 0, 0
	for i, c := range w {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '.':
			dots++
		case (c == 'e' || c == 'E') && digits > 0 && i == bytes.IndexAny(w, "eE"):
		case (c == '+' || c == '-') && w[i-1]|0x20 == 'e':
		case c == '_':
		default:
			return false
		}
	}
	return digits > 0 && dots <= 1
}

func numberFix(word []byte) string {
	var n int64
	if _, err := fmt.Sscanf(string(word), "0x%x", &n); err == nil && len(word) < 18 {
		return fmt.Sprintf("write %d", n)
	}
	return "write a plain decimal number, as 1500 or 0.5"
}

func literalFix(word []byte) string {
	switch string(bytes.ToLower(word)) {
	case "true", "yes", "on":
		return "write true"
	case "false", "no", "off":
		return "write false"
	case "none", "nil", "null", "undefined", "nan":
		return "write null, or delete the member"
	}
	return "put it in double quotes"
}

// unexpected blames a byte that no reading explains.
func (s *scanner) unexpected(wanted string) {
	r, n := s.rune(s.at)
	rule := "json-bad-literal"
	if wanted != "a value" {
		rule = "json-unquoted-key"
	}
	if r == 0xfffd && n == 1 {
		s.stop(Fault{Rule: "encoding-invalid-utf8", Start: s.at, End: s.at + 1, Cause: fmt.Sprintf("the byte %#02x, which is no UTF-8, where %s must stand", s.text[s.at], wanted), Fix: "save the file as UTF-8"})
		return
	}
	s.stop(Fault{Rule: rule, Start: s.at, End: s.at + n, Cause: fmt.Sprintf("%q where %s must stand", r, wanted), Fix: "write " + wanted + ", or delete it"})
}
