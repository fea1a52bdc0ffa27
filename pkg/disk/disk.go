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

	"golang.org/x/sys/unix"
)

// ErrUntrusted marks a file or directory that is not the shim's to believe: a link, of another owner, writable by
// others, or not of the kind expected.
var ErrUntrusted = errors.New("not to be trusted")

// tmp is the directory, inside each of the shim's directories, that half-written files live in.
const tmp = ".tmp"

// EnsureDir makes path and what is missing above it, and checks that path is a directory of this user or root that nobody
// else can write to. It changes nothing that is already there.
func EnsureDir(path string, perm os.FileMode) error {
	_, err := MakeDir(path, perm)
	return err
}

// MakeDir is EnsureDir, and tells whether path was not there.
func MakeDir(path string, perm os.FileMode) (made bool, err error) {
	var st syscall.Stat_t
	err = syscall.Lstat(path, &st)
	if err == syscall.ENOENT {
		if _, err := MakeAll(filepath.Dir(path)); err != nil {
			return false, err
		}
		switch err := os.Mkdir(path, perm); {
		case err == nil:
			return true, os.Chmod(path, perm) // whatever the caller's umask is
		case !errors.Is(err, os.ErrExist):
			return false, err
		}
		err = syscall.Lstat(path, &st)
	}
	if err != nil {
		return false, &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		return false, fmt.Errorf("%s: not a directory: %w", path, ErrUntrusted)
	}
	return false, trusted(path, &st)
}

// MakeAll makes a directory and what is missing above it, mode 755 whatever the umask is, and returns those that it made, the highest
// first. Links are followed, and what is there stays as it is.
func MakeAll(dir string) (made []string, err error) {
	if _, err := os.Stat(dir); err == nil || !os.IsNotExist(err) {
		return nil, err
	}
	if made, err = MakeAll(filepath.Dir(dir)); err != nil {
		return made, err
	}
	switch err := os.Mkdir(dir, 0o755); {
	case errors.Is(err, os.ErrExist): // another process was faster
		return made, nil
	case err != nil:
		return made, err
	}
	return append(made, dir), os.Chmod(dir, 0o755)
}

// trusted refuses what another user than root owns or anybody else can write to.
func trusted(path string, st *syscall.Stat_t) error {
	if st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s: owned by uid %d: %w", path, st.Uid, ErrUntrusted)
	}
	if st.Mode&0o022 != 0 {
		return fmt.Errorf("%s: writable by others (%s): %w", path, os.FileMode(st.Mode&0o777), ErrUntrusted)
	}
	return nil
}

// Read returns a file of the shim's own, at most limit bytes of it; a longer file is an error.
func Read(path string, limit int64) ([]byte, error) {
	f, st, err := openOwn(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return bounded(f, st, limit)
}

// openOwn opens a file of the shim's own for reading, as open does.
func openOwn(path string) (*file, *syscall.Stat_t, error) {
	f, st, err := open(path)
	if err != nil {
		return nil, nil, err
	}
	if err := trusted(path, st); err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, st, nil
}

// ReadAnyone returns a regular file that others may own and links may lead to, at most limit bytes of it; a longer
// file, a device, a FIFO or a directory is an error. For configuration, which is not the shim's own.
func ReadAnyone(path string, limit int64) ([]byte, error) {
	f, err := openFile(path, syscall.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.stat()
	if err != nil {
		return nil, err
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, fmt.Errorf("%s: not a regular file (%s)", path, kind(st.Mode))
	}
	return bounded(f, &st, limit)
}

// open opens a regular file for reading without following a link in its last element and without waiting on a FIFO.
func open(path string) (*file, *syscall.Stat_t, error) {
	f, err := openFile(path, syscall.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		if errors.Is(err, syscall.ELOOP) {
			return nil, nil, fmt.Errorf("%s: a symbolic link: %w", path, ErrUntrusted)
		}
		return nil, nil, err
	}
	st, err := f.stat()
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		f.Close()
		return nil, nil, fmt.Errorf("%s: %s: %w", path, kind(st.Mode), ErrUntrusted)
	}
	return f, &st, nil
}

func bounded(f *file, st *syscall.Stat_t, limit int64) ([]byte, error) {
	if st.Size > limit {
		return nil, fmt.Errorf("%s: %d bytes, more than the %d that are read", f.path, st.Size, limit)
	}
	b := make([]byte, 0, max(st.Size, 511)+1) // files of the kernel have no size, and give a number to the first read only
	for {
		n, err := f.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return nil, fmt.Errorf("%s: grew beyond the %d bytes that are read", f.path, limit)
		case err == io.EOF, err == nil && st.Size > 0 && int64(len(b)) == st.Size && len(b) < cap(b): // there was room for more
			return b, nil
		case err != nil:
			return nil, err
		case len(b) == cap(b):
			b = append(b, 0)[:len(b)]
		}
	}
}

