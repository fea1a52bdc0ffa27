package jsondoc

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// space skips white space and blames what people take for it: comments, invisible characters, conflict markers,
// a template's tags.
func (s *scanner) space() {
	for s.at < len(s.text) && !s.done {
		s.left.Take(1)
		switch c := s.text[s.at]; {
		case c == '\n':
			s.at++
			s.startLine(s.at)
		case c == ' ' || c == '\t' || c == '\r':
			s.at++
		case c == '#' || c == '/' && s.at+1 < len(s.text) && (s.text[s.at+1] == '/' || s.text[s.at+1] == '*'):
			s.comment()
		case c == 0:
			s.nul(s.at)
		case c < ' ' || c == 0x7f || c >= utf8.RuneSelf:
			r, n := s.rune(s.at)
			if !isInvisible(r) && !(r == utf8.RuneError && n == 1 && c == 0xa0) {
				return
			}
			f := Fault{Rule: "json-invisible-char", Start: s.at, Cause: fmt.Sprintf("an invisible character (%s) between two tokens", runeName(r, c)), Fix: "delete it, or type a plain space"}
			for ; n > 0 && (isInvisible(r) || r == utf8.RuneError && n == 1 && s.text[s.at] == 0xa0); r, n = s.rune(s.at) { // a run of them is one fault
				f.Edits = append(f.Edits, Edit{s.at, s.at + n, " "})
				s.at += n
			}
			f.End = s.at
			s.fault(f)
		case s.conflictMarker():
		case s.want != wantValue && s.want != wantElement && s.want != wantColon && s.templateTag():
		default:
			return
		}
	}
}

func (s *scanner) comment() {
	var end int
	if s.text[s.at] == '/' && s.text[s.at+1] == '*' {
		i := bytes.Index(s.text[s.at+2:], []byte("*/"))
		if i < 0 {
			s.stop(Fault{Rule: "json-comment", Start: s.at, End: s.at + 2, Cause: "a comment that never ends; JSON has none", Fix: "delete it"})
			return
		}
		end = s.at + 2 + i + 2
	} else {
		end = s.lineEnd(s.at)
	}
	s.fault(Fault{"json-comment", s.at, end, "a comment, which JSON does not have", "delete it", []Edit{s.without(s.at, end)}})
	if end == len(s.text) && len(s.stack) > 0 && s.netClosers(s.at) == len(s.stack) { // all on one line, as YAML folds it: the rest is no comment
		s.done = true
	}
	if i := bytes.LastIndexByte(s.text[s.at:end], '\n'); i >= 0 {
		s.startLine(s.at + i + 1)
	}
	s.at = end
}

// without deletes a comment: with the blanks before it where it ends its line, with the line where it is all of it.
func (s *scanner) without(start, end int) Edit {
	if rest := s.text[end:]; len(rest) > 0 && rest[0] != '\n' && !bytes.HasPrefix(rest, []byte("\r\n")) {
		return Edit{start, end, ""}
	}
	for start > s.line && (s.text[start-1] == ' ' || s.text[start-1] == '\t') {
		start--
	}
	if start == s.line && end < len(s.text) {
		if end++; s.text[end-1] == '\r' {
			end++
		}
	}
	return Edit{start, end, ""}
}

func (s *scanner) nul(at int) {
	s.stop(Fault{Rule: "encoding-nul-bytes", Start: at, End: at + 1, Cause: "a NUL byte, as a write leaves that never reached the disk", Fix: "write the file again, or restart the add-on that writes it"})
}

// conflictMarker skips a line that version control left at its start; of two sides the first is read.
func (s *scanner) conflictMarker() bool {
	if s.at != s.line {
		return false
	}
	rest := s.text[s.at:]
	if !bytes.HasPrefix(rest, []byte("<<<<<<<")) && !bytes.HasPrefix(rest, []byte("=======")) && !bytes.HasPrefix(rest, []byte(">>>>>>>")) && !bytes.HasPrefix(rest, []byte("|||||||")) {
		return false
	}
	if !s.said.conflict {
		s.said.conflict = true
		s.fault(Fault{Rule: "json-merge-conflict", Start: s.at, End: s.lineEnd(s.at), Cause: "a version-control conflict was never settled", Fix: "keep one of the two sides and delete the marker lines"})
	}
	switch c := rest[0]; {
	case c == '<':
		s.conflict = true
	case c == '>':
		s.conflict = false
	case s.conflict: // else its beginning was deleted, and both sides were kept
		s.conflict = false
		s.left.Take(len(rest))
		i := bytes.Index(rest, []byte("\n>>>>>>>"))
		if i < 0 {
			s.done = true
			return true
		}
		s.at += i + 1
		s.startLine(s.at)
	}
	s.at = s.lineEnd(s.at)
	return true
}

func (s *scanner) lineEnd(at int) int {
	if i := bytes.IndexByte(s.text[at:], '\n'); i >= 0 {
		if i > 0 && s.text[at+i-1] == '\r' {
			i--
		}
		return at + i
	}
	return len(s.text)
}

func isInvisible(r rune) bool {
	switch r {
	case 0xa0, 0xad, 0x1680, 0x180e, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff, 0x85, 0x7f:
		return true
	}
	return r >= 0x2000 && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x2064 || r > 0 && r < ' '
}

func runeName(r rune, c byte) string {
	if r == utf8.RuneError {
		return fmt.Sprintf("byte %#02x", c)
	}
	switch r {
	case 0xa0:
		return "no-break space, U+00A0"
	case 0x200b:
		return "zero-width space, U+200B"
	case 0xfeff:
		return "byte order mark, U+FEFF"
	}
	return fmt.Sprintf("%U", r)
}
