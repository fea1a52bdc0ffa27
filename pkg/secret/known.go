package secret

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/steps"
)

// Known are the values that stood behind a secret's key in files or configurations. They are hidden wherever else they
// are repeated, also without their key.
type Known struct{ values []string }

// minKnown is the length from which a value is hidden everywhere: a shorter one would take words with it.
const minKnown = 6

// maxKnown bounds how many values are kept.
const maxKnown = 4096

// Learn takes the secrets out of a configuration, a kubeconfig or any other file of "key: value" lines, valid or not.
func (k *Known) Learn(text []byte) {
	s := string(text)
	for _, x := range find(s, false) {
		if x.start >= len(`"key"`)+2 && strings.Contains(s[x.start-len(`"key"`)-2:x.start], `"key"`) {
			continue // most often the name of a label
		}
		k.learn(s[x.start:x.end])
	}
	slices.SortFunc(k.values, func(a, b string) int { // one may be part of another
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	k.values = slices.Compact(k.values)
}

// learn takes the values out of what stands behind a secret's key: one, or an object or an array of them.
func (k *Known) learn(hidden string) {
	if !strings.ContainsAny(hidden, "\n\"") {
		k.add(hidden)
		return
	}
	for line := range strings.SplitSeq(hidden, "\n") {
		quoted := false
		for rest := line; ; {
			_, after, ok := strings.Cut(rest, `"`)
			if !ok {
				break
			}
			f := finder{s: after, left: steps.For(len(after), perByte)}
			end := f.closing(0, '"', 0, len(after))
			rest = strings.TrimPrefix(after[end:], `"`)
			if quoted = true; !strings.HasPrefix(strings.TrimLeft(rest, " "), ":") { // else it is a key
				k.add(after[:end])
			}
		}
		if value := strings.Trim(line, " \t\r-|>"); !quoted && value != "" {
			if _, v, ok := strings.Cut(value, ": "); ok {
				value = strings.Trim(v, " '")
			}
			k.add(value)
		}
	}
}

// add keeps a value as it is written and, where that is another, as JSON means it.
func (k *Known) add(value string) {
	if len(value) < minKnown || len(k.values) >= maxKnown || isHarmless(value) {
		return
	}
	k.values = append(k.values, value)
	var plain string
	if strings.Contains(value, `\`) && json.Unmarshal([]byte(`"`+value+`"`), &plain) == nil && len(plain) >= minKnown {
		k.values = append(k.values, plain)
	}
}

// Mask hides what is known, and what Mask finds.
func (k *Known) Mask(s string) string {
	for _, v := range k.values {
		s = strings.ReplaceAll(s, v, "***")
	}
	return Mask(s)
}

// Bytes is Mask of a configuration or a manifest: the rest of its secrets become stars.
func (k *Known) Bytes(text []byte) []byte { return Bytes([]byte(k.Mask(string(text)))) }
