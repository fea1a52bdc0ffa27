package status

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/inflight"
	"github.com/cni-shim/cni-shim/pkg/report"
)

var errVersion = errors.New("a status file of another version")

// Bounds of what is read, in bytes; of how many records gather, and how many of them one fold takes; and of how long one call folds
// for others: what it leaves the next ones take.
const (
	maxFile   = 4 << 20
	maxRecord = 256 << 10
	maxLoose  = 4096
	// maxWriters may see room for one more record at the same time.
	maxWriters = 64
	maxFold    = 512
	foldTime   = 50 * time.Millisecond
)

// Store is the status file and the records beside it. Safe for concurrent use by any number of processes.
type Store struct {
	path    string
	dir     string
	records string
}

// Open names the status file; nothing is touched before the first Add.
func Open(path string) *Store {
	dir := filepath.Dir(path)
	return &Store{path, dir, filepath.Join(dir, "records")}
}

// Dir is the directory that the status file lies in.
func (s *Store) Dir() string { return s.dir }

// CallsDir is where calls under way have their marks.
func (s *Store) CallsDir() string { return filepath.Join(s.dir, "calls") }

// Add records a call and folds what has gathered, unless somebody else is at it.
func (s *Store) Add(e *Event) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := s.prepare(); err != nil {
		return err
	}
	name := fmt.Sprintf("%d-%d.json", time.Now().UnixNano(), os.Getpid())
	if err := disk.Replace(s.records, name, b, 0o600, false); err != nil {
		return err
	}
	folded, err := s.foldAll(map[string]*Event{name: e})
	if (err != nil || !folded) && len(s.loose(maxLoose)) >= maxLoose-maxWriters {
		os.Remove(filepath.Join(s.records, name))
		return cmp.Or(err, fmt.Errorf("its lock is held for long, and %d calls wait to be counted", maxLoose-maxWriters))
	}
	return err
}

// unlogged is the name of the file that stands while entries are lost.
const unlogged = "unlogged"

// Unlogged notes that journald did not take entries.
func (s *Store) Unlogged() {
	if s.prepare() == nil {
		_ = disk.Replace(s.records, unlogged, nil, 0o600, false) // else it is not told when journald is back
	}
}

// Logged returns, once, what was lost since the last time; the zero value when nothing was.
func (s *Store) Logged() Unrecorded {
	if disk.Remove(filepath.Join(s.records, unlogged)) != nil {
		return Unrecorded{}
	}
	f, err := s.Read()
	if err != nil {
		return Unrecorded{}
	}
	return f.Unrecorded
}

func (s *Store) prepare() error {
	if err := disk.EnsureDir(s.dir, 0o755); err != nil {
		return err
	}
	return disk.EnsureDir(s.records, 0o700)
}

// foldAll takes loose records into the file if the lock is free, and tells whether it was. known need not be read again.
func (s *Store) foldAll(known map[string]*Event) (bool, error) {
	for began := time.Now(); time.Since(began) < foldTime; {
		unlock, err := disk.TryLock(s.records, "fold")
		if errors.Is(err, disk.ErrLocked) {
			return false, nil // its holder looks once more after it let go
		}
		if err != nil {
			return false, err
		}
		err = s.foldLocked(known)
		unlock()
		if err != nil || len(s.loose(1)) == 0 {
			return true, err
		}
	}
	return true, nil
}

func (s *Store) foldLocked(known map[string]*Event) error {
	disk.Sweep(s.records)
	disk.Sweep(s.dir)
	names := s.loose(maxFold)
	f, aside := s.read()
	if aside != "" {
		f.note(report.Note{Message: aside}, time.Now().UTC())
	}
	fresh := s.take(f, names, known)
	f.Folded, f.Updated = names, time.Now().UTC().Truncate(time.Millisecond)
	f.InFlight, _ = inflight.Running(s.CallsDir())
	if len(fresh) > 0 {
		b, err := json.MarshalIndent(f, "", "  ")
		if err != nil {
			return err
		}
		if err := disk.Replace(s.dir, filepath.Base(s.path), append(b, '\n'), 0o644, false); err != nil {
			return err
		}
	}
	for _, n := range names {
		_ = disk.Remove(filepath.Join(s.records, n))
	}
	return nil
}

// take folds the named records that the file has not seen and returns their names.
func (s *Store) take(f *File, names []string, known map[string]*Event) []string {
	var fresh []string
	for _, n := range names {
		if slices.Contains(f.Folded, n) {
			continue
		}
		fresh = append(fresh, n)
		e := known[n]
		if e == nil {
			e = &Event{}
			b, err := disk.Read(filepath.Join(s.records, n), maxRecord)
			if err != nil || json.Unmarshal(b, e) != nil {
				f.note(report.Note{Message: "a record of a call could not be read and is not counted"}, time.Now().UTC())
				continue
			}
		}
		f.fold(e)
	}
	return fresh
}

// loose names the records not yet folded, the oldest first, at most n.
func (s *Store) loose(n int) []string {
	d, err := os.Open(s.records)
	if err != nil {
		return nil
	}
	defer d.Close()
	all, _ := d.Readdirnames(2 * maxLoose)
	names := slices.DeleteFunc(all, func(n string) bool { return !strings.HasSuffix(n, ".json") })
	slices.SortFunc(names, func(a, b string) int {
		if len(a) != len(b) && number(a) != number(b) {
			return int(number(a) - number(b))
		}
		return strings.Compare(a, b)
	})
	return names[:min(n, len(names))]
}

func number(name string) int64 {
	n, _ := strconv.ParseInt(name[:max(0, strings.IndexByte(name, '-'))], 10, 64)
	return n
}

// read returns the file, or an empty one and what became of a file that could not be believed.
func (s *Store) read() (f *File, aside string) {
	b, err := disk.Read(s.path, maxFile)
	if errors.Is(err, os.ErrNotExist) {
		return Empty(), ""
	}
	if err == nil {
		f, err = parse(b)
	}
	if err == nil {
		return f, ""
	}
	old := s.path + ".bad"
	if renameErr := os.Rename(s.path, old); renameErr != nil {
		return Empty(), fmt.Sprintf("the status file could not be read and begins anew: %v", err)
	}
	return Empty(), fmt.Sprintf("the status file could not be read and was set aside as %s: %v", old, err)
}

// Read returns the status as of now: the file with what is still loose.
func (s *Store) Read() (*File, error) {
	f := Empty()
	b, err := disk.Read(s.path, maxFile)
	switch {
	case err == nil:
		if f, err = parse(b); err != nil {
			return nil, err
		}
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	s.take(f, s.loose(maxLoose), nil)
	f.InFlight, _ = inflight.Running(s.CallsDir())
	return f, nil
}
