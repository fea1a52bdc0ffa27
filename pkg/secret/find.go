package secret

import (
	"strings"
	"unicode/utf8"

	"github.com/cni-shim/cni-shim/pkg/steps"
)

// find returns what is to hide, in order, no two of them overlapping. prose is text of programs, else a configuration or
// a manifest.
func find(s string, prose bool) []span {
	f := &finder{s: s, prose: prose, left: steps.For(len(s), perByte)}
	for f.at < len(s) {
		f.left.Take(1)
		switch c := s[f.at]; {
		case isName(c):
			f.name()
		case c == '-' && strings.HasPrefix(s[f.at:], pemBegin):
			f.pem()
		case c == ':' && strings.HasPrefix(s[f.at:], "://"):
			f.address()
		default:
			f.at++
		}
	}
	return f.spans
}

// finder walks a text once.
type finder struct {
	s     string
	at    int
	prose bool
	spans []span
	left  steps.Left
}

// perByte bounds the looks at one byte: as a part of a word, as a value, and as an address.
const perByte = 16

func (f *finder) hide(start, end int) {
	if end > start {
		f.spans = append(f.spans, span{start, end})
	}
	f.at = max(f.at, end)
}

func isName(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

const pemBegin, pemEnd = "-----BEGIN ", "-----END "

// pem hides a block in PEM to its end, or to the text's.
func (f *finder) pem() {
	start := f.at
	i := strings.Index(f.s[start:], pemEnd)
	if i < 0 {
		f.hide(start, len(f.s))
		return
	}
	f.hide(start, start+i+len(pemEnd))
}

// address hides the password in user:password@host.
func (f *finder) address() {
	f.at += len("://")
	password := -1
	for i := f.at; i < len(f.s) && i < f.at+1024; i++ {
		switch c := f.s[i]; {
		case c == ':' && password < 0:
			password = i + 1
		case c == '@' && password > 0:
			f.hide(password, i)
			return
		case c == '@' || strings.IndexByte(" /\"'\n,", c) >= 0:
			return
		}
	}
}

// name reads a word, and hides the value behind it where it names a secret.
func (f *finder) name() {
	start := f.at
	for f.at < len(f.s) && isName(f.s[f.at]) && !strings.HasPrefix(f.s[f.at:], pemBegin) {
		f.at++
	}
	if f.at == start {
		f.pem()
		return
	}
	word := f.s[start:f.at]
	if strings.EqualFold(word, "bearer") && f.at < len(f.s) && f.s[f.at] == ' ' {
		f.hide(f.at+1, f.bare(f.at+1, " \t\n,;}&)\"'"))
		return
	}
	switch next := f.s[f.at:]; {
	case strings.HasPrefix(word, "eyJ") && strings.HasPrefix(next, ".eyJ"): // a JSON Web Token: "{" and "{" in base64, and a signature
		f.hide(start, f.bare(f.at, " \t\r\n,;:}&)\"'"))
		return
	case word == "sig" && strings.HasPrefix(next, "=") && start > 0 && strings.IndexByte("?&", f.s[start-1]) >= 0: // of an address that is signed
		f.hide(f.at+1, f.bare(f.at+1, " \t\n&\"'"))
		return
	case len(word) < 3 || !Key(word):
		return
	}
	if f.prose && strings.HasPrefix(word, "--") && f.at+1 < len(f.s) && f.s[f.at] == ' ' && f.s[f.at+1] != '-' { // a flag and its value
		f.hide(f.at+1, f.bare(f.at+1, " \t\n"))
		return
	}
	f.value(strings.Contains(strings.ToLower(word), "authorization"))
}

// value hides what follows a secret's key. The key may have lost a quote, the separator may be missing or of another
// kind. With scheme the value is the second of two words, as in "Authorization: Basic abc".
func (f *finder) value(scheme bool) {
	i := f.at
	quotedKey := false
	for i < len(f.s) && f.s[i] == '\\' {
		i++
	}
	if _, n := quoteAt(f.s[i:]); n > 0 {
		quotedKey = true
		i += n
	}
	separator := byte(0)
	for i < len(f.s) && (isSpace(f.s[i]) || strings.IndexByte(":=>", f.s[i]) >= 0) {
		if f.s[i] == '\n' && f.prose {
			return
		}
		if !isSpace(f.s[i]) && separator == 0 {
			separator = f.s[i]
		}
		i++
	}
	if separator == 0 && (f.prose || !quotedKey) || i >= len(f.s) {
		return
	}
	slashes := 0
	for i+slashes < len(f.s) && f.s[i+slashes] == '\\' {
		slashes++
	}
	if open, n := quoteAt(f.s[i+slashes:]); n > 0 {
		start := i + slashes + n
		f.hide(start, f.closing(start, open, slashes))
		return
	}
	switch c := f.s[i]; {
	case f.prose && scheme && separator != 0:
		if end := f.bare(i, " \n,;}&)\"'"); end < len(f.s) && f.s[end] == ' ' {
			i = end + 1
		}
		f.hide(i, f.bare(i, " \t\n,;}&)\"'"))
	case f.prose:
		end := f.bare(i, " \t\n,;}&)\"'")
		// "cannot read secret: permission denied" is prose: a bare word's value must look like a secret.
		if separator == '=' || quotedKey || end-i >= 16 {
			f.hide(i, end)
		}
	case c == '{' || c == '[':
		f.hide(i+1, f.nested(i))
	case c == '|' || c == '>':
		f.hide(i+1, f.block(i))
	default:
		end := f.bare(i, ",}]\n")
		switch strings.TrimSpace(f.s[i:end]) {
		case "", "true", "false", "null":
			return
		}
		f.hide(i, end)
	}
}

// quoteAt tells the quote that a text begins with, of whatever kind, and its length.
func quoteAt(s string) (quote rune, n int) {
	r, n := utf8.DecodeRuneInString(s)
	switch r {
	case '"', '\'', '`', '“', '”', '„', '‟', '‘', '’', '‚', '«', '»', '″', '＂':
		return r, n
	}
	return 0, 0
}

// closing is where a string that began at start ends: at the next quote of its kind with as many backslashes before it
// as the opening one had. One that is never closed ends with the text.
func (f *finder) closing(start int, open rune, slashes int) int {
	before := 0
	for i := start; i < len(f.s); {
		f.left.Take(1)
		if f.s[i] == '\\' {
			before++
			i++
			continue
		}
		r, n := quoteAt(f.s[i:])
		switch {
		case n == 0:
			_, n = utf8.DecodeRuneInString(f.s[i:])
		case r == open && slashes == 0 && before%2 == 0, r == open && slashes > 0 && before == slashes,
			open > 0x80 && r > 0x80: // typographic quotes come in pairs of two kinds
			return i - min(before, slashes)
		}
		before = 0
		i += n
	}
	return len(f.s)
}

// bare is the end of a value without quotes.
func (f *finder) bare(start int, stop string) int {
	i := start
	for i < len(f.s) && strings.IndexByte(stop, f.s[i]) < 0 {
		i++
	}
	f.left.Take(i - start)
	return i
}

// nested is the end of what the bracket at a place opens.
func (f *finder) nested(at int) int {
	depth := 0
	for i := at; i < len(f.s); i++ {
		f.left.Take(1)
		switch f.s[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(f.s)
}

// block is the end of a YAML block scalar whose mark stands at a place: of the lines indented further than its own.
func (f *finder) block(at int) int {
	line := strings.LastIndexByte(f.s[:at], '\n') + 1
	f.left.Take(at - line)
	own := indent(f.s[line:])
	end := line + lineLen(f.s[line:])
	for end < len(f.s) {
		rest := f.s[end:]
		f.left.Take(1)
		if n := lineLen(rest); strings.TrimSpace(rest[:n]) != "" && indent(rest) <= own {
			break
		} else {
			end += n
		}
	}
	return end
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " -")) }

func lineLen(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i + 1
	}
	return len(s)
}
