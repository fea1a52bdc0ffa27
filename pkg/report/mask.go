package report

import "strings"

// secretWords name what never leaves the configuration; they are looked for in lower case, before ":" or "=".
var secretWords = [...]string{"token", "password", "passwd", "secret", "client-key-data", "client-certificate-data",
	"certificate-authority-data", "etcd_key", "private_key", "api_key", "apikey"}

// Mask hides the values of secrets in a text: `"token": "abc"`, `password=abc`, `Bearer abc`, user:password@ in an
// address, and PEM blocks.
func Mask(s string) string {
	s = maskPEM(s)
	lower := asciiLower(s)
	var b strings.Builder
	copied := 0
	hide := func(start, end int) {
		if start >= copied && end > start {
			b.WriteString(s[copied:start])
			b.WriteString("***")
			copied = end
		}
	}
	user, password := -1, -1 // where user:password of an address may begin
	for i := 0; i < len(s); i++ {
		switch c := lower[i]; {
		case c == ':' && strings.HasPrefix(lower[i:], "://"):
			i += len("://") - 1
			user, password = i+1, -1
		case c == ':' && user >= 0 && password < 0:
			password = i + 1
		case c == '@' && password > 0:
			hide(password, i)
			user, password = -1, -1
		case strings.IndexByte(" /\"\n", c) >= 0:
			user, password = -1, -1
		case (c == ':' || c == '=') && i >= copied:
			if secretBefore(lower[max(0, i-64):i]) {
				start, end := value(s, i+1)
				// "cannot read secret: permission denied" is prose: a bare word's value must look like a secret.
				if c == '=' || s[i-1] == '"' || s[i-1] == '\'' || end-start >= 16 {
					hide(start, end)
				}
			}
		case c == 'b' && strings.HasPrefix(lower[i:], "bearer "):
			hide(value(s, i+len("bearer ")))
		}
	}
	if copied == 0 {
		return s
	}
	return b.String() + s[copied:]
}

// asciiLower keeps every byte in its place, which strings.ToLower does not.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func secretBefore(s string) bool {
	s = strings.TrimRight(s, " \"'\\")
	for _, w := range secretWords {
		if strings.HasSuffix(s, w) {
			return true
		}
	}
	return false
}

// value is where the value after a separator begins and ends: inside its quotes, or up to the next space or delimiter.
func value(s string, i int) (start, end int) {
	for i < len(s) && strings.IndexByte(" \t\\", s[i]) >= 0 {
		i++
	}
	stop := " \t\n,;}&)"
	if i < len(s) && (s[i] == '"' || s[i] == '\'') {
		stop = s[i:i+1] + "\\"
		i++
	}
	end = i
	for end < len(s) && strings.IndexByte(stop, s[end]) < 0 {
		end++
	}
	return i, end
}

func maskPEM(s string) string {
	const begin, end = "-----BEGIN ", "-----END "
	for from := 0; ; {
		i := strings.Index(s[from:], begin)
		if i < 0 {
			return s
		}
		i += from
		j := strings.Index(s[i:], end)
		if j < 0 {
			return s[:i] + "***"
		}
		s = s[:i] + "***" + strings.TrimPrefix(s[i+j:], end)
		from = i + 3
	}
}
