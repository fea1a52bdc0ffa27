package outer

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/disk"
)

// ErrChanged: the list is another than the one that was read; somebody else writes it.
var ErrChanged = errors.New("it has changed meanwhile")

// Read returns the text of dir's list, nil where there is none.
func Read(dir string) ([]byte, error) {
	text, err := disk.ReadAnyone(filepath.Join(dir, Name), chain.MaxSize)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// Write puts text in the place of the list that holds have (nil: of none), or does nothing and returns ErrChanged. Readers see the
// old list or the new one, never a part, and runtimes notice: containerd reads its directory again for a rename within it, and not
// for one from elsewhere. The temporary name is none that a runtime reads. A link in the list's place is replaced, not followed.
func Write(dir string, text, have []byte) error {
	return disk.ReplaceBeside(filepath.Join(dir, Name), text, 0o644, func(string) error {
		now, err := Read(dir)
		if err == nil && (!bytes.Equal(now, have) || (now == nil) != (have == nil)) {
			err = ErrChanged
		}
		return err
	})
}

// Temporary tells the names of half-written lists.
func Temporary(name string) bool { return strings.HasPrefix(name, disk.BesidePrefix(Name)) }
