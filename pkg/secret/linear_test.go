package secret

import (
	"strings"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/steps"
	"github.com/cni-shim/cni-shim/pkg/steps/stepstest"
)

// units are what a reader that goes back, or reads ahead and hides nothing, would read again and again.
var units = []string{
	"a", "\"", "'", "{", "[", "{\"token\":", "token: ", "token: |\n", "token:\n", `token:\n`, "token=", "://",
	"://a:b", "://a:b@", "://a:b,", "@tcp(", "a@tcp(", "-----BEGIN ", "-----END ", "-----BEGIN -----END ", "eyJ",
	"eyJ.eyJ.", "ghp_", "npm_:", "sk-ant-/", "SG.", "SG..", "AKIAABCDEFGH23456789 ", "AKIA", "$6$", "$", "\\",
	"\\\"", "\\n", "--token ", "--token,", "--token\n- ", "curl -u ", "Bearer ", "Basic ", "password", "pass word: ",
	"name: token\n", "a,", "token=a,", "token=a=", "Cookie: a", "Authorization: Digest a=", " ", "token: {",
	"“token”: “", "\"token\":\"", "x=y&", "\xff", "é", "MII", "hmac(sha256) ", "- ", "token: >", "key: key: ",
	"a b\"", "\"a b\": ",
	`curl -u \"a `, "curl/-u=a/", "pw=/etc/", "token: /etc/x:", "pw=`/etc/", `--token\x/`, `--token,"/etc/`, "pw={", `pw={"`, `pw={\"`,
	"auth={", "login password ", "psk \"", "-u 'a", ">1", "token: > ", ".token:\n",
}

// rising is a text whose every unit opens a string with one backslash more than the unit before: none of them is closed.
func rising(unit string, most int) string {
	var b strings.Builder
	for k := 1; k <= most; k++ {
		b.WriteString(strings.ReplaceAll(unit, "~", strings.Repeat(`\`, k)))
	}
	return b.String()
}

// hostile are long texts that are made to cost more than their length allows.
func hostile() map[string]string {
	texts := map[string]string{}
	for _, unit := range units {
		texts[unit] = strings.Repeat(unit, 1<<17/len(unit))
	}
	for _, unit := range []string{" pw={~\"", " {\"pw\":{~\"", " pw=~`/etc/", " pw:~“/etc/", " --token,~\"/etc/", " curl -u ~\"a", " pw=~'", "pw ~\""} {
		texts["rising "+unit] = rising(unit, 400)
	}
	return texts
}

// Whatever a text is made of, reading it takes no more steps than its length allows, and they count each scan that may be
// repeated: a cost that grows with the square of 128 KiB exceeds them.
func TestLinear(t *testing.T) {
	for name, text := range hostile() {
		for _, prose := range []bool{true, false} {
			func() {
				defer func() {
					if p := recover(); p != nil {
						t.Errorf("%q, prose %v: %v", name, prose, p)
					}
				}()
				newFinder(text, prose).walk()
			}()
		}
	}
}

// Where reading takes more steps than it may, what was found stays hidden, and the rest of the text is hidden with it.
func TestRestIsHidden(t *testing.T) {
	const text = "a password=geheim1 b token=geheim2 c ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5 d"
	want := Mask(text)
	for most := 0; ; most++ { // steps that are left
		f := newFinder(text, true)
		f.left = steps.For(0, 0)
		f.left.Take(256 - most)
		got := replaced(text, f.spansOrRest())
		if got == want {
			return
		}
		if !strings.HasSuffix(got, "***") || strings.Contains(got, "geheim") || strings.Contains(got, "aB3dE") {
			t.Fatalf("with %d steps: %q", most, got)
		}
		if kept := strings.TrimSuffix(got, "***"); !strings.HasPrefix(want, kept) {
			t.Fatalf("with %d steps: %q, not %q", most, got, want)
		}
	}
}

// The law of Mask: it reads any text within the steps of its length, what it leaves is what stands there, in order, and it
// ends, panics or not.
func FuzzMask(f *testing.F) {
	for _, s := range []string{"password=geheim1 x", `{"token":["a"]}`, "curl -u a:b c", "pw=`/etc/x`", " pw={\\\"", rising(" pw={~\"", 30)} {
		f.Add(s)
	}
	for _, unit := range units {
		f.Add(unit)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range []string{text, string(stepstest.Long([]byte(text)))} {
			at, kept := 0, 0
			for _, x := range newFinder(s, true).walk() { // which panics where the cost is not in proportion to the length
				if x.start < at || x.end <= x.start || x.end > len(s) {
					t.Fatalf("%q: %v behind %d", s, x, at)
				}
				kept += x.start - at + len("***")
				at = x.end
			}
			if kept += len(s) - at; len(Mask(s)) != kept {
				t.Fatalf("%q became %q", s, Mask(s))
			}
			newFinder(s, false).walk()
		}
	})
}
