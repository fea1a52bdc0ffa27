// Package attachment keeps what ADD runs until a DEL has undone it, so that a configuration edited, broken or removed
// meanwhile changes nothing for running pods.
//
// A call keeps an attachment in memory, in a file below the directory of the status file, which is a tmpfs: no call waits for a
// disk. A watch saves the files below the state directory, so that they outlive a reboot, and brings them back after one (Carrier).
//
// An attachment is one file, attachments/<network>/<container>@<interface> (see fileName for long ones). Its first line, written before the first plugin runs,
// is the chain and the call; a second line is appended after success. The ADD that wrote it holds its lock while it runs.
package attachment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/containernetworking/cni/pkg/utils"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/disk"
)

// format is the version of the entry's form.
const format = 1

// maxSize bounds an entry, in bytes.
const maxSize = 2 * chain.MaxSize

// Key names an attachment: network of the list that the shim stands in, container and interface (SPEC 1.1, section 2).
type Key struct {
	Network     string `json:"network"`
	ContainerID string `json:"containerId"`
	IfName      string `json:"ifName"`
}

// Entry is what ADD ran, or is about to run.
type Entry struct {
	Format int `json:"format"`
	Key
	Netns         string                     `json:"netns,omitempty"`
	NetnsID       string                     `json:"netnsId,omitempty"` // see NetnsID
	Args          string                     `json:"args,omitempty"`    // CNI_ARGS
	Path          string                     `json:"path,omitempty"`    // CNI_PATH
	RuntimeConfig map[string]json.RawMessage `json:"runtimeConfig,omitempty"`
	Chain         chain.Raw                  `json:"chain"`
	Created       time.Time                  `json:"created"`
	// Ended: an ADD before this one had succeeded, and its namespace was gone.
	Ended  bool    `json:"ended,omitempty"`
	Uptime float64 `json:"uptime,omitempty"` // of the node at the first Put, in seconds: an age whatever the clock is set to

	Done *Done `json:"-"` // nil while ADD runs, and after it failed
}

// Done is an ADD that succeeded.
type Done struct {
	Added time.Time `json:"added"`
	// Inner is the result as the chain gave it; Outer as the runtime got it, empty where that is the same. See delegate.Kept for what
	// CHECK and DEL get of it.
	Inner json.RawMessage `json:"inner,omitempty"`
	Outer json.RawMessage `json:"outer,omitempty"`
}

// Up reports whether the attachment may be a pod's network now: its ADD succeeded, and its namespace is not certainly gone.
func (e *Entry) Up() bool { return e.Done != nil && !e.NetnsGone() }

// ErrCorrupt marks an entry that is there and cannot be believed. It counts as none, never as success.
var ErrCorrupt = errors.New("corrupt attachment")

// Store is the attachments of a node. Its methods are safe for concurrent use by any number of processes.
type Store struct {
	run   string    // the directory in memory
	saved [2]string // the directories on the disk that may hold copies: the one asked for, and the default's; empty: none
	// Ask reads what the disk holds in place of this process, which a disk that does not answer would hold for ever; nil: this process
	// reads. It returns ErrUnanswered where there is no answer in time.
	Ask func(Question) (*Answer, error)
	// Writes: what the disk is found to hold may be noted in memory, for the calls after this one.
	Writes bool
	// Before is another directory of a status file, where entries may be from before the configuration was changed; empty: none.
	Before string

	asked      map[Question]*Answer
	unanswered error
}

// Open names the store: runDir is the directory of the status file, stateDir the one on the disk. Nothing is touched before the
// first Begin or Put. Where both are the same there is no other copy.
func Open(runDir, stateDir string) *Store {
	s := &Store{run: filepath.Join(runDir, "attachments")}
	if stateDir != runDir {
		s.saved[0] = filepath.Join(stateDir, "attachments")
		if stateDir != config.DefaultStateDir {
			s.saved[1] = filepath.Join(config.DefaultStateDir, "attachments")
		}
	}
	return s
}

