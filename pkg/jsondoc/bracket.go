package jsondoc

import "fmt"

// open reads an opening bracket.
func (s *scanner) open() {
	if len(s.stack) == maxDepth {
		s.stop(Fault{Rule: "json-not-json", Start: s.at, End: s.at + 1, Cause: fmt.Sprintf("brackets nested deeper than %d", maxDepth), Fix: "no network configuration is this deep"})
		return
	}
	f := frame{open: s.at, indent: s.indent()}
	if s.inObject() {
		f.key = s.key
	}
	s.stack = append(s.stack, f)
	s.last = span{s.at, s.at + 1}
	s.at++
	s.want = wantFirst
}

// close reads a closing bracket, c, with one open at least. Where it does not fit, the count of those that follow
// tells whether it is of the wrong kind, one too many, or whether one before it is missing.
func (s *scanner) close(c byte) {
	top := *s.top()
	if matches(s.text[top.open], c) {
		s.suspicious(top)
		s.pop(top)
		return
	}
	if s.counted++; s.counted > maxFaults { // each count reads to the end of the text
		s.done = true
		return
	}
	depth, follow := len(s.stack), s.netClosers(s.at)
	outer := depth >= 2 && matches(s.text[s.stack[depth-2].open], c)
	switch {
	case outer && s.suspect != nil && follow == depth-1:
		s.missingBracket(s.last.end)
	case outer && (follow == depth-1 || follow != depth && s.firstOnLine() && s.indent() == s.stack[depth-2].indent):
		s.fault(Fault{Rule: "json-unbalanced-bracket", Start: s.last.end, End: s.last.end, Cause: s.frameName(top) + " is never closed", Fix: fmt.Sprintf("put %c here", closer(s.text[top.open]))})
		s.stack = s.stack[:depth-1]
		s.pop(*s.top())
	case follow == depth+1:
		s.fault(Fault{Rule: "json-unbalanced-bracket", Start: s.at, End: s.at + 1, Cause: fmt.Sprintf("%c is one too many", c), Fix: "delete it"})
		s.at++
	default:
		f := Fault{Rule: "json-unbalanced-bracket", Start: s.at, End: s.at + 1, Cause: fmt.Sprintf("%c closes %s", c, s.frameName(top)), Fix: fmt.Sprintf("write %c here", closer(s.text[top.open]))}
		if follow != depth {
			s.stop(f)
			return
		}
		s.fault(f)
		s.pop(top)
	}
}

func (s *scanner) pop(f frame) {
	s.stack = s.stack[:len(s.stack)-1]
	s.last = span{s.at, s.at + 1}
	s.key = f.key
	s.at++
	s.afterValue()
}

func (s *scanner) afterValue() {
	s.want = wantComma
	if len(s.stack) == 0 {
		s.want = wantEnd
	}
}

// suspicious remembers the first closing bracket that stands under an outer opening one: where the count turns out
// wrong later, the bracket before it is the one that is missing.
func (s *scanner) suspicious(top frame) {
	if s.suspect != nil || !s.firstOnLine() || s.line <= top.open || s.indent() == top.indent {
		return
	}
	for i := len(s.stack) - 2; i >= 0 && i > len(s.stack)-6; i-- {
		if s.stack[i].indent == s.indent() && s.text[s.stack[i].open] == s.text[top.open] {
			s.suspect = &suspect{at: s.last.end, frame: top}
			return
		}
	}
}

// missingBracket blames a bracket that was never closed: the one that indentation makes suspect, else the innermost
// one, at the place given.
func (s *scanner) missingBracket(at int) {
	f := *s.top()
	if s.suspect != nil {
		at, f = s.suspect.at, s.suspect.frame
	}
	s.stop(Fault{Rule: "json-unbalanced-bracket", Start: at, End: at, Cause: s.frameName(f) + " is never closed", Fix: fmt.Sprintf("put %c here", closer(s.text[f.open]))})
}

// misplacedKey stands at the colon behind a string that should be no key here: an object's bracket before it is
// missing or of the other kind, or the array before it was never closed. The count of closing brackets tells.
func (s *scanner) misplacedKey() {
	switch follow := s.netClosers(s.at); {
	case follow > len(s.stack):
		s.stop(Fault{Rule: "json-unbalanced-bracket", Start: s.last.start, End: s.last.start, Cause: "no { before the key " + s.quoted(s.last), Fix: "put { here"})
	case follow == len(s.stack) && follow > 0:
		s.wrongOpener()
	case s.comma.start > s.top().open:
		s.missingBracket(s.beforeIt)
	default:
		s.missingBracket(s.last.start)
	}
}

// misplacedValue stands at a bracket that opens a value where a key must stand.
func (s *scanner) misplacedValue() {
	c := s.text[s.at]
	switch follow, depth := s.netClosers(s.at), len(s.stack); {
	case follow == depth:
		s.wrongOpener()
	case follow > depth && s.want == wantKey && s.beforeIt > 0 && s.text[s.beforeIt-1] == ']':
		s.stop(Fault{Rule: "json-unbalanced-bracket", Start: s.beforeIt - 1, End: s.beforeIt, Cause: "] closes " + s.quoted(s.key) + " before its last element", Fix: "delete it"})
	case follow > depth && s.want == wantKey && s.key != (span{}):
		at := s.nextToken(s.key.end) + 1 // behind the colon
		s.stop(Fault{Rule: "json-unbalanced-bracket", Start: at, End: at, Cause: "no [ before the first element of " + s.quoted(s.key), Fix: "put [ here"})
	case s.suspect == nil && s.want == wantFirst:
		s.stop(Fault{Rule: "json-unbalanced-bracket", Start: s.at, End: s.at + 1, Cause: fmt.Sprintf("%c where a key must stand; it is one too many", c), Fix: "delete it"})
	case s.want == wantKey:
		s.missingBracket(s.beforeIt)
	default:
		s.missingBracket(s.last.end)
	}
}

// wrongOpener blames the innermost open bracket for its kind.
func (s *scanner) wrongOpener() {
	open := s.top().open
	right := byte('[')
	if s.text[open] == '[' {
		right = '{'
	}
	s.stop(Fault{Rule: "json-unbalanced-bracket", Start: open, End: open + 1, Cause: fmt.Sprintf("%c opens what %c closes", s.text[open], closer(right)), Fix: fmt.Sprintf("write %c here", right)})
}

// netClosers counts the closing brackets from a place on that nothing behind it opens.
func (s *scanner) netClosers(at int) int {
	s.left.Take(len(s.text) - at)
	n, inString := 0, false
	for i := at; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '\n':
			inString = false
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			n--
		case c == '}' || c == ']':
			n++
		}
	}
	return n
}

func matches(open, c byte) bool { return closer(open) == c }

func closer(open byte) byte {
	if open == '{' {
		return '}'
	}
	return ']'
}

// indent is the white space before the first token of the current line, in bytes.
func (s *scanner) indent() int {
	if s.indented < 0 {
		s.indented = 0
		for i := s.line; i < len(s.text) && (s.text[i] == ' ' || s.text[i] == '\t'); i++ {
			s.indented++
		}
		s.left.Take(s.indented)
	}
	return s.indented
}

// startLine notes that a line begins at an offset.
func (s *scanner) startLine(at int) { s.line, s.indented = at, -1 }

func (s *scanner) firstOnLine() bool { return s.line+s.indent() == s.at }
