package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// replaceFile puts text in the place of a file that holds old, with its mode and owner, in one step: readers see the old
// or the new one whole. What it held is kept beside it under a name that no runtime reads, which is returned. A link is
// followed: what it leads to is replaced. New files are made only where nothing is, so that no link that somebody has
// laid is followed or overwritten.
func replaceFile(path string, old, text []byte) (backup string, err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file; nothing written", path)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, old) {
		return "", fmt.Errorf("%s has changed meanwhile; nothing written", path)
	}
	if backup, err = writeNew(path+".bak", old, info); err != nil {
		return "", err
	}
	tmp, err := writeNew(path+".tmp", text, info)
	if err != nil {
		return "", err
	}
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return "", err
	}
	if d, err := os.Open(filepath.Dir(path)); err == nil {
		_ = d.Sync() // the files themselves are on disk already
		d.Close()
	}
	return backup, nil
}

// writeNew writes a file that does not exist yet, under the name or the name and a number, and returns which.
func writeNew(name string, text []byte, like fs.FileInfo) (string, error) {
	const many = 1000
	for i := range many {
		path := name
		if i > 0 {
			path = fmt.Sprintf("%s.%d", name, i)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(text)
		chown(f, like)
		if err = errors.Join(err, f.Chmod(like.Mode().Perm()), f.Sync(), f.Close()); err != nil {
			os.Remove(path)
			return "", err
		}
		return path, nil
	}
	return "", fmt.Errorf("%s and %d names like it are taken", name, many-1)
}
