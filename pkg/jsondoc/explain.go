package jsondoc

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/steps"
)

// Explain returns why encoding/json refuses text, the first fault first; nothing exactly when json.Valid takes it.
// Further faults are told only where the text between them can be read with certainty. It takes linear time, one
// frame for each open bracket, and stops after a few faults, so a hostile text costs no more than a valid one.
func Explain(text []byte) []Fault {
	if json.Valid(text) {
		return nil
	}
	return explain(text, maxFaults)
}

func explain(text []byte, limit int) []Fault {
	s := &scanner{text: text, limit: limit, indented: -1, left: steps.For(len(text), perByte)}
	if !s.foreign() {
		s.document()
	}
	if len(s.faults) == 0 {
		s.parserFault()
	}
	return s.faults
}

// parserFault is the last resort: the scanner takes what encoding/json refuses, so the parser's own place and words.
func (s *scanner) parserFault() {
	var v any
	err := json.Unmarshal(s.text, &v)
	at := len(s.text)
	if e, ok := err.(*json.SyntaxError); ok {
		at = max(0, min(int(e.Offset)-1, at))
	}
	s.fault(Fault{Rule: "json-not-json", Start: at, End: min(at+1, len(s.text)), Cause: fmt.Sprint(err), Fix: "correct the JSON at this place"})
}

// want is what the grammar asks for at the scanner's place.
type want uint8

const (
	wantValue   want = iota // at the top, or after a colon
	wantFirst               // directly after an opening bracket
	wantKey                 // after a comma in an object
	wantElement             // after a comma in an array
	wantColon               // after a key
	wantComma               // after a value inside a bracket
	wantEnd                 // after the top-level value
)

// frame is an open bracket.
type frame struct {
	open   int  // its offset
	key    span // of the member whose value it is; empty for an element
	indent int  // white space before the first token of its line, in bytes
}

type span struct{ start, end int }

// scanner walks the tokens of a text, noting what cannot stand where it stands.
type scanner struct {
	text   []byte
	masked []byte // text without secrets, once something of it is told; see shown
	at     int
	want   want
	stack  []frame
	faults []Fault
	limit  int  // of faults
	unsure int  // faults that somebody must decide; see fault
	done   bool // no certain reading goes on from here
	left   steps.Left

	line     int  // offset of the first byte of the current line
	indented int  // white space that it begins with, in bytes, once it is asked for; -1 before
	key      span // of the member being read
	last     span // the last token
	comma    span // the last comma, or what stands for one
	beforeIt int  // end of the token before that comma
	suspect  *suspect
	tries    int                                   // of quotes that may close a string
	counted  int                                   // how often closing brackets that do not fit were counted
	conflict bool                                  // between the first and the last marker of a version-control conflict
	tagged   bool                                  // a template's tag was met: only its engine knows which of the commas behind it stay
	said     struct{ singleQuotes, conflict bool } // told once a file
}

// suspect is a closing bracket whose indentation says that it was meant for an outer one.
type suspect struct {
	at    int // end of the token before it
	frame frame
}

// fault notes f; the scanner goes on, until there are too many of those that nothing mends: each may have read ahead.
func (s *scanner) fault(f Fault) {
	if s.tagged && strings.HasSuffix(f.Rule, "-comma") {
		return
	}
	if len(s.faults) < s.limit {
		f.End = min(max(f.End, f.Start), len(s.text))
		s.faults = append(s.faults, f)
	}
	if len(f.Edits) == 0 {
		s.unsure++
	}
	if len(s.faults) >= s.limit || s.unsure >= maxFaults {
		s.done = true
	}
}

// stop notes f as the last fault that can be told.
func (s *scanner) stop(f Fault) {
	s.fault(f)
	s.done = true
}

// document reads the whole text.
func (s *scanner) document() {
	for {
		s.left.Take(1)
		if s.space(); s.done {
			return
		}
		if s.at >= len(s.text) {
			s.end()
			return
		}
		switch s.want {
		case wantFirst, wantKey, wantElement:
			s.member()
		case wantColon:
			s.colon()
		case wantComma:
			s.separator()
		case wantEnd:
			s.trailing()
		default:
			s.value()
		}
		if s.done {
			return
		}
	}
}

// top is the innermost open bracket; there is one wherever it is called.
func (s *scanner) top() *frame { return &s.stack[len(s.stack)-1] }

func (s *scanner) inObject() bool { return len(s.stack) > 0 && s.text[s.top().open] == '{' }

// member stands after an opening bracket or a comma: a key or an element, or what should not be there.
func (s *scanner) member() {
	switch c := s.text[s.at]; {
	case (c == '}' || c == ']') && s.want == wantFirst:
		s.close(c)
	case c == '}' || c == ']':
		s.fault(Fault{"json-trailing-comma", s.comma.start, s.comma.end, "trailing comma after " + s.lastName(), "delete the comma", []Edit{{s.comma.start, s.comma.end, ""}}})
		s.close(c)
	case c == ',' && s.want == wantFirst:
		s.fault(Fault{Rule: "json-extra-comma", Start: s.at, End: s.at + 1, Cause: fmt.Sprintf("comma directly after %c", s.text[s.top().open]), Fix: "delete the comma"})
		s.at++
	case c == ',':
		s.fault(Fault{Rule: "json-extra-comma", Start: s.at, End: s.at + 1, Cause: "second comma after " + s.lastName(), Fix: "delete one of the two commas"})
		s.at++
	case s.inObject():
		s.readKey()
	default:
		s.value()
	}
}

