package secret

import (
	"strings"
	"unicode/utf8"
)

// What JSON encoders write for characters that mean something to HTML: ">" and "&".
const escapedMore, escapedAnd = `\u003e`, `\u0026`

// maxGroup is how far a bracket is looked for that closes one in prose, in bytes.
const maxGroup = 512

// value hides what follows a secret's key that began at start. The key may have lost a quote, the separator may be
// missing or of another kind.
func (f *finder) value(start int, key string, k strength) {
	i := f.at
	for i < len(f.s) && f.s[i] == '\\' && !strings.HasPrefix(f.s[i:], escapedMore) {
		i++
	}
	_, n := quoteAt(f.s[i:])
	quoted := n > 0
	i += n
	separator, breaks, from := byte(0), -1, i
	for i < len(f.s) && !f.isBlock(i) {
		n := f.blank(i)
		switch {
		case n > 0 && breaks < 0 && f.isBreak(i):
			breaks = i
		case strings.HasPrefix(f.s[i:], escapedMore):
			n, separator = len(escapedMore), '='
		case n == 0 && strings.IndexByte(":=>", f.s[i]) >= 0:
			n = 1
			if separator == 0 {
				separator = f.s[i]
			}
		}
		if n == 0 {
			break
		}
		i += n
	}
	switch {
	case separator == 0 && (f.prose || !quoted || i == from && strings.IndexByte("\"'{[", f.s[min(i, len(f.s)-1)]) < 0) ||
		i >= len(f.s):
		return
	case breaks >= 0 && !quoted && (f.below(start, breaks) || f.prose || strings.IndexByte("\"'", f.s[i]) < 0):
		return
	}
	slashes := 0
	for i+slashes < len(f.s) && f.s[i+slashes] == '\\' {
		slashes++
	}
	if open, n := quoteAt(f.s[i+slashes:]); n > 0 {
		from := i + slashes + n
		if to := f.closing(from, open, slashes, len(f.s)); !isHarmless(f.s[from:to]) &&
			(k > shaped || looksSecret(f.s[from:to])) {
			f.hide(from, to)
		}
		return
	}
	switch c := f.s[i]; {
	case (c == '{' || c == '[') && k > shaped && (!f.prose || quoted):
		f.hide(i+1, f.nested(i, len(f.s)))
	case (c == '{' || c == '[') && k > shaped: // but not of "unexpected token: { …"
		most := min(len(f.s), i+maxGroup)
		if end := f.nested(i, most); end < most {
			f.hide(i+1, end)
		}
	case f.isBlock(i):
		f.hide(i+1, f.block(i))
	default:
		f.bare(i, bareKey{start, key, k, separator, quoted, f.s[i-1] == separator || separator == '='})
	}
}

// bareKey is what is known of the key of a value without quotes.
type bareKey struct {
	start     int
	name      string
	strength  strength
	separator byte
	quoted    bool
	tight     bool // the separator and the value touch
}

// bare hides a value without quotes.
func (f *finder) bare(i int, key bareKey) {
	end := f.wordEnd(i, f.isQuery(key.start))
	first := f.s[i:end]
	lower := strings.ToLower(key.name)
	switch {
	case strings.Contains(lower, "authorization") && f.prose:
		f.hide(f.credentials(i), f.credentialsEnd(i))
	case strings.Contains(lower, "cookie") && f.prose:
		f.hide(i, f.lineEnd(i))
	case isHarmless(first) || key.strength == shaped && !looksSecret(first):
	case !f.prose:
		f.hide(i, f.lineEnd(i))
	case key.separator == '=' || key.quoted || key.tight:
		f.hide(i, end)
	case isMessage(first) || key.strength < strong && !looksSecret(first):
	case f.beginsLine(key.start):
		f.hide(i, max(end, f.lineEnd(i))) // a line of YAML: a passphrase has blanks
	default:
		f.hide(i, end)
	}
}

// credentials is where those of an Authorization header begin: behind the scheme.
func (f *finder) credentials(i int) int {
	if end := f.wordEnd(i, false); end+1 < len(f.s) && f.s[end] == ' ' && end-i < 24 && !isSpace(f.s[end+1]) {
		return end + 1
	}
	return i
}

// credentialsEnd is where those of an Authorization header end: schemes of several parts ("Digest a=…, b=…") end with
// the line.
func (f *finder) credentialsEnd(i int) int {
	at := f.credentials(i)
	end := f.wordEnd(at, false)
	if parts := end < len(f.s) && f.s[end] == '"'; strings.IndexByte(f.s[at:end], '=') <= 0 ||
		strings.HasSuffix(f.s[at:end], "=") && !parts {
		return end
	}
	inside := false
	for i = at; i < len(f.s) && !f.isBreak(i) && f.s[i] != '\r' && f.s[i] != '\''; i++ {
		if f.s[i] == '"' {
			if !inside && f.s[i-1] != '=' {
				break // of the header as a whole
			}
			inside = !inside
		}
	}
	return i
}

// beginsLine reports whether a place is the first of its line, white space and the mark of a list aside.
func (f *finder) beginsLine(at int) bool {
	for at > 0 && (f.s[at-1] == ' ' || f.s[at-1] == '\t' || f.s[at-1] == '-') {
		at--
	}
	return at == 0 || f.s[at-1] == '\n' || strings.HasSuffix(f.s[:at], `\n`)
}

