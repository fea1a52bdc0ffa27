package delegate

import (
	"strings"
	"testing"

	"github.com/containernetworking/cni/pkg/types"
)

// Where a plugin says too much, the cut goes through no word, so that no half of a token is left that nobody knows for one.
func TestCutIsBetweenWords(t *testing.T) {
	const token = "gh" + "p_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
	for shift := range len(token) {
		e := &ends{limit: 1000}
		_, _ = e.Write([]byte(strings.Repeat("a", 980-shift) + " " + token + " " + strings.Repeat("word ", 1000) + token + " " + strings.Repeat("z ", (1000-shift)/2)))
		got := string(e.bytes())
		for _, part := range []string{token[4:9], token[len(token)-5:]} {
			if strings.Contains(got, part) && !strings.Contains(got, token) {
				t.Fatalf("cut at %d: %q", shift, got)
			}
		}
		if !strings.Contains(got, " bytes left out …]\n") || len(got) > 2100 {
			t.Fatalf("%q", got)
		}
	}
}

// A note about a roll-back shows no value of the plugin's configuration, said without its key.
func TestErrorIsMasked(t *testing.T) {
	e := &Error{Attempt: &Attempt{Stdin: []byte(`{"type":"x","ipsecKey":"geheim-7"}`)}, CNI: types.NewError(100, "auth with geheim-7 failed", "geheim-7")}
	if got := e.Error(); got != "auth with *** failed; ***" {
		t.Errorf("%q", got)
	}
	e.CNI.Details = strings.Repeat("x ", MaxStdout/2) + "geheim-7 is refused"
	if got := e.Error(); !strings.HasPrefix(got, "auth with *** failed; x x ") || !strings.HasSuffix(got, " x *** is refused") || len(got) > maxShown {
		t.Errorf("%d bytes: %.40q", len(got), got)
	}
}
