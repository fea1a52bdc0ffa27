package bundle

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/secret"
)

// Mask hides secrets: what stands behind a key that says so, wherever it is met, and the values that were seen behind one in this
// node's files, wherever else they are repeated.
type Mask struct{ known []string }

// minSecret is the length from which a value is hidden everywhere: a shorter one would take words with it.
const minSecret = 6

// Learn takes the secrets out of a configuration, a kubeconfig or any other file of "key: value" lines.
func (m *Mask) Learn(text []byte) {
	var v any
	if json.Unmarshal(text, &v) == nil {
		m.walk(v, false)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		key, value, ok := strings.Cut(line, ":")
		if key = strings.Trim(key, " \t-\"'{,"); ok && secret.Key(key) {
			m.add(strings.Trim(value, " \t\r\"',}"))
		}
	}
	slices.SortFunc(m.known, func(a, b string) int { return len(b) - len(a) }) // one may be part of another
	m.known = slices.Compact(m.known)
}

// walk takes every string below a key that says it is secret.
func (m *Mask) walk(v any, below bool) {
	switch x := v.(type) {
	case map[string]any:
		for k, v := range x {
			m.walk(v, below || secret.Key(k))
		}
	case []any:
		for _, v := range x {
			m.walk(v, below)
		}
	case string:
		if below {
			m.add(x)
		}
	}
}

func (m *Mask) add(value string) {
	if len(value) >= minSecret && value != "true" && value != "false" {
		m.known = append(m.known, value)
	}
}

func (m *Mask) text(s string) string {
	for _, k := range m.known {
		s = strings.ReplaceAll(s, k, "***")
	}
	return secret.Mask(s)
}

func (m *Mask) bytes(b []byte) []byte { return secret.Bytes([]byte(m.text(string(b)))) }
