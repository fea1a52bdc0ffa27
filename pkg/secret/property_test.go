package secret

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const (
	lowers   = "abcdefghijklmnopqrstuvwxyz"
	digits   = "0123456789"
	hexes    = "0123456789abcdef"
	uppers   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	alnum    = lowers + uppers + digits
	base64s  = alnum + "+/"
	base64us = alnum + "-_"
)

// maker makes secrets.
type maker struct{ *rand.Rand }

func (m maker) of(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[m.IntN(len(alphabet))]
	}
	return string(b)
}

// kinds are secrets that are known by their shape alone. They are put together here, so that no scanner takes this file for a leak.
func (m maker) kinds() map[string]string {
	jwt := "eyJ" + m.of(base64us, 30) + ".eyJ" + m.of(base64us, 80) + "." + m.of(base64us, 43)
	return map[string]string{
		"GitHub":            "gh" + "p_" + m.of(alnum, 36),
		"GitHub app":        "gh" + "s_" + m.of(alnum, 36),
		"GitHub fine":       "github" + "_pat_" + m.of(alnum, 22) + "_" + m.of(alnum, 59),
		"GitLab":            "gl" + "pat-" + m.of(base64us, 20),
		"GitLab runner":     "gl" + "rt-" + m.of(base64us, 20),
		"AWS":               "AK" + "IA" + m.of(uppers, 8) + "2" + m.of(uppers, 7),
		"AWS session":       "AS" + "IA" + m.of(uppers, 8) + "2" + m.of(uppers, 7),
		"Google":            "AI" + "za" + m.of(base64us, 35),
		"Google OAuth":      "ya" + "29." + m.of(base64us, 60),
		"Slack":             "xo" + "xb-" + m.of(digits, 12) + "-" + m.of(digits, 12) + "-" + m.of(alnum, 24),
		"Slack app":         "xa" + "pp-1-" + m.of(uppers, 11) + "-" + m.of(digits, 13) + "-" + m.of(hexes, 64),
		"npm":               "np" + "m_" + m.of(alnum, 36),
		"PyPI":              "py" + "pi-AgEIcHlwaS5vcmc" + m.of(base64us, 70),
		"Docker Hub":        "dck" + "r_pat_" + m.of(alnum, 27),
		"Hugging Face":      "h" + "f_" + m.of(alnum, 34),
		"Stripe":            "sk" + "_live_" + m.of(alnum, 24),
		"SendGrid":          "S" + "G." + m.of(base64us, 22) + "." + m.of(base64us, 43),
		"DigitalOcean":      "do" + "p_v1_" + m.of(hexes, 64),
		"Vault":             "hv" + "s." + m.of(base64us, 90),
		"Grafana":           "gl" + "sa_" + m.of(alnum, 32) + "_" + m.of(hexes, 8),
		"Tailscale":         "ts" + "key-auth-" + m.of(alnum, 12) + "-" + m.of(alnum, 20),
		"age":               "AGE-SECRET" + "-KEY-1" + m.of(uppers+digits, 58),
		"JSON Web Token":    jwt,
		"bootstrap token":   m.of(lowers, 3) + m.of(digits, 3) + "." + m.of(lowers, 7) + "7" + m.of(hexes, 8),
		"K3s":               "K" + "10" + m.of(hexes, 64) + "::server:" + m.of(hexes, 32),
		"docker login":      "eyJhdXRocyI6" + m.of(alnum, 90) + "=",
		"PEM on one line":   "-----BEGIN " + "RSA PRIVATE KEY-----" + m.of(base64s, 300) + "-----END RSA PRIVATE KEY-----",
		"PEM with blanks":   "-----BEGIN " + "EC PRIVATE KEY----- " + m.of(base64s, 64) + " " + m.of(base64s, 40) + " -----END EC PRIVATE KEY-----",
		"PEM's end":         m.of(base64s, 30) + "== -----END " + "PRIVATE KEY-----",
		"PEM, escaped":      "-----BEGIN " + `OPENSSH PRIVATE KEY-----\n` + m.of(base64s, 64) + `\n-----END OPENSSH PRIVATE KEY-----`,
		"PEM in base64":     "LS0tLS1CRUdJTi" + m.of(base64s, 200) + "==",
		"body of a PEM":     "MII" + m.of(base64s, 200),
		"SSH":               "b3BlbnNzaC1rZXkt" + m.of(base64s, 100),
		"WireGuard":         m.of(base64s, 20) + "aB3" + m.of(base64s, 20) + "=",
		"IPsec":             "aead 'rfc4106(gcm(aes))' 0x" + m.of(hexes, 40),
		"IPsec of Cilium":   "rfc4106(gcm(aes)) " + m.of(hexes, 40),
		"password hash":     "$6$" + m.of(alnum, 8) + "$" + m.of(alnum+"./", 86),
		"password in a URL": "http://admin:" + m.of(alnum, 10) + "@10.0.0.1:2379/x",
		// Digits alone before the slash are a port, and "@" then stands in the path.
		"slash in a URL": "http://admin:" + m.of(lowers, 1) + m.of(alnum, 4) + "/" + m.of(alnum, 5) + "@10.0.0.1:2379/x",
		"at in a URL":    "redis://:" + m.of(alnum, 5) + "@" + m.of(alnum, 5) + "@10.0.0.1:2379/x",
		"token in a URL": "https://" + m.of(alnum, 12) + "@registry.example.com/v2",
		"signed URL":     "https://a.example.com/b?se=1&sig=" + m.of(alnum, 20) + "%2F" + m.of(alnum, 20) + "%3D&sp=r",
		"AWS URL":        "https://a.example.com/b?X-Amz-Signature=" + m.of(hexes, 64),
		"Slack webhook":  "https://hooks.slack.com/services/T" + m.of(uppers, 8) + "/B" + m.of(uppers, 8) + "/" + m.of(alnum, 24),
		"MySQL source":   "admin:" + m.of(alnum, 12) + "@tcp(10.0.0.1:3306)/db",
	}
}

