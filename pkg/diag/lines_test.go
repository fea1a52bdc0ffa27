package diag

import (
	"strings"
	"testing"
)

// Lines agrees with LineColumn, whatever the bytes.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nbä\n\xff\xc3\x28\n"), 5)
	f.Add([]byte(strings.Repeat("ä\xe4€", 2000)+"\n"+strings.Repeat("x", 3000)), 7001)
	f.Fuzz(func(t *testing.T, text []byte, offset int) {
		line, column := NewLines(text).Place(offset)
		if l, c := LineColumn(text, offset); line != l || column != c {
			t.Fatalf("%d:%d, want %d:%d", line, column, l, c)
		}
	})
}
