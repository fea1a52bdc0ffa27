package secret

import (
	"strings"
	"testing"
)

// BenchmarkMask is what a mebibyte of a plugin's words costs, and a short message.
func BenchmarkMask(b *testing.B) {
	line := `time="2026-01-01T00:00:00Z" level=error msg="plugin type=calico failed (add): dial tcp 10.96.0.1:443: i/o timeout" pod=default/web-0` + "\n"
	for name, text := range map[string]string{"message": line, "mebibyte": strings.Repeat(line, 1<<20/len(line))} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				Mask(text)
			}
		})
	}
}
