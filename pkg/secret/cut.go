package secret

import (
	"fmt"
	"strings"
)

// MaxToken is the length of the longest secret that a cut hides whole, in bytes. A text is masked as far as the cut,
// and what stands within MaxToken of it is left out: half a token is not recognised as one.
const MaxToken = 4 << 10

// Head is Mask of the beginning of a text: of one longer than limit, what it shows ends MaxToken bytes before limit,
// with an ellipsis. limit is in bytes and more than MaxToken. No more than limit bytes are read.
func Head(s string, limit int) string {
	if len(s) <= limit {
		return Mask(s)
	}
	return head(Mask(s[:limit])) + "…"
}

// Ends is Mask of a text's beginning and end: of one longer than limit, half of limit each, less MaxToken bytes before
// and behind the cut. limit is in bytes and more than twice MaxToken. No more than limit bytes are read.
func (k *Known) Ends(s string, limit int) string {
	if len(s) <= limit {
		return k.Mask(s)
	}
	first, last := head(k.Mask(s[:limit/2])), tail(k.Mask(s[len(s)-limit/2:]))
	return fmt.Sprintf("%s [… about %d KiB left out …] %s", first, (len(s)-limit+2*MaxToken)>>10, last)
}

// head is a masked text without its last MaxToken bytes, and without the word that this cuts where it is not too long.
func head(masked string) string {
	s := masked[:max(0, len(masked)-MaxToken)]
	if i := strings.LastIndexAny(s, blanks); len(s)-i <= MaxToken {
		return s[:i+1]
	}
	return strings.ToValidUTF8(s, "")
}

// tail is a masked text without its first MaxToken bytes, and without the word that this cuts where it is not too long.
func tail(masked string) string {
	s := masked[min(len(masked), MaxToken):]
	if i := strings.IndexAny(s[:min(len(s), MaxToken)], blanks); i >= 0 {
		return s[i:]
	}
	return strings.ToValidUTF8(s, "")
}

const blanks = " \t\n"
