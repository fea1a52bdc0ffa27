package source

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// A stream is read to its end or not at all: the beginning of a longer one would be blamed for what is behind it.
func TestRead(t *testing.T) {
	if text, err := Read(endless{}, "stdin"); text != nil || err == nil || !strings.Contains(err.Error(), "stdin is larger than 16 MiB") {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	whole := bytes.Repeat([]byte("x"), MaxFile)
	if text, err := Read(io.MultiReader(bytes.NewReader(whole)), "stdin"); err != nil || len(text) != MaxFile {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}
