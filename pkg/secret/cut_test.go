package secret

import (
	"strings"
	"testing"
)

// However a cut goes through a token, a value behind its key or a value that is known, none of it is shown, with blanks
// around it and without.
func TestCutShowsNoPart(t *testing.T) {
	const limit, value = 4 * MaxToken, "horse battery staple zwei"
	token := "gh" + "p_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
	var known Known
	known.Learn([]byte(`{"ipsecKey":"` + value + `"}`))
	for _, fill := range []string{"word ", "word,", "/"} {
		for _, secret := range []string{token, "password=" + "Q7" + strings.Repeat("x", 40), value} {
			for shift := range len(secret) + 1 {
				for _, at := range []int{limit - shift, limit/2 - shift} {
					text := strings.Repeat(fill, at/len(fill)+1)[:at] + secret + strings.Repeat(fill, 3*limit/len(fill))
					long := strings.Repeat(fill, 3*limit/len(fill)) + secret + strings.Repeat(fill, at/len(fill)+1)[:at]
					shown := known.Ends(text, limit) + known.Ends(long, limit)
					if secret != value { // which is a secret by nothing but what is known
						shown += Head(text, limit) + Head(long, limit)
					}
					for i := 0; i+5 <= len(secret); i++ {
						if part := secret[i : i+5]; strings.Contains(shown, part) && !strings.Contains("password=***", part) {
							t.Fatalf("%q cut after %d bytes behind %q shows %q", secret, shift, fill, part)
						}
					}
				}
			}
		}
	}
}

// A long text keeps its beginning, and of Ends its end: errors are wrapped from the inside.
func TestCutKeepsEnds(t *testing.T) {
	const limit = 16 * MaxToken
	for _, fill := range []string{"word ", "x", "é"} {
		text := "first " + strings.Repeat(fill, 1<<20) + " no space left on device"
		if got := Head(text, limit); !strings.HasPrefix(got, "first ") || !strings.HasSuffix(got, "…") || len(got) < limit/2 || len(got) > limit {
			t.Errorf("%d bytes of %q: %.40q", len(got), fill, got)
		}
		got := new(Known).Ends(text, limit)
		if !strings.HasPrefix(got, "first ") || !strings.HasSuffix(got, " no space left on device") || len(got) < limit/4 || len(got) > limit {
			t.Errorf("%d bytes of %q: %.40q", len(got), fill, got)
		}
	}
	if got := Head("short password=geheim1", limit); got != "short password=***" {
		t.Error(got)
	}
}
