package install

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

// errForeign marks a directory in which others than root could swap files under our hands.
var errForeign = errors.New("others than root can write to it")

// trusted checks a directory of the node's: trustedDir, and that no link leads out of root.
func trusted(root, dir string) error {
	if err := trustedDir(under(root, dir)); err != nil || root == "" {
		return err
	}
	base, err := filepath.EvalSymlinks(root)
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(under(root, dir))
	if err == nil && base != "/" && real != base && !strings.HasPrefix(real, base+"/") {
		err = fmt.Errorf("%s: a link leads out of %s, to %s", dir, root, real)
	}
	return err
}

// trustedDir checks that a directory, and what its path leads through, is root's (this user's) alone to write to.
// A group that root gave the right to is believed, as /usr/local's staff is. Links are followed: their directories are
// judged as well.
func trustedDir(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	fi, err := os.Stat(real)
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		return fmt.Errorf("%s: not a directory", dir)
	}
	for _, path := range []string{dir, real} {
		for at := path; ; at = filepath.Dir(at) {
			fi, err := os.Lstat(at)
			if err != nil {
				return err
			}
			st, _ := fi.Sys().(*syscall.Stat_t)
			owner := st == nil || st.Uid == 0 || int(st.Uid) == os.Geteuid()
			sticky := at != path && fi.Mode()&fs.ModeSticky != 0
			if !owner || fi.Mode()&fs.ModeSymlink == 0 && fi.Mode().Perm()&0o002 != 0 && !sticky {
				return fmt.Errorf("%s: %w (%s)", at, errForeign, fi.Mode())
			}
			if at == "/" || at == "." {
				break
			}
		}
	}
	return nil
}

// place puts a file whole into a directory by rename: a program that runs keeps running, nobody meets a part of it,
// and it is never busy. What stands in its place is replaced, a link not followed. The mode is what it says, whatever
// the umask.
func place(path string, text []byte, mode fs.FileMode, selinux []byte) error {
	return disk.ReplaceBeside(path, text, mode, func(tmp string) error {
		if selinux == nil {
			return nil
		}
		return setLabel(tmp, selinux)
	})
}

func setLabel(path string, label []byte) error {
	had := make([]byte, 1024)
	if n, err := syscall.Getxattr(path, selinuxXattr, had); err == nil && bytes.Equal(had[:n], label) {
		return nil
	}
	if err := syscall.Setxattr(path, selinuxXattr, label, 0); err != nil {
		return fmt.Errorf("SELinux label %s: %w", bytes.TrimRight(label, "\x00"), err)
	}
	return nil
}

// placeLink makes a link, by rename as well.
func placeLink(path, target string) error {
	tmp := disk.BesidePrefix(path) + strconv.Itoa(os.Getpid())
	os.Remove(tmp)
	err := os.Symlink(target, tmp)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
	}
	return err
}
