// Package rights says what a command may not do, before it touches anything.
package rights

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Need is what a command needs. The zero value needs nothing.
type Need struct {
	Root     bool     // what it reads or writes belongs to root
	NetAdmin bool     // the plugins that it runs change the node's network: CAP_NET_ADMIN
	Write    []string // files and directories that it writes to; of one that does not exist, the nearest above that does
}

// ErrMissing is in every error of Missing.
var ErrMissing = errors.New("nothing was changed")

// Missing returns the first right that this process lacks, in one line; nil when it has them all. It touches nothing.
func (n Need) Missing() error {
	if uid := os.Geteuid(); n.Root && uid != 0 {
		return fmt.Errorf("this needs root, and runs as uid %d; %w", uid, ErrMissing)
	}
	if n.NetAdmin && !has(unix.CAP_NET_ADMIN) {
		return fmt.Errorf("this needs CAP_NET_ADMIN, because it runs plugins, and the process lacks it "+
			"(a container's root has fewer rights); %w", ErrMissing)
	}
	for _, path := range n.Write {
		if err := writable(path); err != nil {
			return fmt.Errorf("this writes to %s, and may not: %w (uid %d); %w", path, err, os.Geteuid(), ErrMissing)
		}
	}
	return nil
}

func writable(path string) error {
	for {
		err := unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS)
		if !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
			return err
		}
		path = filepath.Dir(path)
	}
}

// has reports whether a capability is effective; true where the kernel does not say.
func has(capability uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return true
	}
	return data[capability/32].Effective&(1<<(capability%32)) != 0
}