// colon stands after a key.
func (s *scanner) colon() {
	key := s.quoted(s.key)
	r, n := s.rune(s.at)
	switch {
	case r == ':':
		s.at++
		s.want = wantValue
	case r == '=' || r == '：':
		if s.at+1 < len(s.text) && r == '=' && (s.text[s.at+1] == '>' || s.text[s.at+1] == '=') {
			n++
		}
		s.fault(Fault{Rule: "json-bad-separator", Start: s.at, End: s.at + n, Cause: fmt.Sprintf("%s instead of a colon after %s", s.text[s.at:s.at+n], key), Fix: "replace it by a colon"})
		s.at += n
		s.want = wantValue
	case s.lacksQuote():
		s.stop(Fault{Rule: "json-unterminated-string", Start: s.key.start, End: s.key.end, Cause: "the key " + s.opening(s.key) + " lacks its closing quote", Fix: "put a double quote before its colon"})
	case r == '"' || r == '{' || r == '[' || isWord(byte(r)) && r < 0x80 || r == '-':
		s.fault(Fault{Rule: "json-missing-colon", Start: s.key.end, End: s.key.end, Cause: "no colon after the key " + key, Fix: "put a colon between key and value"})
		s.want = wantValue
	default:
		s.stop(Fault{Rule: "json-missing-colon", Start: s.key.end, End: s.key.end, Cause: "no colon and no value after the key " + key, Fix: "put a colon and a value after the key"})
	}
}

// separator stands after a value inside a bracket.
func (s *scanner) separator() {
	r, n := s.rune(s.at)
	switch {
	case r == ',':
		s.nextMember(1)
	case r == '}' || r == ']':
		s.close(byte(r))
	case r == ';' || r == '，' || r == '、':
		s.fault(Fault{Rule: "json-bad-separator", Start: s.at, End: s.at + n, Cause: fmt.Sprintf("%c instead of a comma after %s", r, s.lastName()), Fix: "replace it by a comma"})
		s.nextMember(n)
	case r == ':' && (!s.inObject() || s.netClosers(s.at) > len(s.stack)):
		s.misplacedKey()
	case r == ':' || r == '=':
		s.stop(Fault{Rule: "json-bad-separator", Start: s.at, End: s.at + n, Cause: fmt.Sprintf("%c after the value %s", r, s.lastName()), Fix: "put a comma between two members, and a colon only after a key"})
	case s.lacksQuote():
		s.stop(Fault{Rule: "json-unterminated-string", Start: s.last.start, End: s.last.end, Cause: "the string " + s.opening(s.last) + " lacks its closing quote, or has one too early", Fix: `close the string where it ends; write \" for a quote inside it`})
	case (r == '{' || r == '[') && s.inObject():
		s.missingBracket(s.last.end)
	default:
		s.fault(Fault{Rule: "json-missing-comma", Start: s.last.end, End: s.last.end, Cause: "missing comma after " + s.lastName(), Fix: "put a comma here"})
		s.comma, s.beforeIt = span{s.at, s.at}, s.last.end
		s.want = wantElement
		if s.inObject() {
			s.want = wantKey
			if isWord(s.text[s.at]) && !s.wordIsKey() {
				s.done = true
			}
		}
	}
}

// nextMember steps over a comma, n bytes long.
func (s *scanner) nextMember(n int) {
	s.comma, s.beforeIt = span{s.at, s.at + n}, s.last.end
	s.at += n
	s.want = wantElement
	if s.inObject() {
		s.want = wantKey
	}
}

// trailing stands after the top-level value.
func (s *scanner) trailing() {
	c := s.text[s.at]
	if c == ':' && s.text[s.last.start] == '"' && s.netClosers(s.at) > 0 {
		s.misplacedKey()
		return
	}
	if c == '}' || c == ']' {
		s.stop(Fault{Rule: "json-unbalanced-bracket", Start: s.at, End: s.at + 1, Cause: fmt.Sprintf("%c closes nothing", c), Fix: "delete it, or find the bracket that was closed too early"})
		return
	}
	at := s.last.start
	if s.suspect != nil {
		at = s.nextToken(s.suspect.at)
	}
	if (c == ',' || c == '"') && (s.text[at] == '}' || s.text[at] == ']') && s.netClosers(s.at) > 0 {
		s.stop(Fault{Rule: "json-unbalanced-bracket", Start: at, End: at + 1, Cause: fmt.Sprintf("%c closes a bracket too early: the configuration goes on behind its end", s.text[at]), Fix: "delete the closing bracket that is too many"})
		return
	}
	what := "something follows the end of the configuration"
	if c == '{' || c == '[' {
		what = "a second document follows the end of the configuration"
	} else if w := s.word(s.at); len(w) > 0 {
		what = s.quoted(span{s.at, s.at + len(w)}) + " follows the end of the configuration"
	}
	s.stop(Fault{Rule: "json-trailing-data", Start: s.at, End: s.lineEnd(s.at), Cause: what, Fix: "delete what follows the closing bracket"})
}

// end is the end of the text.
func (s *scanner) end() {
	if s.want == wantEnd {
		return
	}
	if s.suspect != nil && len(s.stack) > 0 {
		s.missingBracket(len(s.text))
		return
	}
	n, where := len(s.text), "before its value"
	if len(s.stack) > 0 {
		where = "inside " + s.frameName(*s.top())
	}
	s.stop(Fault{Rule: "json-truncated", Start: n, End: n, Cause: fmt.Sprintf("the text ends %s, %s open", where, plural(len(s.stack), "bracket")), Fix: "write the file again to its end (to a temporary file that is then renamed)"})
}
