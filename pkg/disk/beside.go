package disk

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ReplaceBeside writes a file whole into a directory that others read: under a name of its own beside path, then by rename, because
// who watches the directory sees a rename within it. Readers see the old content or the new and never a part; a program that runs is
// never busy; it survives a power cut. The temporary file is made only where nothing is, and a link in path's place is replaced, not
// followed. The mode is perm whatever the umask. ready, unless nil, has the last word: it gets the temporary file's path, and where it
// fails nothing is replaced.
func ReplaceBeside(path string, data []byte, perm os.FileMode, ready func(tmp string) error) error {
	SweepBeside(path)
	tmpName := BesidePrefix(path) + strconv.Itoa(os.Getpid())
	f, err := makeFile(tmpName, syscall.O_WRONLY|syscall.O_EXCL|syscall.O_NOFOLLOW, perm)
	if err != nil {
		return err
	}
	err = errors.Join(write(f, data, true), f.Close())
	if err == nil && ready != nil {
		err = ready(tmpName)
	}
	if err == nil {
		err = rename(tmpName, path)
	}
	if err != nil {
		os.Remove(tmpName)
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// BesidePrefix begins the names of the temporary files beside path: hidden, and with an ending that nobody reads.
func BesidePrefix(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".")
}

// SweepBeside removes what writers of path that were killed left half-written.
func SweepBeside(path string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return
	}
	for _, e := range entries {
		name := filepath.Join(filepath.Dir(path), e.Name())
		writer, ok := strings.CutPrefix(name, BesidePrefix(path))
		if pid, err := strconv.Atoi(writer); ok && err == nil && (pid == os.Getpid() || syscall.Kill(pid, 0) == syscall.ESRCH) {
			os.Remove(name)
		}
	}
}

// ReplaceInPlace puts other content into somebody else's file, whole. Mode and owner stay.
func ReplaceInPlace(path string, data []byte) error {
	old, st, err := open(path)
	if err != nil {
		return err
	}
	old.Close()
	return ReplaceBeside(path, data, os.FileMode(st.Mode&0o777), func(tmp string) error {
		return os.Lchown(tmp, int(st.Uid), int(st.Gid))
	})
}
