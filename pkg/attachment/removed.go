package attachment

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

// A call that deletes an attachment writes to no disk. It leaves a mark in memory, an empty file, for the watch that is to delete the
// disk's copy, and that must not bring it back. Nothing else deletes a copy: memory that was wiped is no deletion.

// maxRemoved bounds the marks of one network where no watch takes them away: then the disk is looked at for what it holds.
const maxRemoved = 1024

// removedMark is where the mark of a deleted attachment stands.
func (s *Store) removedMark(k Key) (dir, name string) {
	return filepath.Join(s.run, removedName, dirName(k.Network)), fileName(k)
}

// isRemoved reports whether an attachment of the disk was deleted since.
func (s *Store) isRemoved(k Key) bool {
	dir, name := s.removedMark(k)
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}

// mayBeSaved reports whether the disk may hold a copy of an attachment. Nothing is read from the disk.
func (s *Store) mayBeSaved() bool {
	if s.saved[0] == "" {
		return false
	}
	_, err := os.Lstat(filepath.Join(s.run, noneName))
	return err != nil
}

// markRemoved marks an attachment as deleted, before it is.
func (s *Store) markRemoved(k Key) error {
	dir, name := s.removedMark(k)
	if err := s.makeDirs(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := disk.EnsureDir(dir, 0o700); err != nil {
		return err
	}
	if err := disk.Create(filepath.Join(dir, name), nil, 0o600); err != nil {
		return err
	}
	const entrySize = 20 // of tmpfs, for each name in a directory
	var st syscall.Stat_t
	if syscall.Lstat(dir, &st) == nil && st.Size > maxRemoved*entrySize && !s.Carried() {
		s.thinRemoved(k.Network)
	}
	return nil
}

// thinRemoved takes away the marks of a network whose attachments the disk does not hold.
func (s *Store) thinRemoved(network string) {
	a, err := s.ask(Question{List: true})
	if err != nil || a.None {
		return // unknown, or all marks are gone by now
	}
	held := map[string]bool{}
	for _, k := range a.Keys {
		held[fileName(k)] = held[fileName(k)] || k.Network == network
	}
	dir := filepath.Join(s.run, removedName, dirName(network))
	names, _ := disk.Names(dir, 1<<20)
	for _, name := range names {
		if _, ok := stampOf(filepath.Join(dir, name)); ok && !held[name] {
			_ = disk.Remove(filepath.Join(dir, name))
		}
	}
}

// foundNone notes that the disk holds nothing, as long as no watch runs, which would save something.
func (s *Store) foundNone() {
	if _, err := os.Lstat(s.run); err != nil || s.Carried() || s.restored() {
		return
	}
	if disk.Create(filepath.Join(s.run, noneName), nil, 0o600) == nil {
		_ = os.RemoveAll(filepath.Join(s.run, removedName))
	}
}

// Remove forgets an attachment. One that is not there is no error; ErrAdding where an ADD of it runs, which needs it.
func (s *Store) Remove(k Key) error {
	dir, name, err := s.file(k)
	if err != nil {
		return err
	}
	if s.Before != "" {
		if err := s.before().Remove(k); err != nil {
			return err
		}
	}
	path := filepath.Join(dir, name)
	marked := s.mayBeSaved()
	if marked {
		if disk.Locked(path) {
			return ErrAdding
		}
		if err := s.markRemoved(k); err != nil {
			marked = false // as where no watch runs: a copy may come back, and is stale
		}
	}
	err = disk.RemoveUnlocked(path)
	if errors.Is(err, disk.ErrLocked) {
		if mark, name := s.removedMark(k); marked {
			_ = disk.Remove(filepath.Join(mark, name))
		}
		return ErrAdding
	}
	if err == nil || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, statErr := os.Lstat(path); errors.Is(statErr, os.ErrNotExist) {
		return nil // a read-only file system answers so before it looks
	}
	return err
}
