package attachment

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

// Carrier saves to the disk the attachments that calls keep in memory, deletes there those that calls have deleted, and brings back what
// the disk holds after a reboot. One process at a time does: it holds the carrier's lock. It is not safe for concurrent use.
type Carrier struct {
	// Refused says why the directory that was asked for is not used, and the default is; empty where it is.
	Refused string

	s     *Store
	saved string // the directory on the disk
	lock  *disk.LockedFile
	says  bool             // its file says that all is saved
	seen  map[string]stamp // of files in memory whose copies are known to be equal, by path
}

// carrierName is the file, in the directory in memory, whose lock the carrier holds.
const carrierName = ".carrier"

// allSaved is what that file says while nothing is known to be unsaved.
const allSaved = "saved\n"

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
	if err := disk.Remove(filepath.Join(s.run, noneName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(err, lock.Close())
	}
	c := &Carrier{s: s, lock: lock, seen: map[string]stamp{}}
	stateDir, c.Refused = StateDir(stateDir, true)
	c.saved = filepath.Join(stateDir, "attachments")
	return c, nil
}

// Close ends the carrying.
func (c *Carrier) Close() error { return c.lock.Close() }

// Current reports whether the carrier's lock still is the one that others see: nobody has removed the directory in memory.
func (c *Carrier) Current() bool { return c.lock.Current() }

// Carried reports whether a process is the carrier of the store now, Saved whether all that it has seen is on the disk.
func (s *Store) Carried() bool { return disk.Locked(filepath.Join(s.run, carrierName)) }

// Saved reports whether a process saves the attachments, and none of them is known to be unsaved.
func (s *Store) Saved() bool {
	b, err := disk.Read(filepath.Join(s.run, carrierName), 4<<10)
	return err == nil && string(b) == allSaved && s.Carried()
}

// Dir is the directory in memory: a change in it, or in one below it, is something to carry.
func (s *Store) Dir() string { return s.run }

// Carry saves and deletes what has changed; the first time since the node started it brings back what the disk holds before. What
// cannot be carried is returned, and tried again by the next Carry. It waits for the disk.
func (c *Carrier) Carry() error {
	err := c.carry()
	if says := err == nil; says != c.says {
		text := ""
		if says {
			text = allSaved
		}
		err, c.says = errors.Join(err, c.lock.Write([]byte(text))), says
	}
	return err
}

func (c *Carrier) carry() error {
	for _, d := range []string{filepath.Dir(c.saved), c.saved} {
		if err := disk.EnsureDir(d, 0o700); err != nil {
			return err
		}
	}
	var errs []error
	if !c.s.restored() {
		errs = append(errs, c.restore())
	}
	errs = append(errs, c.each(filepath.Join(c.s.run, removedName), c.delete))
	errs = append(errs, c.each(c.s.run, c.save))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, dir := range c.others() {
		errs = append(errs, c.each(dir, func(network, name string) error { return c.moved(dir, network, name) }))
	}
	return errors.Join(errs...)
}

// others are directories on the disk that held copies before the carrier's own did: the default's.
func (c *Carrier) others() (dirs []string) {
	for _, d := range c.s.saved[1:] {
		if d != "" && d != c.saved {
			dirs = append(dirs, d)
		}
	}
	return dirs
}

// each calls do with the names of the files below a directory of networks, and goes on after errors.
func (c *Carrier) each(dir string, do func(network, name string) error) error {
	networks, err := disk.Names(dir, 1<<20)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, network := range networks {
		if network[0] == '.' {
			continue
		}
		names, err := disk.Names(filepath.Join(dir, network), 1<<20)
		if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, os.ErrNotExist) {
			continue
		}
		errs = append(errs, err)
		for _, name := range names {
			if _, ok := stampOf(filepath.Join(dir, network, name)); ok {
				errs = append(errs, do(network, name))
			}
		}
	}
	return errors.Join(errs...)
}

