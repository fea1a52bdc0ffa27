package failure

import (
	"strings"

	"github.com/cni-shim/cni-shim/pkg/steps"
)

// hit is a place where words stand in a text. The zero value is no hit.
type hit struct {
	start, end int
	last       int    // length of the last part of the words
	words      int    // length of the words
	subject    bool   // the words have parts before the last one
	class      *Class // whose words they are
}

// better tells which of two hits decides. A chain of errors names its innermost cause at its end, so the one that
// ends last; of two that end together the one that says more there; then the one that also says of what; then the
// one whose subject stands nearest; then the one that says more.
func (h hit) better(than hit) bool {
	switch {
	case h.end != than.end:
		return h.end > than.end
	case h.last != than.last:
		return h.last > than.last
	case h.subject != than.subject:
		return h.subject
	case h.start != than.start:
		return h.start > than.start
	}
	return h.words > than.words
}

// grams is the set of a text's runs of three bytes, hashed. Nearly all words are ruled out by it, which makes
// classifying a text several times cheaper than searching it for each of them.
type grams [1 << 10]uint64

func gramsOf(text string) *grams {
	g := new(grams)
	for i := range max(len(text)-2, 0) {
		h := gram(text, i)
		g[h>>6] |= 1 << (h & 63)
	}
	return g
}

// may tells whether words can stand in the text.
func (g *grams) may(words string) bool {
	for i := range max(len(words)-2, 0) {
		if h := gram(words, i); g[h>>6]&(1<<(h&63)) == 0 {
			return false
		}
	}
	return true
}

func gram(s string, i int) uint32 {
	return (uint32(s[i])<<16 | uint32(s[i+1])<<8 | uint32(s[i+2])) * 2654435761 >> 16
}

// reach bounds the bytes for which "…" stands: what is further apart is seldom said of each other.
const reach = 160

// find finds the last place in folded text where the parts of words, separated by "…", follow each other on one
// line. A blank beside "…" stands for the edge of a word.
func find(text string, in *grams, words string) hit {
	head, last := cutLast(words)
	if core := strings.Trim(last, " "); !in.may(core) || !strings.Contains(text, core) { // the usual answer
		return hit{}
	}
	left := steps.For(len(text), 2*reach)
	for limit := len(text); limit > 0; {
		at, to := lastPart(text[:limit], last, &left)
		if at < 0 {
			break
		}
		from := at
		for rest, part := head, ""; rest != "" && from >= 0; {
			rest, part = cutLast(rest)
			from = lastNear(text[:from], part, &left)
		}
		if from >= 0 {
			return hit{start: from, end: to, last: len(last), words: len(words), subject: head != ""}
		}
		limit = to - 1
	}
	return hit{}
}

// lastNear finds the last place of one part of words on the last line of text, within reach of its end; -1 when there is none.
func lastNear(text, part string, left *steps.Left) int {
	low := max(0, len(text)-reach-len(part))
	low += strings.LastIndexByte(text[low:], '\n') + 1
	at, _ := lastPart(text[low:], part, left)
	if at < 0 {
		return -1
	}
	return low + at
}

// cutLast takes the last part off words.
func cutLast(words string) (head, last string) {
	if i := strings.LastIndex(words, "…"); i >= 0 {
		return words[:i], words[i+len("…"):]
	}
	return "", words
}

// lastPart finds the last place of one part of words; at is negative when there is none.
func lastPart(text, part string, left *steps.Left) (at, end int) {
	core := strings.Trim(part, " ")
	for limit := len(text); ; limit = at + len(core) - 1 {
		left.Take(1)
		if at = strings.LastIndex(text[:limit], core); at < 0 {
			return -1, 0
		}
		end = at + len(core)
		if part[0] == ' ' && wordByte(text, at-1) || part[len(part)-1] == ' ' && wordByte(text, end) {
			continue
		}
		return at, end
	}
}

// wordByte tells whether the byte at i belongs to a word.
func wordByte(text string, i int) bool {
	return letter(text, i) || i >= 0 && i < len(text) && '0' <= text[i] && text[i] <= '9'
}
