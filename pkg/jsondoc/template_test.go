package jsondoc

import (
	"bytes"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/steps/stepstest"
)

// The law: a placeholder lies in the text on one line, is not empty, and is found at no higher cost than the text's length allows.
func FuzzPlaceholder(f *testing.F) {
	for _, s := range []string{"__MTU__", "{{ .x }}", "{% if %}", "${X}", "$(X)", "$XY_", "<% x %>", "a__B__c", "{{{", "${", "__A"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		start, end, ok := Placeholder(text)
		if ok != (end > start) || start < 0 || end > len(text) || ok && bytes.IndexByte(text[start:end], '\n') >= 0 {
			t.Fatalf("%d-%d %v in %q", start, end, ok, text)
		}
		Placeholder(stepstest.Long(text))
	})
}
