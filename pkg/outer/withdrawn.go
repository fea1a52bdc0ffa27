package outer

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/disk"
)

// Names in the shim's state directory.
const (
	Remembered = "outer.conflist" // the list as it was last right
	Withdrawn  = "withdrawn"      // stands while the watch has taken the list away, and means to write it back
)

// Away tells whether the watch has taken the list away.
func Away(state string) bool {
	_, err := os.Lstat(filepath.Join(state, Withdrawn))
	return err == nil
}

// ReadKept is Read; where there is no list since the watch has taken it away, it returns what will be written back, and true.
func ReadKept(dir, state string) (text []byte, away bool, err error) {
	if text, err = Read(dir); text != nil || err != nil || !Away(state) {
		return text, false, err
	}
	text, err = disk.Read(filepath.Join(state, Remembered), chain.MaxSize)
	return text, err == nil, err
}

// Withdraw takes the list that holds have out of dir, so that it can be written back: it is remembered in state before it goes. It
// returns ErrChanged where the list is another.
func Withdraw(dir, state string, have []byte) error {
	err := disk.EnsureDir(state, 0o700)
	if err == nil {
		err = disk.Replace(state, Remembered, have, 0o600, true)
	}
	if err == nil {
		err = disk.Replace(state, Withdrawn, nil, 0o600, true)
	}
	if err != nil {
		return err
	}
	now, err := Read(dir)
	if err == nil && !bytes.Equal(now, have) {
		err = ErrChanged
	}
	if err == nil {
		err = os.Remove(filepath.Join(dir, Name))
	}
	if err != nil {
		_ = os.Remove(filepath.Join(state, Withdrawn)) // it is not away
	}
	return err
}
