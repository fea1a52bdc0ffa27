package attachment

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/containernetworking/cni/libcni"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/outer"
)

// cached is the file in which the runtime's libcni keeps what it added, unless told otherwise.
func cached(k Key) string {
	return filepath.Join(libcni.CacheDir, "results", k.Network+"-"+k.ContainerID+"-"+k.IfName)
}

// absent reports whether an error shows that a file cannot be there: no file has so long a name or stands below a file or a link to itself.
func absent(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP)
}

// inCache is what libcni keeps of an attachment (libcni, cachedInfo).
type inCache struct {
	Kind   string `json:"kind"`
	Config []byte `json:"config"`
	Key
	NetworkName string          `json:"networkName"`
	Result      json.RawMessage `json:"result"`
}

func parseCache(b []byte, k Key) (*inCache, error) {
	c := &inCache{}
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("%w: the runtime's: %w", ErrCorrupt, err)
	}
	if c.Kind != libcni.CNICacheV1 || c.ContainerID != k.ContainerID || c.IfName != k.IfName || c.NetworkName != k.Network {
		return nil, fmt.Errorf("%w: the runtime's is of another attachment", ErrCorrupt)
	}
	return c, nil
}

func (c *inCache) list() (*chain.Chain, error) {
	ch, err := chain.FromRaw(chain.Raw{Config: c.Config}, chain.Runtime)
	if err != nil {
		return nil, fmt.Errorf("%w: the runtime's: %w", ErrCorrupt, err)
	}
	return ch, nil
}

// inRuntime returns what the runtime's libcni keeps of an attachment; os.ErrNotExist where it keeps nothing, ErrUnanswered where the
// disk does not answer.
func (s *Store) inRuntime(k Key) (*inCache, error) {
	a, err := s.ask(Question{Key: k})
	switch {
	case err != nil:
		return nil, err
	case a.RuntimeFault != nil && a.RuntimeFault.Errno != 0:
		return nil, fmt.Errorf("%w: %w", ErrUnanswered, a.RuntimeFault)
	case a.RuntimeFault != nil:
		return nil, a.RuntimeFault
	case a.Runtime == nil:
		return nil, os.ErrNotExist
	}
	return parseCache(a.Runtime, k)
}

// RuntimeList returns the list that the runtime's libcni ran ADD with, from its cache; os.ErrNotExist when it has none.
func (s *Store) RuntimeList(k Key) (*chain.Chain, error) {
	c, err := s.inRuntime(k)
	if err != nil {
		return nil, err
	}
	return c.list()
}

// FromRuntime returns the chain of a pod that is older than the shim, from the runtime's own cache; os.ErrNotExist when the
// cache has none. The cache lacks the plugins of the list's sub-directory: they are read from confDir, and an *chain.Error says
// which of them cannot be. An entry of a list that the shim stands in gives the inline chain of that list, if it has one.
func (s *Store) FromRuntime(k Key, confDir string) (*chain.Chain, error) {
	c, err := s.RuntimeList(k)
	if err != nil {
		return nil, err
	}
	if !c.Own() {
		if err := c.AddSubDirectory(confDir); err != nil {
			return nil, err
		}
		if len(c.Plugins) == 0 {
			return nil, fmt.Errorf("the runtime's cache holds no plugins: %w", os.ErrNotExist)
		}
		return c, nil
	}
	for _, p := range c.Plugins {
		if p.Network.Type != config.Type {
			continue
		}
		own, _ := config.Parse(p.Bytes)
		own.Name, own.CNIVersion = c.Name, c.CNIVersion
		if own.Chain.Inline != nil {
			inner, err := chain.Load(own)
			if err != nil {
				return nil, err
			}
			inner.Source.Kind = chain.Runtime
			return inner, nil
		}
	}
	return nil, fmt.Errorf("the runtime's cache holds the shim's own list: %w", os.ErrNotExist)
}

// UpElsewhere reports whether an attachment may be up of which memory knows nothing: the disk's copy says so, or the runtime's libcni
// holds a finished ADD whose namespace may live, of a pod that is older than the shim. libcni keeps a result from the end of a whole
// ADD until a DEL. What cannot be read counts as up.
func (s *Store) UpElsewhere(k Key) bool {
	a, err := s.ask(Question{Key: k})
	if err != nil {
		return true
	}
	if saved, err := parse(a.Entries[k.Network], k); err == nil && saved.Up() && !s.isRemoved(k) {
		return true
	}
	c, err := s.inRuntime(k)
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	var result struct {
		Interfaces []struct {
			Sandbox string `json:"sandbox"`
		} `json:"interfaces"`
	}
	_ = json.Unmarshal(c.Result, &result) // one that names no namespace shows none that is gone
	for _, i := range result.Interfaces {
		if i.Sandbox != "" {
			return !(&Entry{Netns: i.Sandbox}).NetnsGone()
		}
	}
	return true
}

// Known reports whether anybody has anything of an attachment: false only when memory, disk and the runtime's cache could be read
// and have nothing.
func (s *Store) Known(k Key) bool {
	if _, err := s.Get(k); !errors.Is(err, os.ErrNotExist) {
		return true
	}
	_, err := s.inRuntime(k)
	return !errors.Is(err, os.ErrNotExist)
}

// Cached reports which attachments the runtime's libcni keeps.
func (s *Store) Cached() (func(Key) bool, error) {
	a, err := s.ask(Question{List: true})
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, n := range a.Cached {
		names[n] = true
	}
	return func(k Key) bool { return names[filepath.Base(cached(k))] }, nil
}

// InRuntime reports whether the runtime's libcni keeps an attachment; true also where that cannot be seen.
func InRuntime(k Key) bool {
	_, err := os.Lstat(cached(k))
	return !absent(err)
}

// ReplaceInRuntime puts the chain that ADD ran into the runtime's cache, in the place of the shim in its list, so that a runtime that
// deletes by its cache (CRI-O, podman) needs the shim no more. Plugins of the list's sub-directory, which libcni would not have
// cached, stand in it as well: they ran. An entry that is not there or not of a list of the shim's is left.
func ReplaceInRuntime(k Key, ran chain.Raw) error {
	path := cached(k)
	b, err := disk.ReadAnyone(path, maxSize)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := parseCache(b, k)
	if err != nil {
		return err
	}
	ch, err := c.list()
	if err != nil || !ch.Own() {
		return err
	}
	list, err := ran.Inlined()
	if err != nil {
		return err
	}
	l, err := outer.Parse(ch.Bytes)
	if err != nil {
		return err
	}
	list, err = l.Around(list) // what others had put beside the shim the runtime ran as well
	if err != nil {
		return err
	}
	var entry map[string]json.RawMessage
	if err := json.Unmarshal(b, &entry); err != nil {
		return err
	}
	if entry["config"], err = json.Marshal(list); err != nil { // bytes become base64, as libcni writes them
		return err
	}
	if b, err = json.Marshal(entry); err != nil {
		return err
	}
	return disk.ReplaceInPlace(path, b)
}
