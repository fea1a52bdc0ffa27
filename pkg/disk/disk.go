// Package disk reads and writes the small files that the shim keeps in directories of its own. Everything runs as root
// beside other programs, so nothing is followed through a symbolic link, nothing foreign is trusted, every read is
// bounded, and a file is replaced whole or not at all.
package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrUntrusted marks a file or directory that is not the shim's to believe: a link, of another owner, writable by
// others, or not of the kind expected.
var ErrUntrusted = errors.New("not to be trusted")

// tmp is the directory, inside each of the shim's directories, that half-written files live in.
const tmp = ".tmp"

// EnsureDir makes path and what is missing above it, and checks that path is a directory of this user that nobody
// else can write to. It changes nothing that is already there.
func EnsureDir(path string, perm os.FileMode) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		switch err := os.Mkdir(path, perm); {
		case err == nil:
			return os.Chmod(path, perm) // whatever the caller's umask is
		case !errors.Is(err, os.ErrExist):
			return err
		}
		fi, err = os.Lstat(path)
	}
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		return fmt.Errorf("%s: not a directory: %w", path, ErrUntrusted)
	}
	return trusted(path, fi)
}

// trusted refuses what another user owns or anybody else can write to.
func trusted(path string, fi os.FileInfo) error {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s: owned by uid %d: %w", path, st.Uid, ErrUntrusted)
	}
	if fi.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s: writable by others (%s): %w", path, fi.Mode().Perm(), ErrUntrusted)
	}
	return nil
}

// Read returns a file of the shim's own, at most limit bytes of it; a longer file is an error.
func Read(path string, limit int64) ([]byte, error) {
	f, fi, err := open(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := trusted(path, fi); err != nil {
		return nil, err
	}
	return bounded(f, fi, limit)
}

// ReadAnyone returns a regular file that others may own and links may lead to, at most limit bytes of it; a longer
// file, a device, a FIFO or a directory is an error. For configuration, which is not the shim's own.
func ReadAnyone(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file (%s)", path, kind(fi.Mode()))
	}
	return bounded(f, fi, limit)
}

// open opens a regular file without following a link in its last element and without waiting on a FIFO.
func open(path string, flag int) (*os.File, os.FileInfo, error) {
	f, err := os.OpenFile(path, flag|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		if errors.Is(err, syscall.ELOOP) {
			return nil, nil, fmt.Errorf("%s: a symbolic link: %w", path, ErrUntrusted)
		}
		return nil, nil, err
	}
	fi, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	if !fi.Mode().IsRegular() {
		f.Close()
		return nil, nil, fmt.Errorf("%s: %s: %w", path, kind(fi.Mode()), ErrUntrusted)
	}
	return f, fi, nil
}

func bounded(f *os.File, fi os.FileInfo, limit int64) ([]byte, error) {
	if fi.Size() > limit {
		return nil, fmt.Errorf("%s: %d bytes, more than the %d that are read", f.Name(), fi.Size(), limit)
	}
	b := make([]byte, 0, max(fi.Size(), 511)+1) // files of the kernel have no size, and give a number to the first read only
	for {
		n, err := f.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return nil, fmt.Errorf("%s: grew beyond the %d bytes that are read", f.Name(), limit)
		case err == io.EOF:
			return b, nil
		case err != nil:
			return nil, err
		case len(b) == cap(b):
			b = append(b, 0)[:len(b)]
		}
	}
}

func kind(m os.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&os.ModeSymlink != 0:
		return "a symbolic link"
	case m&os.ModeNamedPipe != 0:
		return "a FIFO"
	case m&os.ModeSocket != 0:
		return "a socket"
	case m&os.ModeDevice != 0:
		return "a device"
	}
	return "not a regular file"
}

// Replace writes a file whole: into dir/.tmp, then by rename to dir/name, so that readers see the old content or the
// new and never a part. Durable also survives a power cut, at the price of two fsyncs. The directory must exist.
func Replace(dir, name string, data []byte, perm os.FileMode, durable bool) error {
	tmpDir := filepath.Join(dir, tmp)
	tmpName := filepath.Join(tmpDir, name+"."+strconv.Itoa(os.Getpid()))
	const flag = os.O_WRONLY | os.O_CREATE | os.O_TRUNC | syscall.O_NOFOLLOW | syscall.O_CLOEXEC
	f, err := os.OpenFile(tmpName, flag, perm)
	if errors.Is(err, os.ErrNotExist) {
		if err := EnsureDir(tmpDir, 0o700); err != nil {
			return err
		}
		f, err = os.OpenFile(tmpName, flag, perm)
	}
	if err != nil {
		return err
	}
	err = errors.Join(write(f, data, perm, durable), f.Close())
	if err == nil {
		err = os.Rename(tmpName, filepath.Join(dir, name))
	}
	if err != nil {
		os.Remove(tmpName)
		return err
	}
	if durable {
		return SyncDir(dir)
	}
	return nil
}

func write(f *os.File, data []byte, perm os.FileMode, durable bool) error {
	if err := f.Chmod(perm); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if durable {
		return f.Sync()
	}
	return nil
}

// ErrLocked marks a lock that somebody else holds.
var ErrLocked = errors.New("locked")

// TryLock takes the lock of a name in dir without waiting; ErrLocked when it is taken. It ends with unlock or the process.
func TryLock(dir, name string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock-"+name), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, ErrLocked
	}
	return func() { f.Close() }, nil
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Sweep removes what writers that were killed left half-written in dir.
func Sweep(dir string) {
	entries, err := os.ReadDir(filepath.Join(dir, tmp))
	if err != nil {
		return
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name()[strings.LastIndexByte(e.Name(), '.')+1:])
		fi, statErr := e.Info()
		if err == nil && statErr == nil && (syscall.Kill(pid, 0) == syscall.ESRCH || time.Since(fi.ModTime()) > time.Hour) {
			os.Remove(filepath.Join(dir, tmp, e.Name()))
		}
	}
}
