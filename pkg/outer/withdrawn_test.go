package outer

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A list goes only when it is remembered, is what it was taken for, and can be read on.
func TestWithdraw(t *testing.T) {
	dir, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	read := func(want string, wantAway bool) {
		t.Helper()
		if text, away, err := ReadKept(dir, state); string(text) != want || away != wantAway || err != nil {
			t.Errorf("%q %v %v, want %q %v", text, away, err, want, wantAway)
		}
	}
	read("", false)
	if err := Write(dir, []byte("one"), nil); err != nil {
		t.Fatal(err)
	}
	if err := Withdraw(dir, state, []byte("other")); !errors.Is(err, ErrChanged) || Away(state) {
		t.Error(err)
	}
	read("one", false)
	if err := Withdraw(dir, state, []byte("one")); err != nil || !Away(state) {
		t.Error(err)
	}
	read("one", true)
	if err := Write(dir, []byte("two"), nil); err != nil {
		t.Fatal(err)
	}
	read("two", false)
	// Where nothing can be remembered nothing is taken away.
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Withdraw(dir, file, []byte("two")); err == nil {
		t.Error("withdrawn")
	}
	read("two", false)
}
