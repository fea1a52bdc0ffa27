package delegate

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/secret"
)

// head keeps the beginning of what is written and refuses the rest, so that a writer without end is told by a broken pipe; with drain
// it takes the rest and drops it.
type head struct {
	limit   int
	drain   bool
	data    []byte
	dropped bool
}

func (h *head) Write(p []byte) (int, error) {
	room := h.limit - len(h.data)
	if need := len(h.data) + min(len(p), room); need > cap(h.data) && need > 256<<10 {
		h.data = append(make([]byte, 0, h.limit), h.data...) // once, where growing by halves would leave three times as much behind
	}
	if len(p) > room {
		h.dropped = true
		h.data = append(h.data, p[:room]...)
		if h.drain {
			return len(p), nil
		}
		return room, errTooLong
	}
	h.data = append(h.data, p...)
	return len(p), nil
}

// ends keeps the beginning and the end of what is written, limit bytes of each.
type ends struct {
	limit       int
	first, last []byte
	dropped     int
}

func (e *ends) Write(p []byte) (int, error) {
	n := len(p)
	if room := e.limit - len(e.first); room > 0 {
		k := min(room, len(p))
		e.first = append(e.first, p[:k]...)
		p = p[k:]
	}
	e.last = append(e.last, p...)
	if over := len(e.last) - e.limit; over > 0 {
		e.dropped += over
		e.last = append(e.last[:0], e.last[over:]...)
	}
	return n, nil
}

func (e *ends) bytes() []byte {
	if e.dropped == 0 {
		return append(e.first, e.last...)
	}
	first, last := e.first, e.last
	if i := bytes.LastIndexAny(first, " \t\n"); len(first)-i <= maxWord {
		first = first[:i+1]
	}
	if i := bytes.IndexAny(last[:min(len(last), maxWord)], " \t\n"); i >= 0 {
		last = last[i:]
	}
	dropped := e.dropped + len(e.first) - len(first) + len(e.last) - len(last)
	return append(append(first, fmt.Sprintf("\n[… %d bytes left out …]\n", dropped)...), last...)
}

// maxWord is how long a word is, in bytes, that is left out whole where the cut goes through it: half a token is not
// recognised as a secret.
const maxWord = 4 << 10

// lastLine is the last line with a letter in it, or the line of a Go panic, shortened: what a program says at its end is
// most often why it ended.
func lastLine(text []byte) string {
	// Masked before it is shortened: half a token is not recognised as a secret.
	lines := strings.Split(secret.Mask(string(bytes.ToValidUTF8(text, []byte("?")))), "\n")
	last := ""
	for _, l := range lines {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		if strings.HasPrefix(l, "panic: ") || strings.HasPrefix(l, "fatal error: ") {
			return shorten(l)
		}
		last = l
	}
	return shorten(last)
}

// excerpt shows the beginning of an output on one line.
func excerpt(b []byte) string {
	return fmt.Sprintf("%q", shorten(secret.Head(string(b), MaxStderr)))
}

func shorten(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
