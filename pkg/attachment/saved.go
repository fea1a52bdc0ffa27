package attachment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

// Names in the directory in memory. No network's name begins with a dot.
const (
	restoredName = ".restored" // holds the directories on the disk whose attachments a watch has brought back since the node started
	removedName  = ".removed"  // attachments of the disk that were deleted before a watch had brought them back
)

// ErrUnanswered marks what a disk would have to tell and does not.
var ErrUnanswered = errors.New("the disk does not answer")

// Question is what of the disk is asked for: one attachment, or with List all keys and the names of the runtime's cache.
type Question struct {
	Saved [2]string `json:"saved"` // the directories of saved attachments; empty: none
	Key
	List bool   `json:"list,omitempty"`
	Lock string `json:"lock,omitempty"` // the file in memory that whoever reads the disk holds: see Apart
}

// Answer is what the disk holds.
type Answer struct {
	// Entries are the texts of the attachments of the container and interface, by network.
	Entries map[string][]byte `json:"entries,omitempty"`
	Keys    []Key             `json:"keys,omitempty"`
	Cached  []string          `json:"cached,omitempty"` // names of the files in the runtime's cache
	// Runtime is the text of the runtime's own cache of the attachment; nil where it has none, or RuntimeFault says why it cannot be
	// read.
	Runtime      []byte `json:"runtime,omitempty"`
	RuntimeFault *Fault `json:"runtimeFault,omitempty"`
	Fault        *Fault `json:"fault,omitempty"` // why the rest could not be read
}

// Fault is an error that crosses from one process to another.
type Fault struct {
	Text  string        `json:"text"`
	Errno syscall.Errno `json:"errno,omitempty"`
}

func fault(err error) *Fault {
	f := &Fault{Text: err.Error()}
	errors.As(err, &f.Errno)
	return f
}

func (f *Fault) Error() string { return f.Text }

// Unwrap is the kernel's error; nil where it is none of the kernel's.
func (f *Fault) Unwrap() error {
	if f.Errno == 0 {
		return nil
	}
	return f.Errno
}

// ask answers a question once; what the store's methods ask again is remembered, since one call sees one disk.
func (s *Store) ask(q Question) (*Answer, error) {
	q.Saved, q.Lock = s.saved, filepath.Join(filepath.Dir(s.run), "asking")
	if a, ok := s.asked[q]; ok {
		return a, nil
	}
	read := s.Ask
	if read == nil {
		read = func(q Question) (*Answer, error) { return q.Answer(), nil }
	}
	if s.unanswered != nil {
		return nil, s.unanswered
	}
	a, err := read(q)
	if err == nil && a.Fault != nil {
		err = fmt.Errorf("%w: %w", ErrUnanswered, a.Fault)
	}
	if err != nil {
		if s.Ask != nil && errors.Is(err, ErrUnanswered) {
			s.unanswered = err // who waited once does not wait again
		}
		return nil, err
	}
	if s.Ask != nil { // a tool that lives long asks anew
		if s.asked == nil {
			s.asked = map[Question]*Answer{}
		}
		s.asked[q] = a
	}
	return a, nil
}

// Answer reads the disk, and waits for it.
func (q Question) Answer() *Answer {
	a := &Answer{}
	for _, dir := range q.Saved {
		if dir == "" {
			continue
		}
		if err := q.saved(dir, a); err != nil && !absent(err) {
			a.Fault = fault(err)
		}
	}
	if q.List {
		names, err := disk.Names(filepath.Dir(cached(q.Key)), maxCached)
		if a.Cached = names; err != nil && !absent(err) {
			a.Fault = fault(err)
		}
	} else {
		switch b, err := disk.ReadAnyone(cached(q.Key), maxSize); {
		case err == nil:
			a.Runtime = b
		case !absent(err):
			a.RuntimeFault = fault(err)
		}
	}
	return a
}

