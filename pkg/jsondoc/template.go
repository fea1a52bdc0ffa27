package jsondoc

import (
	"bytes"
	"fmt"

	"github.com/cni-shim/cni-shim/pkg/steps"
)

const templateFix = "let the installer write the file again, or put the value in"

// Placeholder finds the first place in b that an installer or a template engine would have replaced: __X__, {{ }},
// {% %}, ${X}, $(X), $X, <% %>. ok is false when there is none.
func Placeholder(b []byte) (start, end int, ok bool) {
	left := steps.For(len(b), 2*far)
	for i := 0; i < len(b); i++ {
		if b[i] == '_' && i > 0 && isWord(b[i-1]) {
			continue
		}
		if n := placeholderLen(b[i:], &left); n > 0 {
			return i, i + n, true
		}
	}
	return 0, 0, false
}

// PlaceholderAt returns the length of the placeholder that b begins with, 0 for none.
func PlaceholderAt(b []byte) int {
	left := steps.For(min(len(b), far), 1)
	return placeholderLen(b[:min(len(b), far)], &left)
}

// placeholderLen is the length of the placeholder that b begins with, 0 for none.
func placeholderLen(b []byte, left *steps.Left) int {
	left.Take(1)
	if len(b) < 4 {
		return 0
	}
	switch {
	case b[0] == '{' && b[1] == '{' && b[2] != '{':
		return through(b, "}}", left)
	case b[0] == '{' && b[1] == '%':
		return through(b, "%}", left)
	case b[0] == '<' && b[1] == '%':
		return through(b, "%>", left)
	case b[0] == '$' && b[1] == '{' && (isWord(b[2]) || b[2] == '{'):
		return through(b, "}", left)
	case b[0] == '$' && b[1] == '(' && isWord(b[2]):
		return through(b, ")", left)
	case b[0] == '$' && isUpper(b[1]) && (isUpper(b[2]) || b[2] == '_'):
		return shellVariable(b)
	case b[0] == '_' && b[1] == '_' && isUpper(b[2]):
		i := 2
		for i < len(b) && (isUpper(b[i]) || b[i] == '_' || b[i] >= '0' && b[i] <= '9') {
			i++
		}
		left.Take(i)
		if i > 4 && b[i-1] == '_' && b[i-2] == '_' && (i == len(b) || !isWord(b[i])) {
			return i
		}
	}
	return 0
}

// far is the length of the longest placeholder, in bytes: a name or a short expression.
const far = 500

// through is the length of b up to and with its first end on the same line, 0 without one.
func through(b []byte, end string, left *steps.Left) int {
	b = b[:min(len(b), far)]
	left.Take(len(b))
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	if i := bytes.Index(b[2:], []byte(end)); i >= 0 {
		return 2 + i + len(end)
	}
	return 0
}

// template reads a placeholder that stands for a value, with the word that goes on behind it.
func (s *scanner) template() bool {
	n := placeholderLen(s.text[s.at:], &s.left)
	if n == 0 {
		if n = shellVariable(s.text[s.at:]); n == 0 {
			return false
		}
	}
	start := s.at
	s.unresolved(n)
	for s.at < len(s.text) && (isWord(s.text[s.at]) || bytes.IndexByte([]byte("./-"), s.text[s.at]) >= 0) {
		s.at++
	}
	s.last = span{start, s.at}
	return true
}

// templateTag skips a tag that stands between two members: {{- if … }}, {% for … %}.
func (s *scanner) templateTag() bool {
	n := placeholderLen(s.text[s.at:], &s.left)
	if n == 0 {
		return false
	}
	s.unresolved(n)
	s.tagged = true
	return true
}

func (s *scanner) unresolved(n int) {
	s.fault(Fault{Rule: "template-unresolved", Start: s.at, End: s.at + n, Cause: fmt.Sprintf("the placeholder %s was never replaced", s.clip(span{s.at, s.at + n})), Fix: templateFix})
	s.at += n
}

// shellVariable is the length of $NAME or %NAME% or @NAME@ at the start of b.
func shellVariable(b []byte) int {
	if len(b) < 2 || b[0] != '$' && b[0] != '%' && b[0] != '@' || !isWord(b[1]) {
		return 0
	}
	i := 1
	for i < len(b) && isWord(b[i]) {
		i++
	}
	if b[0] == '$' {
		return i
	}
	if i < len(b) && b[i] == b[0] {
		return i + 1
	}
	return 0
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
