package outer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

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
	sweep(dir)
	tmp := filepath.Join(dir, fmt.Sprintf("%s%d", tmpPrefix, os.Getpid()))
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		var now []byte
		if now, err = Read(dir); err == nil && (!bytes.Equal(now, have) || (now == nil) != (have == nil)) {
			err = ErrChanged
		}
	}
	if err == nil {
		err = os.Rename(tmp, filepath.Join(dir, Name))
	}
	if err != nil {
		os.Remove(tmp)
		return err
	}
	return disk.SyncDir(dir)
}

const tmpPrefix = "." + Name + "."

// Temporary tells the names of half-written lists.
func Temporary(name string) bool { return strings.HasPrefix(name, tmpPrefix) }

// sweep removes what writers that were killed left half-written.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		writer, ok := strings.CutPrefix(e.Name(), tmpPrefix)
		if pid, err := strconv.Atoi(writer); ok && err == nil && (pid == os.Getpid() || syscall.Kill(pid, 0) == syscall.ESRCH) {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