func kind(mode uint32) string {
	switch mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		return "a directory"
	case syscall.S_IFLNK:
		return "a symbolic link"
	case syscall.S_IFIFO:
		return "a FIFO"
	case syscall.S_IFSOCK:
		return "a socket"
	case syscall.S_IFCHR, syscall.S_IFBLK:
		return "a device"
	}
	return "not a regular file"
}

// Replace writes a file whole: into dir/.tmp, then by rename to dir/name, so that readers see the old content or the
// new and never a part. Durable also survives a power cut, at the price of two fsyncs. The directory must exist.
func Replace(dir, name string, data []byte, perm os.FileMode, durable bool) error {
	return put(dir, name, data, perm, durable, rename)
}

// put writes a file whole beside dir's files and moves it to its name.
func put(dir, name string, data []byte, perm os.FileMode, durable bool, move func(from, to string) error) error {
	tmpDir := filepath.Join(dir, tmp)
	tmpName := filepath.Join(tmpDir, name+"."+strconv.Itoa(os.Getpid()))
	const flag = syscall.O_WRONLY | syscall.O_TRUNC | syscall.O_NOFOLLOW
	f, err := makeFile(tmpName, flag, perm)
	if errors.Is(err, os.ErrNotExist) {
		if err := EnsureDir(tmpDir, 0o700); err != nil {
			return err
		}
		f, err = makeFile(tmpName, flag, perm)
	}
	if err != nil {
		return err
	}
	err = errors.Join(write(f, data, durable), f.Close())
	if err == nil {
		err = move(tmpName, filepath.Join(dir, name))
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

func rename(from, to string) error {
	if err := syscall.Rename(from, to); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

func write(f *file, data []byte, durable bool) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	if durable {
		return f.sync()
	}
	return nil
}

// ErrLocked marks a lock that somebody else holds.
var ErrLocked = errors.New("locked")

// TryLock takes the lock of a name in dir without waiting; ErrLocked when it is taken. It ends with unlock or the process.
func TryLock(dir, name string) (unlock func(), err error) {
	f, err := makeFile(filepath.Join(dir, ".lock-"+name), syscall.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(f.fd, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if err != syscall.EWOULDBLOCK {
			return nil, f.failed("flock", err)
		}
		return nil, ErrLocked
	}
	return func() { f.Close() }, nil
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := openFile(dir, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.sync()
}

// Create writes a file in its place: who reads it just then may see a part of it.
func Create(path string, data []byte, perm os.FileMode) error {
	f, err := makeFile(path, syscall.O_WRONLY|syscall.O_TRUNC|syscall.O_NOFOLLOW, perm)
	if err != nil {
		return err
	}
	if err = errors.Join(write(f, data, false), f.Close()); err != nil {
		_ = Remove(path)
	}
	return err
}

// Append adds to a file of the shim's own that is there.
func Append(path string, data []byte) error {
	f, err := openFile(path, syscall.O_WRONLY|syscall.O_APPEND|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// Remove removes a file; one that is not there is an error. Unlike os.Remove it asks for no second look.
func Remove(path string) error {
	if err := syscall.Unlink(path); err != nil {
		return &os.PathError{Op: "remove", Path: path, Err: err}
	}
	return nil
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

// CreateNew writes a file whole, as Replace does, only where there is none of that name: else it returns an os.ErrExist.
func CreateNew(dir, name string, data []byte, perm os.FileMode) error {
	return put(dir, name, data, perm, false, func(from, to string) error {
		if err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE); err != nil {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
		return nil
	})
}
