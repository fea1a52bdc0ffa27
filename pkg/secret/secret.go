// Package secret knows which values of a configuration must not leave it, and hides them in whatever is shown: a line of
// the file, the cause of a fault, the words of a plugin.
package secret

import "strings"

// words are parts of the names of secrets, in lower case and without separators.
var words = [...]string{
	"token", "password", "passwd", "passphrase", "secret", "privatekey", "credential", "authorization", "apikey", "accesskey",
	"clientkey", "certificatedata", "certificateauthoritydata", "keydata", "certdata", "presharedkey", "wireguardkey", "etcdkey", "bearer",
}

// places are endings of names that tell where a secret is, and not what it is.
var places = [...]string{"file", "path", "dir", "name", "namespace", "ref", "url", "ttl", "type"}

// Key tells whether a key, with or without quotes, names a secret: "token", "client-key-data", "secretKey".
func Key(key string) bool {
	if len(key) > maxKey {
		return false
	}
	k := strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		}
		return -1
	}, key)
	for _, p := range places {
		if strings.HasSuffix(k, p) {
			return false
		}
	}
	if k == "psk" || k == "key" || strings.HasSuffix(k, "privkey") {
		return true
	}
	for _, w := range words {
		if strings.Contains(k, w) {
			return true
		}
	}
	return false
}

// maxKey is the length of the longest name that is looked at, in bytes.
const maxKey = 64

// span is a run of bytes to hide.
type span struct{ start, end int }

// Mask hides secrets in prose, each behind three stars: `"token": "abc"`, `password=abc`, `Bearer abc`,
// user:password@ in an address, PEM blocks. "cannot read secret: permission denied" is left as it is.
func Mask(s string) string {
	spans := find(s, true)
	if len(spans) == 0 {
		return s
	}
	var b strings.Builder
	at := 0
	for _, x := range spans {
		b.WriteString(s[at:x.start])
		b.WriteString("***")
		at = x.end
	}
	return b.String() + s[at:]
}

// Bytes hides the secrets of a configuration, valid JSON or not, or of a manifest. Every byte of a secret becomes a star,
// but for white space, so that offsets and lines stay what they are. The text itself is returned where it holds none.
func Bytes(text []byte) []byte {
	var out []byte
	for _, x := range find(string(text), false) {
		if out == nil {
			out = append(out, text...)
		}
		for i := x.start; i < x.end; i++ {
			if !isSpace(out[i]) {
				out[i] = '*'
			}
		}
	}
	if out == nil {
		return text
	}
	return out
}

// Runes is Bytes with one star for each code point, so that columns stay what they are.
func Runes(text []byte) []byte {
	var out []byte
	at := 0
	s := string(text)
	for _, x := range find(s, false) {
		out = append(out, text[at:x.start]...)
		for _, r := range s[x.start:x.end] {
			if r < 0x80 && isSpace(byte(r)) {
				out = append(out, byte(r))
			} else {
				out = append(out, '*')
			}
		}
		at = x.end
	}
	if at == 0 {
		return text
	}
	return append(out, text[at:]...)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