// saved reads the attachments that are saved in a directory.
func (q Question) saved(dir string, a *Answer) error {
	networks, err := networksIn(dir)
	if err != nil {
		return err
	}
	if a.Entries == nil {
		a.Entries = map[string][]byte{}
	}
	for _, n := range networks {
		if q.List {
			keys, err := keysIn(dir, n)
			if err != nil {
				return err
			}
			a.Keys = append(a.Keys, keys...)
			continue
		}
		b, err := disk.Read(filepath.Join(dir, dirName(n), fileName(q.Key)), maxSize)
		if _, ok := a.Entries[n]; ok || absent(err) {
			continue
		}
		if errno := syscall.Errno(0); errors.As(err, &errno) {
			return err
		}
		a.Entries[n] = b // empty where it is not to be trusted, or too long: that is corrupt, and not absent
		a.Keys = append(a.Keys, Key{n, q.ContainerID, q.IfName})
	}
	return nil
}

// maxCached bounds how many names of the runtime's cache are looked at.
const maxCached = 1 << 18

// Serve answers one question, for a process that must not read the disk itself. It returns the exit status.
func Serve(in io.Reader, out io.Writer) int {
	var q Question
	if json.NewDecoder(in).Decode(&q) != nil {
		return 1
	}
	if lock, err := disk.OpenLocked(q.Lock, 0o600); err == nil { // else another process holds it, and reads as well
		defer lock.Close()
		_ = lock.Write([]byte(strconv.Itoa(os.Getpid()) + "\n")) // which says since when
	}
	if json.NewEncoder(out).Encode(q.Answer()) != nil {
		return 1
	}
	return 0
}

// asking reports whether a process reads the disk now, and since when.
func asking(lock string) (since time.Time, ok bool) {
	fi, err := os.Lstat(lock)
	if err != nil || !disk.Locked(lock) {
		return since, false
	}
	return fi.ModTime(), true
}

// restored reports whether a watch has brought back what the disk held: memory holds all there is.
func (s *Store) restored() bool {
	if s.saved[0] == "" {
		return true
	}
	b, err := disk.Read(filepath.Join(s.run, restoredName), 4<<10)
	return err == nil && slices.Contains(strings.Split(string(b), "\n"), s.saved[0])
}

// grave is where the mark of a deleted attachment of the disk stands.
func (s *Store) grave(k Key) (dir, name string) {
	return filepath.Join(s.run, removedName, dirName(k.Network)), fileName(k)
}

// buried reports whether an attachment of the disk was deleted since.
func (s *Store) buried(k Key) bool {
	dir, name := s.grave(k)
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}

// bury marks an attachment as deleted where the disk holds it still: a call writes to no disk, and a watch is to bring back what it
// holds. Where the disk was not asked for it, it holds none of it.
func (s *Store) bury(k Key) error {
	if !s.onDisk(k) || s.restored() {
		return nil
	}
	dir, name := s.grave(k)
	for _, d := range []string{s.run, filepath.Dir(dir), dir} {
		if err := disk.EnsureDir(d, 0o700); err != nil {
			return err
		}
	}
	if err := disk.Create(filepath.Join(dir, name), nil, 0o600); err != nil || !s.restored() {
		return err
	}
	// A watch has brought everything back meanwhile, perhaps before it could see the mark.
	dir, name, err := s.file(k)
	if err == nil {
		err = disk.RemoveUnlocked(filepath.Join(dir, name))
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// onDisk reports whether the disk holds an attachment: as this store has seen it, and where nobody reads in its place, as it is.
func (s *Store) onDisk(k Key) bool {
	if s.Ask == nil {
		for _, dir := range s.saved {
			if _, err := os.Lstat(filepath.Join(dir, dirName(k.Network), fileName(k))); dir != "" && err == nil {
				return true
			}
		}
		return false
	}
	for _, a := range s.asked {
		if slices.Contains(a.Keys, k) {
			return true
		}
	}
	return false
}
