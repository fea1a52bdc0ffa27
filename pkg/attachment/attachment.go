// Package attachment keeps what ADD runs until a DEL has undone it, so that a configuration edited, broken or removed
// meanwhile changes nothing for running pods.
//
// An entry is one file, <dir>/attachments/<network>/<container>@<interface> (long ones: see fileName). Its first line, written
// durably before the first plugin runs, is the chain and the call; a second line is appended after success and may be lost with the
// power.
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
	Uptime        float64                    `json:"uptime,omitempty"` // of the node at the first Put, in seconds: an age whatever the clock is set to

	Done *Done `json:"-"` // nil while ADD runs, after it failed, and where the power took the second line
}

// Done is an ADD that succeeded.
type Done struct {
	Added time.Time `json:"added"`
	// Inner is the result as libcni hands it on with CHECK and DEL of the chain; Outer as it does with those of the shim's list, empty
	// where that is the same.
	Inner json.RawMessage `json:"inner,omitempty"`
	Outer json.RawMessage `json:"outer,omitempty"`
}

// ErrCorrupt marks an entry that is there and cannot be believed. It counts as none, never as success.
var ErrCorrupt = errors.New("corrupt attachment")

// Store is the attachments under a state directory. Its methods are safe for concurrent use by any number of processes,
// for one attachment by one at a time, which the spec asks of runtimes.
type Store struct{ dir string }

// Open names the store; nothing is touched before the first Put.
func Open(stateDir string) *Store { return &Store{filepath.Join(stateDir, "attachments")} }

// file checks the key, whose parts come from outside, and makes the path from it.
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
	return filepath.Join(s.dir, dirName(k.Network)), fileName(k), nil
}

// Put stores an entry durably, in the place of an older one of the same key.
func (s *Store) Put(e *Entry) error {
	dir, name, err := s.file(e.Key)
	if err != nil {
		return err
	}
	if e.Format = format; e.Uptime == 0 {
		e.Uptime = Uptime().Seconds()
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	var above []string // of directories made just now: their names are to last as well
	for _, d := range []string{filepath.Dir(s.dir), s.dir, dir} {
		made, err := disk.MakeDir(d, 0o700)
		if err != nil {
			return err
		}
		if made {
			above = append(above, filepath.Dir(d))
		}
	}
	if err := disk.Replace(dir, name, append(line, '\n'), 0o600, true); err != nil {
		return err
	}
	for _, d := range slices.Backward(above) {
		if err := disk.SyncDir(d); err != nil {
			return err
		}
	}
	return nil
}

// Sweep removes what calls that were killed, or a power cut, left half-written.
func (s *Store) Sweep() {
	networks, _ := s.Networks()
	for _, n := range networks {
		disk.Sweep(filepath.Join(s.dir, dirName(n)))
	}
}

// Complete notes that ADD succeeded.
func (s *Store) Complete(k Key, d Done) error {
	dir, name, err := s.file(k)
	if err != nil {
		return err
	}
	line, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return disk.Append(filepath.Join(dir, name), append(line, '\n'))
}

// Get returns an entry; os.ErrNotExist when there is none, ErrCorrupt when it cannot be believed.
func (s *Store) Get(k Key) (*Entry, error) {
	dir, name, err := s.file(k)
	if err != nil {
		return nil, err
	}
	b, err := disk.Read(filepath.Join(dir, name), maxSize)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
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

// Remove forgets an attachment. One that is not there is no error.
func (s *Store) Remove(k Key) error {
	dir, name, err := s.file(k)
	if err != nil {
		return err
	}
	err = disk.Remove(filepath.Join(dir, name))
	if err == nil || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, statErr := os.Lstat(filepath.Join(dir, name)); absent(statErr) {
		return nil // a read-only file system answers so before it looks
	}
	return err
}

// List returns the keys of a network's attachments.
func (s *Store) List(network string) ([]Key, error) {
	if err := utils.ValidateNetworkName(network); err != nil {
		return nil, err
	}
	dir := filepath.Join(s.dir, dirName(network))
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

// Elsewhere returns the entry of the same container and interface under another network's name; os.ErrNotExist where there is none,
// or more than one.
func (s *Store) Elsewhere(k Key) (*Entry, error) {
	networks, err := s.Networks()
	if err != nil {
		return nil, err
	}
	var found *Entry
	for _, n := range networks {
		if n == k.Network {
			continue
		}
		e, err := s.Get(Key{n, k.ContainerID, k.IfName})
		if err == nil && found != nil {
			return nil, fmt.Errorf("container %s has %s in more than one network: %w", k.ContainerID, k.IfName, os.ErrNotExist)
		}
		if err == nil {
			found = e
		}
	}
	if found == nil {
		return nil, os.ErrNotExist
	}
	return found, nil
}

// Networks returns the names of the networks that have had attachments.
func (s *Store) Networks() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
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
		if n, ok := networkOf(filepath.Join(s.dir, e.Name())); ok {
			names = append(names, n)
		}
	}
	return names, nil
}
