package probe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// netnsDir is where ip-netns(8) keeps named namespaces.
const netnsDir = "/run/netns"

// netns is a named network namespace of the probe's own.
type netns struct {
	path    string
	madeDir bool // the directory was not there before
}

// newNetns makes a network namespace and names it as ip-netns(8) does, by a bind mount.
func newNetns(name string) (*netns, error) {
	n := &netns{path: filepath.Join(netnsDir, name)}
	switch err := os.Mkdir(netnsDir, 0o755); {
	case err == nil:
		n.madeDir = true
		if err := os.Chmod(netnsDir, 0o755); err != nil { // whatever the umask is
			return nil, err
		}
	case !errors.Is(err, os.ErrExist):
		return nil, err
	}
	f, err := os.OpenFile(n.path, os.O_RDONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return nil, err
	}
	f.Close()
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is in the new namespace and ends with this function
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			made <- fmt.Errorf("new network namespace: %w", err)
			return
		}
		made <- unix.Mount(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), n.path, "", unix.MS_BIND, "")
	}()
	if err := <-made; err != nil {
		return nil, errors.Join(err, n.remove())
	}
	return n, nil
}

// remove takes the name away, and with it the namespace. One that is gone already is no error.
func (n *netns) remove() error {
	if err := unix.Unmount(n.path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("%s: %w", n.path, err)
	}
	if err := os.Remove(n.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if n.madeDir {
		_ = os.Remove(netnsDir) // not where somebody else has a namespace by now
	}
	return nil
}
