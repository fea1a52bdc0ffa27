package disk

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// file is an open file of the kernel's. An *os.File asks for two to five more system calls, to find out whether it can be waited for;
// a small file on a disk cannot.
type file struct {
	fd   int
	path string
}

func openFile(path string, flag int, perm os.FileMode) (*file, error) {
	for {
		fd, err := unix.Open(path, flag|unix.O_CLOEXEC, uint32(perm))
		if err == nil {
			return &file{fd, path}, nil
		}
		if err != unix.EINTR {
			return nil, &os.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// makeFile opens a file for writing and makes it where it is not there. It has mode perm then, whatever the umask is, also where an
// earlier process left it with another: one that not even its owner may open is given its mode back.
func makeFile(path string, flag int, perm os.FileMode) (*file, error) {
	f, err := openFile(path, flag|syscall.O_CREAT, perm)
	if errors.Is(err, os.ErrPermission) && unbar(path, perm) {
		f, err = openFile(path, flag|syscall.O_CREAT, perm)
	}
	if err != nil {
		return nil, err
	}
	st, err := f.stat()
	if err == nil && os.FileMode(st.Mode&0o777) != perm {
		err = f.chmod(perm)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// unbar gives a regular file of this user's its mode back. A link that somebody puts in its place meanwhile could only be one who may
// write to the directory, which is the shim's alone.
func unbar(path string, perm os.FileMode) bool {
	var st syscall.Stat_t
	return syscall.Lstat(path, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFREG && int(st.Uid) == os.Geteuid() &&
		st.Mode&0o600 != 0o600 && os.Chmod(path, perm) == nil
}

func (f *file) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(f.fd, b)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, f.failed("read", err)
		case n == 0 && len(b) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func (f *file) Write(b []byte) (n int, err error) {
	for n < len(b) {
		k, err := unix.Write(f.fd, b[n:])
		if n += max(k, 0); err != nil && err != unix.EINTR {
			return n, f.failed("write", err)
		}
	}
	return n, nil
}

func (f *file) stat() (st syscall.Stat_t, err error) {
	return st, f.failed("stat", syscall.Fstat(f.fd, &st))
}

func (f *file) chmod(perm os.FileMode) error {
	return f.failed("chmod", unix.Fchmod(f.fd, uint32(perm)))
}

func (f *file) sync() error { return f.failed("sync", unix.Fsync(f.fd)) }

func (f *file) Close() error { return f.failed("close", unix.Close(f.fd)) }

// failed names the file in an error; nil of nil.
func (f *file) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: f.path, Err: err}
}

// Names lists a directory in no order, at most about so many of its names.
func Names(dir string, most int) (names []string, err error) {
	f, err := openFile(dir, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buf := make([]byte, 4<<10)
	for len(names) < most {
		n, err := unix.ReadDirent(f.fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return names, f.failed("readdirent", err)
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
	return names, nil
}
