package diag

import (
	"bytes"
	"sort"
	"unicode/utf8"
)

// Lines finds lines and columns in one text. Other than LineColumn it costs next to nothing for each offset, so that a
// large file with many findings, or with one long line, takes no longer than its reading. Make it with NewLines.
type Lines struct {
	text   []byte
	starts []int // offset of the first byte of each line
	marks  []mark
}

// mark is the count of code points before an offset.
type mark struct{ offset, runes int }

// markEvery is the distance between two marks, in bytes.
const markEvery = 1024

// NewLines reads a text, which it keeps.
func NewLines(text []byte) *Lines {
	l := &Lines{text: text, starts: []int{0}}
	for i := 0; ; {
		j := bytes.IndexByte(text[i:], '\n')
		if j < 0 {
			break
		}
		i += j + 1
		l.starts = append(l.starts, i)
	}
	return l
}

// Place is LineColumn of an offset in the text.
func (l *Lines) Place(offset int) (line, column int) {
	offset = max(0, min(offset, len(l.text)))
	line = sort.SearchInts(l.starts, offset+1)
	start := l.starts[line-1]
	if offset-start < markEvery {
		return line, utf8.RuneCount(l.text[start:offset]) + 1
	}
	return line, l.runes(offset) - l.runes(start) + 1
}

// runes counts the code points before an offset; a byte that is no UTF-8 is one.
func (l *Lines) runes(offset int) int {
	if l.marks == nil {
		l.marks = append(l.marks, mark{})
		for at, n := 0, 0; at < len(l.text); n++ {
			_, size := utf8.DecodeRune(l.text[at:])
			if at += size; at-l.marks[len(l.marks)-1].offset >= markEvery {
				l.marks = append(l.marks, mark{at, n + 1})
			}
		}
	}
	m := l.marks[sort.Search(len(l.marks), func(i int) bool { return l.marks[i].offset > offset })-1]
	return m.runes + utf8.RuneCount(l.text[m.offset:offset])
}
