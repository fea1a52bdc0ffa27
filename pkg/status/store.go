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

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/inflight"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/visible"
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
	// Refused says why the path that was asked for is not used, and the default is; empty where it is.
	Refused string

	path    string
	dir     string
	records string
	before  string // the directory of a path that was refused; empty: none was
	asked   bool   // an entry asks for another place than the default
}

// Open names the status file, for an admin who has named it. Nothing is touched before the first Add.
func Open(path string) *Store {
	dir := filepath.Dir(path)
	return &Store{path: path, dir: dir, records: filepath.Join(dir, "records")}
}

// Of opens the status file of an entry.
func Of(entry *config.Config) *Store {
	if entry.StatusFileGiven {
		return Open(entry.StatusFile)
	}
	return OpenEntry(entry.StatusFile)
}

// OpenEntry names the status file that an entry asks for. The entry may come from anybody: a file that is there and is no status file,
// or one in a directory that is somebody else's, is left alone, and the default stands in for it. A directory that is not there, or
// empty, is the shim's from the first Add or Own on.
func OpenEntry(path string) *Store {
	if path == config.DefaultStatusFile {
		return Open(path)
	}
	why := foreign(path)
	if why == "" {
		s := Open(path)
		s.asked = true
		return s
	}
	s := Open(config.DefaultStatusFile)
	s.Refused = fmt.Sprintf("statusFile %s is left as it is, and %s is used: %s", path, config.DefaultStatusFile, why)
	s.before = filepath.Dir(path)
	return s
}

// foreign says why a path that somebody asks for is not the shim's to write to; "" where it is.
func foreign(path string) string {
	dir := filepath.Dir(path)
	if !disk.Marked(dir) {
		if disk.Below(path, filepath.Dir(config.DefaultStatusFile), config.DefaultStateDir) {
			return "it lies where the shim keeps other files"
		}
		if why := disk.Own(dir, false); why != "" {
			return why
		}
	}
	switch ok, err := disk.Begins(path, beginning); {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return "it is no status file: " + err.Error()
	case !ok:
		return "it is no status file"
	}
	return ""
}

// beginning is how every status file begins, however it goes on.
const beginning = "{\n  \"version\": "

// Own makes the directory of the status file and marks it as the shim's, where an entry has asked for another than the default: before
// anything else is written there.
func (s *Store) Own() error {
	if !s.asked {
		return nil
	}
	if why := disk.Own(s.dir, true); why != "" {
		return errors.New(why)
	}
	return nil
}

// Attachments opens the attachments that are kept beside the status file, and saved below stateDir.
func (s *Store) Attachments(stateDir string) *attachment.Store {
	a := attachment.Open(s.dir, stateDir)
	if s.before != "" && disk.Own(s.before, false) == "" {
		a.Before = s.before
	}
	return a
}

// Dir is the directory that the status file lies in.
func (s *Store) Dir() string { return s.dir }

// CallsDir is where calls under way have their marks.
func (s *Store) CallsDir() string { return filepath.Join(s.dir, "calls") }

// Add records a call: in the file where nobody else is at it, with what has gathered beside it, else in a record of its own, which
// whoever is at it folds.
func (s *Store) Add(e *Event) error {
	if err := s.prepare(); err != nil {
		return err
	}
	alone, err := s.fold(e)
	if alone && err == nil {
		_, err = s.foldLoose() // dropped meanwhile by who found the lock taken
		return err
	}
	name, dropErr := s.drop(e)
	if dropErr != nil {
		return dropErr
	}
	if err == nil { // the lock's holder may have let go before it could see the record
		alone, err = s.foldLoose()
	}
	if (err != nil || !alone) && len(s.loose(maxLoose)) >= maxLoose-maxWriters {
		os.Remove(filepath.Join(s.records, name))
		return cmp.Or(err, fmt.Errorf("its lock is held for long, and %d calls wait to be counted", maxLoose-maxWriters))
	}
	return err
}

// drop writes a call's record.
func (s *Store) drop(e *Event) (name string, err error) {
	b, err := e.encode()
	if err != nil {
		return "", err
	}
	name = fmt.Sprintf("%d-%d.json", time.Now().UnixNano(), os.Getpid())
	return name, disk.Replace(s.records, name, b, 0o600, false)
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
	if err := s.Own(); err != nil {
		return err
	}
	if err := disk.EnsureDir(s.dir, 0o755); err != nil {
		return err
	}
	return disk.EnsureDir(s.records, 0o700)
}

