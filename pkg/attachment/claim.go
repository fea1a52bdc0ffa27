package attachment

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

// Claim is what one ADD has of its attachment: the entry's file, locked, or nothing, because the entry is another's.
type Claim struct {
	// Ended reports that an ADD before had succeeded whose namespace is gone.
	Ended bool

	store *Store
	key   Key
	line  []byte           // the entry's first line
	file  *disk.LockedFile // nil: the entry is another's
	other *disk.LockedFile // the entry that is another's, held so that no DEL removes it while this ADD runs
}

// Begin keeps what ADD is about to run, before its first plugin. An attachment that is up, or whose ADD another process runs, is
// another's: its entry is left as it is, byte for byte, until Complete. An entry of an ADD that failed or was killed, or whose
// namespace is gone, is replaced. The claim ends with Release, or with the process.
func (s *Store) Begin(e *Entry) (*Claim, error) {
	dir, name, err := s.file(e.Key)
	if err != nil {
		return nil, err
	}
	c := &Claim{store: s, key: e.Key}
	if c.line, err = e.encode(); err != nil {
		return nil, err
	}
	if s.Before != "" {
		if old, err := s.before().Here(e.Key); err == nil && old.Up() {
			return c, nil
		}
	}
	path := filepath.Join(dir, name)
	var f *disk.LockedFile
	if err = s.makeDirs(dir); err == nil {
		f, err = disk.OpenLocked(path, 0o600)
	}
	if errors.Is(err, disk.ErrLocked) {
		c.other, _ = disk.OpenShared(path) // its own ADD may hold it alone: then that keeps it
		return c, nil
	}
	if err != nil {
		if old, oldErr := read(path, e.Key); oldErr == nil && old.Up() {
			return c, nil
		}
		return nil, err
	}
	if f.Size() > 0 {
		b, readErr := f.Read(maxSize)
		if old, err := parse(b, e.Key); readErr == nil && err == nil {
			if old.Up() {
				c.other = f
				return c, f.Share()
			}
			c.Ended = old.Done != nil || old.Ended
		}
	}
	if e.Ended = c.Ended; e.Ended {
		if c.line, err = e.encode(); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	if err := f.Write(c.line); err != nil {
		if removeErr := f.Remove(); removeErr != nil {
			return nil, fmt.Errorf("%w; and %w", err, removeErr)
		}
		return nil, err
	}
	c.file = f
	return c, nil
}

// Complete notes that the ADD succeeded. Where the entry was another's, it is this ADD's from now on.
func (c *Claim) Complete(d Done) error {
	line, err := d.encode()
	if err != nil {
		return err
	}
	if c.file != nil && c.file.Current() {
		return c.file.Append(line)
	}
	return c.store.replace(c.key, append(c.line, line...))
}

// Own reports whether the entry still is this ADD's: it was not another's, and nobody has replaced it since.
func (c *Claim) Own() bool { return c != nil && c.file != nil && c.file.Current() }

// Release lets go of the entry. A nil Claim has none.
func (c *Claim) Release() {
	if c == nil {
		return
	}
	for _, f := range []*disk.LockedFile{c.file, c.other} {
		if f != nil {
			_ = f.Close() // it ends with the process in any case
		}
	}
	c.file, c.other = nil, nil
}