// save copies a file that has changed.
func (c *Carrier) save(network, name string) error {
	path, to := filepath.Join(c.s.run, network, name), filepath.Join(c.saved, network)
	now, ok := stampOf(path)
	if _, there := stampOf(filepath.Join(to, name)); !ok || there && c.seen[path] == now {
		return nil
	}
	b, err := disk.Read(path, maxSize)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil // gone since
	case err != nil:
		return err
	case !bytes.Contains(b, []byte("\n")):
		return nil // it is being written, or its writer was killed
	}
	if err := disk.EnsureDir(to, 0o700); err != nil {
		return err
	}
	if old, err := disk.Read(filepath.Join(to, name), maxSize); err != nil || !bytes.Equal(old, b) {
		disk.Sweep(to)
		if err := disk.Replace(to, name, b, 0o600, true); err != nil {
			return err
		}
	}
	c.seen[path] = now
	return nil
}

// delete deletes the disk's copies of an attachment that a call has deleted, and then the call's mark. An ADD that has made it anew
// since has a younger file in memory: then the mark goes alone.
func (c *Carrier) delete(network, name string) error {
	path, mark := filepath.Join(c.s.run, network, name), filepath.Join(c.s.run, removedName, network, name)
	marked, ok := stampOf(mark)
	if !ok {
		return nil
	}
	if now, ok := stampOf(path); ok {
		if now.mtime.Nano() <= marked.mtime.Nano() {
			return nil // its deletion is under way
		}
		return disk.Remove(mark)
	}
	delete(c.seen, path)
	for _, dir := range append(c.others(), c.saved) {
		switch err := disk.Remove(filepath.Join(dir, network, name)); {
		case err == nil:
			if err := disk.SyncDir(filepath.Join(dir, network)); err != nil {
				return err
			}
		case !absent(err):
			return err
		}
	}
	return disk.Remove(mark)
}

// moved deletes a copy in another directory, once the carrier's own has it.
func (c *Carrier) moved(dir, network, name string) error {
	old, oldErr := disk.Read(filepath.Join(dir, network, name), maxSize)
	own, err := disk.Read(filepath.Join(c.saved, network, name), maxSize)
	if oldErr != nil || err != nil || !bytes.Equal(old, own) {
		return nil
	}
	return disk.Remove(filepath.Join(dir, network, name))
}

// restore brings back to memory what the disk holds: attachments of pods that are older than the node's start, or than the shim's way
// of keeping them. What memory has of the same name is newer; what was deleted meanwhile stays deleted. A copy that cannot be read
// stays where it is.
func (c *Carrier) restore() error {
	for _, saved := range append([]string{c.saved}, c.others()...) {
		bring := func(network, name string) error {
			b, err := disk.Read(filepath.Join(saved, network, name), maxSize)
			if err != nil {
				return nil
			}
			return c.bringBack(network, name, b)
		}
		if err := c.each(saved, bring); err != nil {
			return err
		}
	}
	text := fmt.Sprintf("%s\n%s", c.saved, c.s.saved[0])
	return disk.Replace(c.s.run, restoredName, []byte(text), 0o600, false)
}

// bringBack puts an attachment of the disk into memory, unless a call deletes it before or meanwhile: a call marks it first, and then
// deletes it from memory.
func (c *Carrier) bringBack(network, name string, b []byte) error {
	dir, mark := filepath.Join(c.s.run, network), filepath.Join(c.s.run, removedName, network, name)
	if _, ok := stampOf(mark); ok {
		return nil
	}
	if err := disk.EnsureDir(dir, 0o700); err != nil {
		return err
	}
	err := disk.CreateNew(dir, name, b, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, ok := stampOf(mark); !ok {
		return nil
	}
	if here, err := disk.Read(filepath.Join(dir, name), maxSize); err != nil || !bytes.Equal(here, b) {
		return nil // an ADD has made it anew
	}
	if err := disk.RemoveUnlocked(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func stampOf(path string) (s stamp, ok bool) {
	var st syscall.Stat_t
	if syscall.Lstat(path, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return s, false
	}
	return stamp{st.Ino, st.Size, st.Mtim}, true
}
