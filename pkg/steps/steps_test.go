package steps

import (
	"strings"
	"testing"
)

// A loop that moves nowhere ends, and says of what length the text was.
func TestEndless(t *testing.T) {
	turns := 0
	defer func() {
		if p, _ := recover().(string); !strings.HasPrefix(p, "reading 10 bytes ") || turns != base+10*3 {
			t.Errorf("%q after %d turns", p, turns)
		}
	}()
	for left := For(10, 3); ; turns++ {
		left.Take(1)
	}
}

// What stays within the bound is left alone.
func TestBounded(t *testing.T) {
	left := For(1000, 2)
	for range 1000 {
		left.Take(2)
	}
}

func BenchmarkTake(b *testing.B) {
	left := For(b.N, 1)
	for range b.N {
		left.Take(1)
	}
}
