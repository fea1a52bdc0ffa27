package disk

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// LockedFile is a file of the shim's own that this process has open and locked, exclusively, until Close or the end of the process,
// however it ends. Whoever finds the lock taken knows that its holder lives, also across PID namespaces and without /proc.
// It is not safe for concurrent use.
type LockedFile struct {
	f    *file
	size int64
}

// lockTries and lockPause bound the wait for a lock whose holder is about to let go: one that looks whether it is taken, or removes
// the file.
const (
	lockTries = 10
	lockPause = time.Millisecond
)

// OpenLocked opens the file at path and locks it; a file that is not there is made with mode perm, whatever the umask. It returns
// ErrLocked where another process holds the lock, and ErrUntrusted for a file that is not the shim's to believe.
func OpenLocked(path string, perm os.FileMode) (*LockedFile, error) {
	for try := 1; ; try++ {
		l, err := openLocked(path, perm)
		switch {
		case err == nil:
			return l, nil
		case !errors.Is(err, ErrLocked) && !errors.Is(err, errMoved) || try == lockTries:
			return nil, err
		case errors.Is(err, ErrLocked):
			time.Sleep(lockPause)
		}
	}
}

// errMoved marks a file that was removed or replaced between its opening and its locking.
var errMoved = errors.New("removed while it was opened")

func openLocked(path string, perm os.FileMode) (*LockedFile, error) {
	const flags = syscall.O_RDWR | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	f, err := openFile(path, flags|syscall.O_CREAT|syscall.O_EXCL, perm)
	made := err == nil
	if errors.Is(err, os.ErrExist) {
		f, err = openFile(path, flags, 0)
		switch {
		case errors.Is(err, syscall.ELOOP):
			err = fmt.Errorf("%s: a symbolic link: %w", path, ErrUntrusted)
		case errors.Is(err, os.ErrNotExist):
			err = errMoved
		}
	}
	if err != nil {
		return nil, err
	}
	st, err := f.lock(made, perm)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &LockedFile{f, st.Size}, nil
}

// lock locks an open file that is still the one at its path.
func (f *file) lock(made bool, perm os.FileMode) (st syscall.Stat_t, err error) {
	if err := syscall.Flock(f.fd, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if err == syscall.EWOULDBLOCK {
			return st, ErrLocked
		}
		return st, f.failed("flock", err)
	}
	if st, err = f.stat(); err != nil {
		return st, err
	}
	switch {
	case st.Nlink == 0:
		return st, errMoved
	case st.Mode&syscall.S_IFMT != syscall.S_IFREG:
		return st, fmt.Errorf("%s: %s: %w", f.path, kind(st.Mode), ErrUntrusted)
	case made && os.FileMode(st.Mode&0o777) != perm:
		return st, f.chmod(perm)
	}
	return st, trusted(f.path, &st)
}

// Size is how many bytes the file held when it was locked.
func (l *LockedFile) Size() int64 { return l.size }

// Read returns what the file holds, at most limit bytes; a longer file is an error.
func (l *LockedFile) Read(limit int64) ([]byte, error) {
	st, err := l.f.stat()
	if err != nil {
		return nil, err
	}
	return bounded(&file{l.f.fd, l.f.path}, &st, limit)
}

// Write makes data what the file holds. A reader may see nothing of it, or less than all, while it is written.
func (l *LockedFile) Write(data []byte) error {
	if l.size > 0 {
		if err := l.f.failed("truncate", syscall.Ftruncate(l.f.fd, 0)); err != nil {
			return err
		}
	}
	l.size = 0
	return l.Append(data)
}

// Append adds data to the end, by one system call where the kernel takes it whole.
func (l *LockedFile) Append(data []byte) error {
	for len(data) > 0 {
		n, err := unix.Pwrite(l.f.fd, data, l.size)
		l.size += int64(max(n, 0))
		if data = data[max(n, 0):]; err != nil && err != unix.EINTR {
			return l.f.failed("write", err)
		}
	}
	return nil
}

// Overwrite makes data what the file holds without emptying it before: a reader may see its beginning before the end of what was there.
func (l *LockedFile) Overwrite(data []byte) error {
	had := l.size
	l.size = 0
	if err := l.Append(data); err != nil {
		return err
	}
	if had <= l.size {
		return nil
	}
	return l.f.failed("truncate", syscall.Ftruncate(l.f.fd, l.size))
}

// Current reports whether the file still is the one at its path: nobody has removed or replaced it.
func (l *LockedFile) Current() bool {
	var own, there syscall.Stat_t
	return syscall.Fstat(l.f.fd, &own) == nil && syscall.Lstat(l.f.path, &there) == nil && own.Ino == there.Ino && own.Dev == there.Dev
}

// Remove removes the file and lets go of it.
func (l *LockedFile) Remove() error {
	var err error
	if l.Current() {
		err = Remove(l.f.path)
	}
	return errors.Join(err, l.Close())
}

// Share lets others have the lock shared as well, as OpenShared takes it: nobody can have it alone until all let go.
func (l *LockedFile) Share() error {
	return l.f.failed("flock", syscall.Flock(l.f.fd, syscall.LOCK_SH|syscall.LOCK_NB))
}

// OpenShared opens the file at path, which is there, and takes its lock shared; ErrLocked where somebody has it alone.
func OpenShared(path string) (*LockedFile, error) {
	f, _, err := open(path)
	if err != nil {
		return nil, err
	}
	if syscall.Flock(f.fd, syscall.LOCK_SH|syscall.LOCK_NB) != nil {
		return nil, errors.Join(ErrLocked, f.Close())
	}
	return &LockedFile{f: f}, nil
}

// Close lets go of the file.
func (l *LockedFile) Close() error { return l.f.Close() }

// Locked reports whether a process holds the lock of the file at path. A file that is not there, or cannot be opened, is locked by
// nobody.
func Locked(path string) bool {
	f, err := openFile(path, syscall.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(f.fd, syscall.LOCK_SH|syscall.LOCK_NB) == syscall.EWOULDBLOCK
}

// RemoveUnlocked removes the file at path unless a process holds its lock, or replaces it just now: then it returns ErrLocked.
func RemoveUnlocked(path string) error {
	f, err := openFile(path, syscall.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err == nil {
		defer f.Close()
		if syscall.Flock(f.fd, syscall.LOCK_EX|syscall.LOCK_NB) == syscall.EWOULDBLOCK {
			return ErrLocked
		}
		if st, err := f.stat(); err == nil && st.Nlink == 0 {
			return ErrLocked
		}
	}
	return Remove(path)
}