// open is what may be read of a secret of a kind: what no secret is part of.
var open = map[string][]string{
	"IPsec":             {"aead 'rfc4106(gcm(aes))' 0x"},
	"IPsec of Cilium":   {"rfc4106(gcm(aes)) "},
	"password in a URL": {"http://admin:", "@10.0.0.1:2379/x"},
	"slash in a URL":    {"http://admin:", "@10.0.0.1:2379/x"},
	"at in a URL":       {"redis://:", "@10.0.0.1:2379/x"},
	"token in a URL":    {"https://", "@registry.example.com/v2"},
	"signed URL":        {"https://a.example.com/b?se=1&sig=", "&sp=r"},
	"AWS URL":           {"https://a.example.com/b?X-Amz-Signature="},
	"Slack webhook":     {"https://hooks.slack.com/services/T"},
	"MySQL source":      {"admin:", "@tcp(10.0.0.1:3306)/db"},
}

// hidden returns the part of a secret of a kind that must not be seen.
func hidden(kind, secret string) string {
	for _, o := range open[kind] {
		secret = strings.TrimSuffix(strings.TrimPrefix(secret, o), o)
	}
	if strings.Contains(secret, "-----") { // the body: everybody knows the marks
		parts := strings.Split(secret, "-----")
		longest := ""
		for _, p := range parts {
			if len(p) > len(longest) {
				longest = p
			}
		}
		return strings.Trim(longest, ` \n=`)
	}
	return secret
}

// around are places where a secret of a known shape may stand.
var around = []string{
	"%s", "got %s from it", "(%s)", "'%s'", "x=%s,y=1", "name: %s\n", "{\"x\": \"%s\"}", "{\"x\":[\"a\",\"%s\"]}", `{\"x\":\"%s\",\"y\":1}`, "- %s\n- b\n",
	"run --x %s --y failed", "run --x=%s", "X-Thing: %s\r\n", "a\n%s\nb", "<x>%s</x>", "map[x:%s y:1]", "error: %s: no such thing", "\"%s\" is refused", "x: '%s'",
}

