package jsondoc

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// quotedToken reads a string in double quotes, or in quotes that JSON does not have; false when none stands here.
func (s *scanner) quotedToken() bool {
	r, n := s.rune(s.at)
	switch {
	case r == '"':
		s.string()
		return !s.done
	case r == '\'' || r == '`':
		return s.otherQuotes(r, n)
	case isSmartQuote(r):
		return s.otherQuotes(r, n)
	}
	return false
}

// string reads a string that a double quote opens.
func (s *scanner) string() {
	start := s.at
	escapes := 0
	for i := start + 1; i < len(s.text); i++ {
		s.left.Take(1)
		switch c := s.text[i]; {
		case c == '"':
			s.last, s.at = span{start, i + 1}, i+1
			return
		case c == '\\':
			n := escapeLen(s.text[i:])
			if n > 0 {
				i += n - 1
				continue
			}
			if i+1 < len(s.text) && s.text[i+1] >= ' ' {
				if escapes++; escapes == 1 {
					_, size := s.rune(i + 1)
					s.fault(Fault{Rule: "json-bad-escape", Start: i, End: i + 1 + size, Cause: s.clip(span{i, min(i+1+size, len(s.text))}) + " is no escape that JSON has", Fix: `write \\ for a backslash`})
				}
				if s.text[i+1] == '\\' || s.text[i+1] == '"' {
					i++
				}
			}
		case c == '\n' || c == '\r':
			if !s.lineBreak(start, i) {
				return
			}
		case c == 0:
			s.nul(i)
			return
		case c == '\'' || c >= utf8.RuneSelf:
			if s.otherClosing(start, i) {
				return
			}
		case c < ' ':
			name, fix := fmt.Sprintf("a control character (%#02x)", c), "delete it"
			if c == '\t' {
				name, fix = "a raw tab", `delete the tab, or write \t`
			}
			s.fault(Fault{Rule: "json-control-char", Start: i, End: i + 1, Cause: name + " inside the string " + s.opening(span{start, i}), Fix: fix})
		}
		if s.done {
			return
		}
	}
	n := len(s.text)
	f := Fault{Rule: "json-truncated", Start: n, End: n, Cause: "the text ends inside the string " + s.opening(span{start, len(s.text)}), Fix: "write the file again to its end (to a temporary file that is then renamed)"}
	if tail := bytes.TrimRight(s.text[start:], " \t\r\n"); len(tail) > 1 && (tail[len(tail)-1] == '}' || tail[len(tail)-1] == ']') {
		f = Fault{Rule: "json-unterminated-string", Start: start, End: start + len(bytes.TrimRight(tail, " }],")), Cause: "the string " + s.opening(span{start, len(s.text)}) + " lacks its closing quote", Fix: "put a double quote where the string ends"}
	}
	s.stop(f)
}

// otherClosing tells whether the quote at i, which JSON does not have, was meant to close the string from start: what
// may follow a string follows it, and the double quotes on the rest of the line come in pairs.
func (s *scanner) otherClosing(start, i int) bool {
	r, n := s.rune(i)
	if r != '\'' && !isSmartQuote(r) || s.tries > maxFaults || !s.closesAt(i+n-1) {
		return false
	}
	s.tries++ // each may read to the end of its line
	pairs := true
	for j := i + n; j < len(s.text) && s.text[j] != '\n'; j++ {
		if s.text[j] == '\\' {
			j++
		} else if s.text[j] == '"' {
			pairs = !pairs
		}
	}
	if !pairs {
		return false
	}
	f := Fault{Rule: "json-smart-quotes", Start: i, End: i + n, Cause: fmt.Sprintf("the typographic quote %c (%U) instead of the closing \"", r, r), Fix: `replace it by a plain "`, Edits: []Edit{{i, i + n, `"`}}}
	if r == '\'' {
		f.Rule, f.Cause, f.Edits = "json-single-quotes", `a single quote instead of the closing "`, nil
	}
	s.fault(f)
	s.last, s.at = span{start, i + n}, i+n
	return true
}

