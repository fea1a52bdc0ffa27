package attachment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/containernetworking/cni/libcni"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

// Names in the directory in memory. No network's name begins with a dot.
const (
	noneName     = ".none"     // stands while the disk holds no attachment, as it was when a process last looked: no watch has run since
	restoredName = ".restored" // holds the directories on the disk whose attachments a watch has brought back since the node started
	askingName   = ".asking"   // begins the names of locks that readers of the disk hold, one for each state directory
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
	Texts   [][]byte          `json:"texts,omitempty"`  // of the attachments that are listed, as long as they are not too much
	None    bool              `json:"none,omitempty"`   // there is no attachment of any container
	Cached  []string          `json:"cached,omitempty"` // names of the files in the runtime's cache
	// Runtime is the text of the runtime's own cache of the attachment; nil where it has none, or RuntimeFault says why it cannot be
	// read.
	Runtime      []byte `json:"runtime,omitempty"`
	RuntimeFault *Fault `json:"runtimeFault,omitempty"`
	Fault        *Fault `json:"fault,omitempty"` // why the rest could not be read

	size int // of the texts
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
	q.Saved, q.Lock = s.saved, filepath.Join(s.run, askingName+disk.FileName(strings.ReplaceAll(s.saved[0], "/", "_")))
	if a, ok := s.asked[q]; ok {
		return a, nil
	}
	read := s.Ask
	if read == nil {
		read = func(q Question) (*Answer, error) { return q.Answer(func(string) {}), nil }
	}
	if s.unanswered != nil {
		return nil, s.unanswered
	}
	a, err := read(q)
	if err == nil && a.Fault == nil && a.None && s.Writes {
		s.foundNone()
	}
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

// Answer reads the disk, and waits for it. It calls at with each directory before it reads there.
func (q Question) Answer(at func(dir string)) *Answer {
	a := &Answer{None: true}
	for _, dir := range q.Saved {
		if dir == "" {
			continue
		}
		at(filepath.Dir(dir))
		if err := q.saved(dir, a); err != nil && !absent(err) {
			a.Fault = fault(err)
		}
	}
	at(libcni.CacheDir)
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
	a.None = a.None && len(networks) == 0
	for _, n := range networks {
		if q.List {
			keys, err := keysIn(dir, n)
			if err != nil {
				return err
			}
			for _, k := range keys {
				a.Keys, a.Texts = append(a.Keys, k), append(a.Texts, a.text(dir, k))
			}
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

// maxTexts bounds how much of the attachments comes with a list, in bytes: each of the others is a question of its own.
const maxTexts = 8 << 20

// text reads a saved attachment for a list; nil where that would be too much, or it cannot be read.
func (a *Answer) text(dir string, k Key) []byte {
	if a.size > maxTexts {
		return nil
	}
	b, err := disk.Read(filepath.Join(dir, dirName(k.Network), fileName(k)), maxSize)
	if err != nil {
		return nil
	}
	a.size += len(b)
	return b
}

// maxCached bounds how many names of the runtime's cache are looked at.
const maxCached = 1 << 18

// Serve answers one question, for a process that must not read the disk itself. It returns the exit status.
func Serve(in io.Reader, out io.Writer) int {
	var q Question
	if json.NewDecoder(in).Decode(&q) != nil {
		return 1
	}
	lock, err := disk.OpenLocked(q.Lock, 0o600)
	if err != nil {
		lock = nil // another process holds it, and reads as well
	}
	a := q.Answer(func(dir string) {
		if lock != nil {
			_ = lock.Write([]byte(fmt.Sprintf("%d %d %s", Uptime().Nanoseconds(), os.Getpid(), dir)))
		}
	})
	if lock != nil {
		_ = lock.Remove()
	}
	if json.NewEncoder(out).Encode(a) != nil {
		return 1
	}
	return 0
}

// asking reports whether a process reads the disk now, for how long it has, and where. A reader that has not said so yet has just begun.
func asking(lock string) (age time.Duration, dir string, ok bool) {
	if !disk.Locked(lock) {
		return 0, "", false
	}
	var since int64
	var pid int
	b, _ := disk.Read(lock, 4<<10)
	if n, _ := fmt.Sscanf(string(b), "%d %d", &since, &pid); n < 2 || syscall.Kill(pid, 0) == syscall.ESRCH {
		return 0, "", true
	}
	if fields := strings.SplitN(string(b), " ", 3); len(fields) == 3 {
		dir = fields[2]
	}
	return Uptime() - time.Duration(since), dir, true
}

// restored reports whether a watch has brought back what the disk held: memory holds all there is.
func (s *Store) restored() bool {
	if s.saved[0] == "" {
		return true
	}
	b, err := disk.Read(filepath.Join(s.run, restoredName), 4<<10)
	return err == nil && slices.Contains(strings.Split(string(b), "\n"), s.saved[0])
}