// file checks the key, whose parts come from outside, and makes of it the place of the attachment's file in memory.
func (s *Store) file(k Key) (dir, name string, err error) {
	if err := utils.ValidateNetworkName(k.Network); err != nil {
		return "", "", err
	}
	if err := utils.ValidateContainerID(k.ContainerID); err != nil {
		return "", "", err
	}
	if err := utils.ValidateInterfaceName(k.IfName); err != nil {
		return "", "", err
	}
	return filepath.Join(s.run, dirName(k.Network)), fileName(k), nil
}

// Put keeps an entry, in place of an older one of the same key.
func (s *Store) Put(e *Entry) error {
	b, err := e.encode()
	if err != nil {
		return err
	}
	return s.replace(e.Key, b)
}

// replace makes b the text of an attachment's file: readers see the old one or the new one.
func (s *Store) replace(k Key, b []byte) error {
	dir, name, err := s.file(k)
	if err != nil {
		return err
	}
	if err := s.makeDirs(dir); err != nil {
		return err
	}
	return disk.Replace(dir, name, b, 0o600, false)
}

// makeDirs makes what is missing of a network's directory, and checks what is there.
func (s *Store) makeDirs(dir string) error {
	for _, d := range []string{filepath.Dir(s.run), s.run, dir} {
		perm := os.FileMode(0o700)
		if d == filepath.Dir(s.run) {
			perm = 0o755 // it holds the status file, which everybody reads
		}
		if err := disk.EnsureDir(d, perm); err != nil {
			return err
		}
	}
	return nil
}

// Sweep removes what calls that were killed left half-written.
func (s *Store) Sweep() {
	networks, _ := networksIn(s.run)
	for _, n := range networks {
		disk.Sweep(filepath.Join(s.run, dirName(n)))
	}
}

// Complete notes that ADD succeeded, for an entry that was Put.
func (s *Store) Complete(k Key, d Done) error {
	dir, name, err := s.file(k)
	if err != nil {
		return err
	}
	line, err := d.encode()
	if err != nil {
		return err
	}
	return disk.Append(filepath.Join(dir, name), line)
}

func (e *Entry) encode() ([]byte, error) {
	if e.Format = format; e.Uptime == 0 {
		e.Uptime = Uptime().Seconds()
	}
	b, err := json.Marshal(e)
	return append(b, '\n'), err
}

func (d Done) encode() ([]byte, error) {
	b, err := json.Marshal(d)
	return append(b, '\n'), err
}

// Get returns an entry, of memory or else of the disk; os.ErrNotExist where there is none, ErrCorrupt where it cannot be believed,
// ErrUnanswered where the disk does not answer.
func (s *Store) Get(k Key) (*Entry, error) {
	e, err := s.Here(k)
	if !errors.Is(err, os.ErrNotExist) || s.restored() || s.isRemoved(k) {
		return e, err
	}
	for _, a := range s.asked {
		if i := slices.Index(a.Keys, k); i >= 0 && i < len(a.Texts) && a.Texts[i] != nil {
			return parse(a.Texts[i], k)
		}
	}
	a, err := s.ask(Question{Key: k})
	if err != nil {
		return nil, err
	}
	b, ok := a.Entries[k.Network]
	if !ok {
		return nil, os.ErrNotExist
	}
	return parse(b, k)
}

// Here returns an entry of memory alone. Nothing is read from a disk.
func (s *Store) Here(k Key) (*Entry, error) {
	dir, name, err := s.file(k)
	if err != nil {
		return nil, err
	}
	e, err := read(filepath.Join(dir, name), k)
	if s.Before != "" && errors.Is(err, os.ErrNotExist) {
		return s.before().Here(k)
	}
	return e, err
}

// before is the store in memory of Before.
func (s *Store) before() *Store { return Open(s.Before, s.Before) }

func read(path string, k Key) (*Entry, error) {
	b, err := disk.Read(path, maxSize)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	case len(b) == 0: // its writer was killed, or is about to write
		return nil, os.ErrNotExist
	}
	return parse(b, k)
}