// lineBreak judges a line that ends at i inside the string from start: whether the string goes on behind it, which
// a raw line break says, or was never closed, which a new token at the start of the next line says. It returns
// whether the string goes on.
func (s *scanner) lineBreak(start, i int) bool {
	next := i
	for next < len(s.text) && bytes.IndexByte([]byte(" \t\r\n"), s.text[next]) >= 0 {
		next++
	}
	s.left.Take(next - start)
	content := bytes.TrimRight(s.text[start+1:i], " \t\r")
	bare := bytes.TrimRight(content, " \t,")
	closed := next
	if next < len(s.text) {
		switch c := s.text[next]; {
		case c == '"' && !s.closesAt(next), c == '}', c == ']', c == '{':
		case c == '/' || c == '#':
		default:
			j := bytes.IndexByte(s.text[next:], '"')
			s.left.Take(max(j, 0))
			if j >= 0 && !bytes.Contains(s.text[next:next+j], []byte(": ")) {
				s.fault(Fault{Rule: "json-control-char", Start: i, End: i + 1, Cause: "a raw line break inside the string " + s.opening(span{start, i}), Fix: `join the two lines, or write \n`})
				s.startLine(i + 1)
				return true
			}
			closed = len(s.text)
		}
	} else if !bytes.ContainsAny(content, "}]") {
		s.stop(Fault{Rule: "json-truncated", Start: len(s.text), End: len(s.text), Cause: "the text ends inside the string " + s.opening(span{start, i}), Fix: "write the file again to its end (to a temporary file that is then renamed)"})
		return false
	}
	end := start + 1 + len(bare)
	what := "string"
	if s.want == wantKey || s.want == wantFirst && s.inObject() {
		what = "key"
	}
	f := Fault{Rule: "json-unterminated-string", Start: start, End: end, Cause: "the " + what + " " + s.opening(span{start, end}) + " lacks its closing quote", Fix: "put a double quote after " + s.clip(span{start + 1, end})}
	if what == "key" {
		f.Fix = "put a double quote where the key ends"
	}
	if bytes.ContainsAny(bare, "{}[]") || closed == len(s.text) {
		s.stop(f)
		return false
	}
	s.fault(f)
	s.last, s.at = span{start, end}, end
	if what == "key" {
		s.want = wantComma // the whole member is inside; go on behind it
	}
	return false
}

// closesAt tells whether the quote at i can close a string: what follows it may follow a string.
func (s *scanner) closesAt(i int) bool {
	for i++; i < len(s.text); i++ {
		switch s.text[i] {
		case ' ', '\t', '\r':
			continue
		case ',', '}', ']', ':', '\n':
			return true
		}
		return false
	}
	return true
}

// escapeLen is the length of the escape that text begins with, 0 when JSON does not have it.
func escapeLen(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		for i := 2; i < 6; i++ {
			if i >= len(text) || !isHex(text[i]) {
				return 0
			}
		}
		return 6
	}
	return 0
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// otherQuotes reads a string that opens with a quote JSON does not know, n bytes long.
func (s *scanner) otherQuotes(open rune, n int) bool {
	start := s.at
	smart := isSmartQuote(open)
	end, size := -1, 0
	for i := start + n; i < len(s.text) && s.text[i] != '\n'; {
		r, m := s.rune(i)
		if r == '\\' && i+1 < len(s.text) {
			i += 2
			continue
		}
		if r == open && !smart || smart && (closesSmart(open, r) || r == '"' && s.closesAt(i)) {
			end, size = i, m
			break
		}
		i += m
	}
	rule, what := "json-single-quotes", "single quotes"
	if open == '`' {
		what = "backquotes"
	}
	var edits []Edit
	if smart {
		rule, what = "json-smart-quotes", fmt.Sprintf("the typographic quote %c (%U)", open, open)
		if end >= 0 {
			edits = []Edit{{start, start + n, `"`}, {end, end + size, `"`}}
		}
	}
	f := Fault{Rule: rule, Start: start, End: start + n, Cause: what + ` instead of "`, Fix: fmt.Sprintf(`replace %c by a plain "`, open), Edits: edits}
	if end < 0 {
		s.stop(f)
		return false
	}
	if smart || !s.said.singleQuotes {
		s.fault(f)
	}
	s.said.singleQuotes = s.said.singleQuotes || !smart
	s.last, s.at = span{start, end + size}, end+size
	return !s.done
}

func isSmartQuote(r rune) bool {
	switch r {
	case '“', '”', '„', '‟', '‘', '’', '‚', '«', '»', '″', '＂':
		return true
	}
	return false
}

// closesSmart tells whether a typographic quote is of the kind that opened the string: an apostrophe inside double
// ones is text.
func closesSmart(open, r rune) bool { return isSmartQuote(r) && isSingle(open) == isSingle(r) }

func isSingle(r rune) bool { return r == '‘' || r == '’' || r == '‚' }

// lacksQuote tells whether the last token is a string whose closing quote is really the opening one of the next: a
// word follows it without a gap.
func (s *scanner) lacksQuote() bool {
	if s.at != s.last.end || s.last.end <= s.last.start+1 || s.text[s.last.end-1] != '"' {
		return false
	}
	r, _ := utf8.DecodeRune(s.text[s.at:])
	return r >= 0x80 || isWord(s.text[s.at]) || bytes.IndexByte([]byte("/.-$%@\\<*"), s.text[s.at]) >= 0
}
