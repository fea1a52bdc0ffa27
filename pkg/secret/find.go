package secret

import (
	"strings"

	"github.com/cni-shim/cni-shim/pkg/steps"
)

// find returns what is to hide, in order, no two of them overlapping. prose is text of programs, else a configuration
// or a manifest.
func find(s string, prose bool) []span { return newFinder(s, prose).spansOrRest() }

func newFinder(s string, prose bool) *finder {
	return &finder{s: s, prose: prose, left: steps.For(len(s), perByte)}
}

// spansOrRest is walk without its panics: where walk would panic, the rest of the text is hidden. What a failure is
// shown with must not end the call that failed.
func (f *finder) spansOrRest() (spans []span) {
	defer func() {
		if recover() == nil {
			return
		}
		spans = f.spans
		if from := max(f.turn, f.done()); from < len(f.s) {
			spans = append(spans, span{from, len(f.s)})
		}
	}()
	return f.walk()
}

// walk reads the text once. It panics where that takes more steps than perByte allows.
func (f *finder) walk() []span {
	for f.at < len(f.s) {
		f.turn = f.at
		f.left.Take(1)
		switch c := f.s[f.at]; {
		case isName(c):
			f.name()
		case c == ':' && strings.HasPrefix(f.s[f.at:], "://"):
			f.address()
		case c == '@':
			f.dataSource()
		case c == '"' || c == '\'':
			f.quotedKey()
		case c == '$':
			f.crypt()
		default:
			f.at++
		}
	}
	return f.spans
}

// finder walks a text once.
type finder struct {
	s      string
	at     int
	turn   int // where the word begins that is read now
	prose  bool
	line   int // where a line begins that is not behind this place
	tested int // up to here no long run of base64 begins
	named  int // up to here "value" is that of a secret's "name"
	spans  []span
	left   steps.Left
}

// perByte bounds the looks at one byte: as a part of a word, as a value, as an address, and in the groups and the paths
// that begin within maxGroup and maxPath before it.
const perByte = 256

// hide hides a run, and goes on behind it.
func (f *finder) hide(start, end int) {
	start = max(start, f.done())
	if end > start {
		f.spans = append(f.spans, span{start, end})
	}
	f.at = max(f.at, end)
}

// done is where the last hidden run ends.
func (f *finder) done() int {
	if len(f.spans) == 0 {
		return 0
	}
	return f.spans[len(f.spans)-1].end
}

func isName(c byte) bool { return c == '_' || c == '-' || isAlnum(c) }