func parse(b []byte, k Key) (*Entry, error) {
	first, rest, whole := bytes.Cut(b, []byte("\n"))
	e := &Entry{}
	if err := json.Unmarshal(first, e); err != nil || !whole {
		return nil, fmt.Errorf("%w: its first line is cut or no JSON", ErrCorrupt)
	}
	if e.Format != format || e.Key != k {
		return nil, fmt.Errorf("%w: format %d of %s/%s/%s", ErrCorrupt, e.Format, e.Network, e.ContainerID, e.IfName)
	}
	var d Done
	if json.Unmarshal(rest, &d) == nil {
		e.Done = &d
	}
	return e, nil
}

// ErrAdding marks an attachment that an ADD under way holds.
var ErrAdding = errors.New("an ADD of this attachment is under way")

// List returns the keys of a network's attachments.
func (s *Store) List(network string) ([]Key, error) {
	if err := utils.ValidateNetworkName(network); err != nil {
		return nil, err
	}
	keys, err := keysIn(s.run, network)
	if s.Before != "" && err == nil {
		var more []Key
		more, err = keysIn(s.before().run, network)
		keys = append(keys, more...)
	}
	if err != nil || s.restored() {
		return keys, err
	}
	a, err := s.ask(Question{List: true})
	if err != nil {
		return keys, err
	}
	have := map[Key]bool{}
	for _, k := range keys {
		have[k] = true
	}
	for _, k := range a.Keys {
		if k.Network == network && !have[k] && !s.isRemoved(k) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// Elsewhere returns the entry of the same container and interface under another network's name; os.ErrNotExist where there is none,
// or more than one.
func (s *Store) Elsewhere(k Key) (*Entry, error) {
	networks, err := s.networks()
	if err != nil {
		return nil, err
	}
	found := map[string]*Entry{}
	for _, n := range networks {
		if e, err := s.Here(Key{n, k.ContainerID, k.IfName}); err == nil {
			found[n] = e
		}
	}
	if !s.restored() {
		a, err := s.ask(Question{Key: k})
		if err != nil {
			return nil, err
		}
		for n, b := range a.Entries {
			other := Key{n, k.ContainerID, k.IfName}
			if e, err := parse(b, other); err == nil && found[n] == nil && !s.isRemoved(other) {
				found[n] = e
			}
		}
	}
	delete(found, k.Network)
	if len(found) > 1 {
		return nil, fmt.Errorf("container %s has %s in more than one network: %w", k.ContainerID, k.IfName, os.ErrNotExist)
	}
	for _, e := range found {
		return e, nil
	}
	return nil, os.ErrNotExist
}

// Networks returns the names of the networks that have had attachments.
func (s *Store) Networks() ([]string, error) {
	names, err := s.networks()
	if err != nil || s.restored() {
		return names, err
	}
	a, err := s.ask(Question{List: true})
	if err != nil {
		return names, err
	}
	have := map[string]bool{}
	for _, n := range names {
		have[n] = true
	}
	for _, k := range a.Keys {
		if !have[k.Network] {
			have[k.Network] = true
			names = append(names, k.Network)
		}
	}
	return names, nil
}

// networks lists the networks in memory.
func (s *Store) networks() ([]string, error) {
	names, err := networksIn(s.run)
	if s.Before != "" && err == nil {
		var more []string
		more, err = networksIn(s.before().run)
		names = append(names, more...)
		slices.Sort(names)
		names = slices.Compact(names)
	}
	return names, err
}

// networksIn lists the networks that have directories.
func networksIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if n, ok := networkOf(filepath.Join(dir, e.Name())); ok {
			names = append(names, n)
		}
	}
	return names, nil
}

// keysIn lists the keys of a network's files.
func keysIn(dir, network string) ([]Key, error) {
	dir = filepath.Join(dir, dirName(network))
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var keys []Key
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		if k, ok := keyOf(network, filepath.Join(dir, e.Name())); ok {
			keys = append(keys, k)
		}
	}
	return keys, nil
}