// isQuery reports whether a key is a parameter in an address.
func (f *finder) isQuery(start int) bool {
	return start > 0 && (f.s[start-1] == '?' || f.s[start-1] == '&' || strings.HasSuffix(f.s[:start], "&amp;") ||
		strings.HasSuffix(f.s[:start], escapedAnd))
}

// wordEnd is the end of a word without quotes. A comma, a bracket and the like belong to it unless the word seems to
// end there.
func (f *finder) wordEnd(i int, query bool) int {
	for ; i < len(f.s); i++ {
		f.left.Take(1)
		switch c := f.s[i]; {
		case isSpace(c), c == '"', c == '\'', c == '`', c == '&' && query,
			c == '\\' && (f.isEscape(i) || query && strings.HasPrefix(f.s[i:], escapedAnd)):
			return i
		case strings.IndexByte(",;)}]&|>", c) >= 0 && f.isOver(i+1):
			return i
		}
	}
	return i
}

// lineEnd is the end of a value without quotes in a configuration, blanks and all.
func (f *finder) lineEnd(i int) int {
	for ; i < len(f.s); i++ {
		f.left.Take(1)
		switch c := f.s[i]; {
		case c == '\n', c == '\\' && f.isEscape(i):
			return i
		case strings.IndexByte(",}]\"", c) >= 0 && f.isOver(i+1):
			return i
		}
	}
	return i
}

// isEscape reports whether a backslash begins a line break or a quote of JSON.
func (f *finder) isEscape(i int) bool {
	return i+1 < len(f.s) && strings.IndexByte("nrt\"'\\", f.s[i+1]) >= 0
}

// isOver reports whether a value can have ended before a place: nothing follows, or what cannot be part of it.
func (f *finder) isOver(i int) bool {
	if i >= len(f.s) || isSpace(f.s[i]) || strings.IndexByte(",;)}]\"'`\\<", f.s[i]) >= 0 {
		return true
	}
	j := i
	for j < len(f.s) && j < i+32 && isName(f.s[j]) {
		j++
	}
	return j > i && j < len(f.s) && (f.s[j] == '=' || f.s[j] == ':') &&
		!(f.s[i-1] == ',' && f.s[j] == ':' && isDigit(f.s[i]))
}

// quoteAt returns the quote that a text begins with, of whatever kind, and its length.
func quoteAt(s string) (quote rune, n int) {
	r, n := utf8.DecodeRuneInString(s)
	switch r {
	case '"', '\'', '`', '“', '”', '„', '‟', '‘', '’', '‚', '«', '»', '″', '＂':
		return r, n
	}
	return 0, 0
}

// closing is where a string that began at start ends: at the next quote of its kind with as many backslashes before it
// as the opening one had. One that is not closed before most ends there.
func (f *finder) closing(start int, open rune, slashes, most int) int {
	before := 0
	for i := start; i < most; {
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
	return most
}

// maxPath is the length of the longest path that is read as one, in bytes. What is longer is hidden, and so not read
// again.
const maxPath = 1024

// isHarmless reports whether a secret's value is none: nothing, a switch, or the path of a file.
func isHarmless(v string) bool {
	switch v = strings.TrimSpace(v); v {
	case "", "true", "false", "null", "nil", "<nil>", "none", "~", "***", "<redacted>", "REDACTED":
		return true
	}
	top, _, _ := strings.Cut(strings.TrimPrefix(v, "/"), "/")
	switch top {
	case "etc", "var", "run", "opt", "root", "home", "usr", "tmp", "proc", "sys", "dev", "mnt", "srv", "lib", "secrets",
		"data":
		return len(v) <= maxPath && v[0] == '/' && !strings.ContainsAny(v, " \"'")
	}
	return false
}

// isMessage reports whether a word behind "password:" is the beginning of a message.
func isMessage(word string) bool {
	switch strings.ToLower(strings.TrimRight(word, ":.!")) {
	case "access", "and", "authentication", "authorization", "bad", "cannot", "connection", "context", "could", "denied",
		"dial", "does", "empty", "eof", "error", "exit", "expected", "expired", "failed", "failure", "file", "for",
		"forbidden", "get", "has", "http", "in", "incorrect", "internal", "invalid", "is", "lookup", "lstat", "mismatch",
		"missing", "must", "no", "not", "oauth2", "open", "operation", "permission", "post", "put", "read", "request",
		"required", "rpc", "server", "stat", "the", "timeout", "tls", "to", "try", "unable", "unauthorized", "unexpected",
		"unknown", "unsupported", "was", "with", "wrong", "x509", "yaml", "json":
		return true
	}
	return false
}

// looksSecret reports whether a word looks made by chance, or by somebody who was asked for more than letters.
func looksSecret(v string) bool {
	letters, digits, marks, dots := 0, 0, 0, 0
	for i := range len(v) {
		switch c := v[i]; {
		case isDigit(c):
			digits++
		case isAlnum(c):
			letters++
		case strings.IndexByte("+=$!#%^*~@&", c) >= 0:
			marks++
		case c == '.' || c == ':':
			dots++
		}
	}
	return len(v) >= 16 || marks > 0 || digits > 0 && letters > 0 && !isMessage(v) || digits >= 6 && dots == 0
}