func isAlnum(c byte) bool { return isDigit(c) || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

const pemBegin, pemEnd = "-----BEGIN ", "-----END "

// name reads a word, and hides it where it is a secret, or the value behind it where it names one.
func (f *finder) name() {
	f.at += f.escapeLen()
	start := f.at
	if f.longRun(start) {
		return
	}
	for f.at < len(f.s) && isName(f.s[f.at]) && (f.s[f.at] != '-' || !f.isPEM(f.at)) {
		f.at++
	}
	switch {
	case f.at > start:
	case f.at < len(f.s) && f.s[f.at] == '-':
		f.pem()
		return
	default: // nothing but an escape
		return
	}
	word := f.s[start:f.at]
	if end := f.shape(start, word); end > 0 {
		f.hide(start, end)
		return
	}
	if f.spaced(start, word) {
		return
	}
	if word[0] != '-' && !f.hasValue() {
		return
	}
	k := strengthOf(word)
	switch {
	case k == none && f.isPassWord(start, word):
		k = strong
	case k == none && word[0] == '-' && f.isAccount(word):
		f.account()
		return
	case k == none && strings.EqualFold(word, "value") && start < f.named:
		k = strong
	case k == none && (strings.EqualFold(word, "name") || strings.EqualFold(word, "key")):
		f.pair()
		return
	}
	if k == none {
		return
	}
	if strings.EqualFold(word, "key") {
		f.pair()
	}
	if word[0] == '-' && f.flag() {
		return
	}
	f.value(start, word, k)
}

// hasValue reports whether something may follow a word that separates a key from its value. Most words of prose are
// read no further.
func (f *finder) hasValue() bool {
	i := f.at
	for ; i < len(f.s) && i < f.at+16; i++ {
		if c := f.s[i]; !isSpace(c) {
			return c >= 0x80 || strings.IndexByte(":=>\"'`\\", c) >= 0
		}
	}
	return i < len(f.s)
}

// escapeLen is how many letters of a word belong to an escape of JSON's before it: "\npwd", "\u0026pwd".
func (f *finder) escapeLen() int {
	if f.at == 0 || f.s[f.at-1] != '\\' {
		return 0
	}
	switch rest := f.s[f.at:]; {
	case strings.HasPrefix(rest, "u00") && len(rest) >= len("u0026"):
		return len("u0026")
	case strings.IndexByte("nrt", rest[0]) >= 0:
		return 1
	}
	return 0
}

// quotedKey reads a key in quotes that is not one word for name: "pass word", "auth/token".
func (f *finder) quotedKey() {
	q := f.s[f.at]
	rest := f.s[f.at+1:]
	end := strings.IndexByte(rest[:min(len(rest), maxKey)], q)
	if end <= 0 {
		f.at++
		return
	}
	key := strings.TrimRight(rest[:end], `\`)
	next := strings.TrimLeft(rest[end+1:min(len(rest), end+8)], " \t")
	if next == "" || next[0] != ':' && next[0] != '=' || !strings.ContainsAny(key, " ./") ||
		strings.ContainsAny(key, "\n:=") {
		f.at++
		return
	}
	k := strengthOf(key)
	if k == none {
		f.at++
		return
	}
	start := f.at
	f.at += 1 + len(key)
	f.value(start, key, k)
}

// isPassWord recognises the second word of "pass word" and "pass phrase".
func (f *finder) isPassWord(start int, word string) bool {
	return (strings.EqualFold(word, "word") || strings.EqualFold(word, "phrase")) && start >= 5 &&
		strings.EqualFold(f.s[start-5:start-1], "pass") &&
		(f.s[start-1] == ' ' || f.s[start-1] == '-')
}

// pair looks whether the value of "name" or "key" is the name of a secret: that of the "value" beside it is one.
func (f *finder) pair() {
	i := f.at
	for i < len(f.s) && i < f.at+8 && strings.IndexByte("\\\"' \t:=", f.s[i]) >= 0 {
		i++
	}
	if i == f.at {
		return
	}
	j := i
	for j < len(f.s) && j < i+maxKey && (isName(f.s[j]) || f.s[j] == '.') {
		j++
	}
	if Key(f.s[i:j]) {
		f.named = j + 64
	}
}

// longRun hides a long run of letters and digits that only chance can have made: a key in base64, a line of a block in
// PEM.
func (f *finder) longRun(start int) bool {
	if start < f.tested {
		return false
	}
	end := start
	for end < len(f.s) && (isName(f.s[end]) || f.s[end] == '+' || f.s[end] == '/') && (f.s[end] != '-' || !f.isPEM(end)) {
		end++
	}
	f.tested = end
	run := f.s[start:end]
	// 256 bits: a key of WireGuard
	is256 := len(run) == 43 && strings.HasPrefix(f.s[end:], "=") && !strings.HasPrefix(f.s[end:], "==")
	if !is256 && !isRandom(run) || f.isDigest(start, run) {
		return false
	}
	for end < len(f.s) && f.s[end] == '=' {
		end++
	}
	f.hide(start, end)
	return true
}

// isDigest reports whether a run is named a digest, or is part of a name with dots.
func (f *finder) isDigest(start int, run string) bool {
	return start >= 1 && f.s[start-1] == '.' || start >= 7 && strings.EqualFold(f.s[start-7:start], "sha256:") ||
		strings.HasPrefix(run, "sha256-") || strings.HasPrefix(run, "sha384-") || strings.HasPrefix(run, "sha512-")
}

// isRandom reports whether a text of at least 40 bytes changes between small and capital letters and digits as often as
// chance does, and no word, path or number in hexadecimal does.
func isRandom(s string) bool {
	const least = 40
	if len(s) < least {
		return false
	}
	var n [4]int
	changes, last := 0, 3
	for i := range len(s) {
		class := 3
		switch c := s[i]; {
		case c >= 'a' && c <= 'z':
			class = 0
		case c >= 'A' && c <= 'Z':
			class = 1
		case isDigit(c):
			class = 2
		}
		if n[class]++; class != last {
			changes++
		}
		last = class
	}
	return n[0] >= len(s)/8 && n[1] >= len(s)/8 && n[2] > 0 && n[3] <= len(s)/8 && changes*5 >= len(s)*2
}
