package attachment

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

// Carrier keeps the disk's copy of the attachments equal to what calls keep in memory. One process at a time does: it holds the
// carrier's lock. It is not safe for concurrent use.
type Carrier struct {
	// Refused says why the directory that was asked for is not used, and the default is; empty where it is.
	Refused string

	s     *Store
	saved string // the directory on the disk
	lock  *disk.LockedFile
	seen  map[string]stamp // of files in memory whose copies are known to be equal, by path
}

// carrierName is the file, in the directory in memory, whose lock the carrier holds.
const carrierName = ".carrier"

// stamp changes whenever a file's content does: calls write a file once and append to it once.
type stamp struct {
	ino   uint64
	size  int64
	mtime syscall.Timespec
}

// NewCarrier makes the carrier of the store in runDir, which saves below stateDir; disk.ErrLocked where another process is it. It
// waits for the disk.
func NewCarrier(runDir, stateDir string) (*Carrier, error) {
	s := Open(runDir, stateDir)
	if err := s.makeDirs(s.run); err != nil {
		return nil, err
	}
	lock, err := disk.OpenLocked(filepath.Join(s.run, carrierName), 0o600)
	if err != nil {
		return nil, err
	}
	c := &Carrier{s: s, lock: lock, seen: map[string]stamp{}}
	stateDir, c.Refused = StateDir(stateDir)
	c.saved = filepath.Join(stateDir, "attachments")
	return c, nil
}

// Close ends the carrying.
func (c *Carrier) Close() error { return c.lock.Close() }

// Carried reports whether a process saves attachments of the store to the disk now.
func (s *Store) Carried() bool { return disk.Locked(filepath.Join(s.run, carrierName)) }

// Dir is the directory in memory: a change in it, or in one below it, is something to carry.
func (s *Store) Dir() string { return s.run }

// Carry makes the disk's copy equal to memory; the first time since the node started it brings back what the disk holds before. What
// cannot be carried is returned, and tried again by the next Carry. It waits for the disk.
func (c *Carrier) Carry() error {
	if err := disk.EnsureDir(filepath.Dir(c.saved), 0o700); err != nil {
		return err
	}
	if err := disk.EnsureDir(c.saved, 0o700); err != nil {
		return err
	}
	if !c.s.restored() {
		if err := c.restore(); err != nil {
			return err
		}
	}
	here, err := networksIn(c.s.run)
	if err != nil {
		return err
	}
	var errs []error
	kept := map[string]bool{}
	for _, n := range here {
		errs = append(errs, c.save(dirName(n), kept))
	}
	there, err := networksIn(c.saved)
	errs = append(errs, err)
	for _, n := range there {
		errs = append(errs, c.prune(dirName(n), kept))
	}
	return errors.Join(errs...)
}

// save copies the files of a network that have changed, and notes those that are there.
func (c *Carrier) save(network string, kept map[string]bool) error {
	from, to := filepath.Join(c.s.run, network), filepath.Join(c.saved, network)
	names, err := disk.Names(from, 1<<20)
	if err != nil {
		return err
	}
	if err := disk.EnsureDir(to, 0o700); err != nil {
		return err
	}
	disk.Sweep(to)
	var errs []error
	for _, name := range names {
		path := filepath.Join(from, name)
		now, ok := stampOf(path)
		if !ok {
			continue // a directory, or gone since
		}
		kept[filepath.Join(network, name)] = true
		if c.seen[path] == now {
			continue
		}
		switch b, err := disk.Read(path, maxSize); {
		case errors.Is(err, os.ErrNotExist):
			delete(kept, filepath.Join(network, name))
		case err != nil:
			errs = append(errs, err)
		case !bytes.Contains(b, []byte("\n")): // it is being written, or its writer was killed
		default:
			if old, err := disk.Read(filepath.Join(to, name), maxSize); err != nil || !bytes.Equal(old, b) {
				if err := disk.Replace(to, name, b, 0o600, true); err != nil {
					errs = append(errs, err)
					continue
				}
			}
			c.seen[path] = now
		}
	}
	return errors.Join(errs...)
}

// prune removes the copies of files that memory no longer has.
func (c *Carrier) prune(network string, kept map[string]bool) error {
	dir := filepath.Join(c.saved, network)
	names, err := disk.Names(dir, 1<<20)
	if err != nil {
		return err
	}
	var errs []error
	removed := false
	for _, name := range names {
		if _, ok := stampOf(filepath.Join(dir, name)); !ok || kept[filepath.Join(network, name)] {
			continue
		}
		// It may have been added since memory was listed.
		if _, ok := stampOf(filepath.Join(c.s.run, network, name)); ok {
			continue
		}
		errs = append(errs, disk.Remove(filepath.Join(dir, name)))
		delete(c.seen, filepath.Join(c.s.run, network, name))
		removed = true
	}
	if removed {
		errs = append(errs, disk.SyncDir(dir))
	}
	return errors.Join(errs...)
}

// restore brings back to memory what the disk holds: attachments of pods that are older than the node's start, or than the shim's way
// of keeping them. What memory has of the same name is newer; what was deleted meanwhile stays deleted.
func (c *Carrier) restore() error {
	networks, err := networksIn(c.saved)
	if err != nil {
		return err
	}
	for _, n := range networks {
		network := dirName(n)
		from, to := filepath.Join(c.saved, network), filepath.Join(c.s.run, network)
		names, err := disk.Names(from, 1<<20)
		if err != nil {
			return err
		}
		if err := disk.EnsureDir(to, 0o700); err != nil {
			return err
		}
		for _, name := range names {
			if _, ok := stampOf(filepath.Join(from, name)); !ok {
				continue
			}
			b, err := disk.Read(filepath.Join(from, name), maxSize)
			if errors.Is(err, disk.ErrUntrusted) {
				continue
			}
			if err != nil {
				return err
			}
			if err := c.bringBack(network, name, b); err != nil {
				return err
			}
		}
	}
	if err := disk.Replace(c.s.run, restoredName, []byte(c.saved+"\n"+c.s.saved[0]), 0o600, false); err != nil {
		return err
	}
	// A call that looked before saw the disk's copy, and marks its removal: those marks are heeded once more, and then there are none.
	for _, n := range networks {
		dir := filepath.Join(c.s.run, removedName, dirName(n))
		names, _ := disk.Names(dir, 1<<20)
		for _, name := range names {
			c.unbury(dirName(n), name)
		}
	}
	return os.RemoveAll(filepath.Join(c.s.run, removedName))
}

// bringBack puts an attachment of the disk into memory.
func (c *Carrier) bringBack(network, name string, b []byte) error {
	if _, err := os.Lstat(filepath.Join(c.s.run, removedName, network, name)); err == nil {
		return nil
	}
	err := disk.CreateNew(filepath.Join(c.s.run, network), name, b, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// unbury removes an attachment that was brought back while it was being deleted, unless an ADD has made it anew.
func (c *Carrier) unbury(network, name string) {
	path, mark := filepath.Join(c.s.run, network, name), filepath.Join(c.s.run, removedName, network, name)
	here, err := disk.Read(path, maxSize)
	if err != nil {
		return
	}
	saved, err := disk.Read(filepath.Join(c.saved, network, name), maxSize)
	if err == nil && bytes.Equal(here, saved) {
		if _, err := os.Lstat(mark); err == nil {
			_ = disk.RemoveUnlocked(path)
		}
	}
}

func stampOf(path string) (s stamp, ok bool) {
	var st syscall.Stat_t
	if syscall.Lstat(path, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return s, false
	}
	return stamp{st.Ino, st.Size, st.Mtim}, true
}