// keyed are places where a secret stands behind its key. %[1]s is the key and %[2]s the secret.
var keyed = []string{
	`{"%[1]s": "%[2]s"}`, `{"%[1]s":"%[2]s","x":1}`, "{\n  \"%[1]s\":\n    \"%[2]s\"\n}", `{"%[1]s":["%[2]s"]}`, `{"%[1]s":["a","%[2]s"],"x":1}`, `{"%[1]s":{"value":"%[2]s"}}`,
	`{"%[1]s":{"a":"}","value":["%[2]s"]}}`, `{\"%[1]s\":\"%[2]s\"}`, `{\"%[1]s\":{\"v\":\"}\",\"value\":\"%[2]s\"}}`, `msg="{\"%[1]s\": \"%[2]s\"}"`, `{'%[1]s': '%[2]s'}`, "%[1]s: \"%[2]s\"", "%[1]s: '%[2]s'\n",
	"%[1]s: %[2]s", "a: 1\n%[1]s: %[2]s\nb: 2\n", "  - %[1]s: %[2]s\n", "%[1]s:\n  - %[2]s\n  - x\n", "%[1]s:\n- x\n- %[2]s\nb: 1\n", "%[1]s:\n  value:\n    deep: %[2]s\nb: 1\n",
	"%[1]s: |\n  x\n  %[2]s\nb: 1\n", "%[1]s: >-\n  %[2]s\n", "%[1]s=%[2]s", "export %[1]s=%[2]s; run", "user=a;%[1]s=%[2]s;server=b", "a=1&%[1]s=%[2]s&b=2", "https://h/p?%[1]s=%[2]s&b=2",
	"run --%[1]s %[2]s --x", "run --%[1]s=%[2]s --x", `["run", "--%[1]s", "%[2]s"]`, `[\"--%[1]s\",\"%[2]s\"]`, "args:\n- --%[1]s\n- %[2]s\n", "args:\n  - \"--%[1]s\"\n  - \"%[2]s\"\n", `args: ["--%[1]s=%[2]s"]`, "exec -%[1]s %[2]s",
	"%[1]s = %[2]s\n", "%[1]s => '%[2]s'", "<%[1]s>%[2]s</%[1]s>", "{%[1]s:%[2]s x:1}", "map[%[1]s:%[2]s x:1]", "- name: %[1]s\n  value: %[2]s\n", `{"name":"%[1]s","value":"%[2]s"}`, `{"key":"%[1]s","value":"%[2]s"}`,
	"X-%[1]s: %[2]s\r\nHost: h", "error: %[1]s: %[2]s",
}

var secretKeys = []string{"token", "password", "passwd", "pwd", "pass", "passphrase", "secret", "secretKey", "ipsecKey", "ipsec_key", "encryptionKey", "snmpCommunity", "kubeconfigData", "cookie",
	"dockerconfigjson", ".dockerconfigjson", "client_secret", "clientSecret", "api-key", "API_KEY", "apikey", "accessKey", "aws_secret_access_key", "AccountKey", "SharedAccessKey", "private-key", "presharedKey", "psk",
	"client-key-data", "credentials", "bootstrapToken", "DB_PASSWORD", "dbPass", "auth_token", "x-api-key", "identity_token"}

// TestNothingLeaks puts made-up secrets of every kind in every place; no more than four bytes in a row of one may be seen.
func TestNothingLeaks(t *testing.T) {
	for seed := range uint64(4) {
		if leaks(t, seed); t.Failed() {
			return
		}
	}
}

// FuzzLeaks is TestNothingLeaks with secrets that no run has had.
func FuzzLeaks(f *testing.F) {
	f.Add(uint64(4))
	f.Fuzz(func(t *testing.T, seed uint64) { leaks(t, seed) })
}

func leaks(t *testing.T, seed uint64) {
	t.Helper()
	m := maker{rand.New(rand.NewPCG(seed, 1))}
	for kind, secret := range m.kinds() {
		for _, place := range around {
			text := fmt.Sprintf(place, secret)
			if strings.Contains(secret, "\\n") && strings.Contains(place, `\"`) {
				continue // would be escaped twice there
			}
			seen(t, kind+" in "+place, text, hidden(kind, secret))
		}
	}
	for _, key := range secretKeys {
		for _, secret := range []string{
			m.of(alnum, 8) + "7x", m.of(lowers, 5) + m.of(digits, 1), "a" + m.of(base64us, 30) + "4a",
			m.of(alnum, 4) + "9" + m.of("!#$%^*+~", 2) + m.of(alnum, 4), m.of(digits, 10),
		} {
			for _, place := range keyed {
				if strings.HasPrefix(key, ".") && strings.Contains(place, "-%[1]s") {
					continue // no flag
				}
				seen(t, key+" in "+place, fmt.Sprintf(place, key, secret), secret)
			}
		}
	}
}

func seen(t *testing.T, where, text, secret string) {
	t.Helper()
	quoted, _ := json.Marshal(text)
	for name, got := range map[string]string{"Mask": Mask(text), "Bytes": string(Bytes([]byte(text))), "quoted": Mask(string(quoted))} {
		if part := common(got, secret); part != "" && !strings.Contains(strings.Replace(text, secret, "\x00", 1), part) {
			t.Errorf("%s: %s of\n%s\nshows %q:\n%s", where, name, text, part, got)
		}
	}
}

// common is a run of five bytes of a secret that a text shows.
func common(text, secret string) string {
	for i := 0; i+5 <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+5]) {
			return secret[i : i+5]
		}
	}
	return ""
}