// foldLoose takes loose records into the file until there are none, and tells whether it could: not while somebody else has the lock.
func (s *Store) foldLoose() (alone bool, err error) {
	for began := time.Now(); len(s.loose(1)) > 0; {
		if alone, err = s.fold(nil); err != nil || !alone {
			return alone, err // the lock's holder looks once more after it let go
		}
		if time.Since(began) > foldTime {
			break
		}
	}
	return true, nil
}

// fold takes a call, unless nil, and loose records into the file, if nobody else is at it.
func (s *Store) fold(e *Event) (alone bool, err error) {
	unlock, err := disk.TryLock(s.records, "fold")
	if err != nil {
		if errors.Is(err, disk.ErrLocked) {
			err = nil
		}
		return false, err
	}
	defer unlock()
	names := s.loose(maxFold)
	running := inflight.Lasting(s.CallsDir(), time.Second, maxInFlight)
	now := time.Now().UTC().Truncate(time.Millisecond)
	events := s.dropped(names)
	if e != nil {
		events = append(events, e)
	}
	var b []byte
	if o := s.outline(); o != nil && !slices.ContainsFunc(events, (*Event).unusual) {
		b, err = o.with(unseen(events, names, o.Folded), names, running, now)
	} else {
		s.Sweep() // after a failure, or where something went wrong
		f, aside := s.read()
		if aside != "" {
			f.note(report.Note{Message: aside}, now)
		}
		f.take(unseen(events, names, f.Folded))
		f.Folded, f.Updated, f.InFlight = names, now, running
		b, err = json.MarshalIndent(f, "", "  ")
	}
	if err == nil {
		err = disk.Replace(s.dir, filepath.Base(s.path), seal(visible.Bytes(b)), 0o644, false) // people read it with cat
	}
	if err != nil {
		return true, err
	}
	for _, n := range names {
		_ = disk.Remove(filepath.Join(s.records, n))
	}
	return true, nil
}

// dropped reads records; one that cannot be read is nil.
func (s *Store) dropped(names []string) []*Event {
	events := make([]*Event, len(names))
	for i, n := range names {
		b, err := disk.Read(filepath.Join(s.records, n), maxRecord)
		if err != nil {
			continue
		}
		if e, err := decode(b); err == nil {
			events[i] = e
		}
	}
	return events
}

// unseen are the events but those whose records, of the same index, are folded already.
func unseen(events []*Event, names, folded []string) (out []*Event) {
	for i, e := range events {
		if i >= len(names) || !slices.Contains(folded, names[i]) {
			out = append(out, e)
		}
	}
	return out
}

// loose names the records not yet folded, the oldest first, at most n.
func (s *Store) loose(n int) []string {
	all, _ := disk.Names(s.records, 2*maxLoose)
	names := slices.DeleteFunc(all, func(n string) bool { return !strings.HasSuffix(n, ".json") })
	slices.SortFunc(names, func(a, b string) int {
		if len(a) != len(b) && stamp(a) != stamp(b) {
			return int(stamp(a) - stamp(b))
		}
		return strings.Compare(a, b)
	})
	return names[:min(n, len(names))]
}

// stamp is the time that a record's name begins with.
func stamp(name string) int64 {
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
	names := s.loose(maxLoose)
	f.take(unseen(s.dropped(names), names, f.Folded))
	f.InFlight, _ = inflight.Running(s.CallsDir())
	return f, nil
}

// Verdict is Read's, but for calls of the last second whose records are loose: many at once would read each other's.
func (s *Store) Verdict() (Verdict, error) {
	names := s.loose(1)
	if len(names) == 0 || time.Since(time.Unix(0, stamp(names[0]))) < time.Second {
		if o := s.outline(); o != nil {
			return o.Verdict, nil
		}
	}
	f, err := s.Read()
	if err != nil {
		return Verdict{}, err
	}
	return f.Verdict, nil
}

// Sweep removes what calls that were killed left half-written.
func (s *Store) Sweep() {
	disk.Sweep(s.records)
	disk.Sweep(s.dir)
}
