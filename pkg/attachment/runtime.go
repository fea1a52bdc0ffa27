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
)

// cached is the file in which the runtime's libcni keeps what it added, unless told otherwise.
func cached(k Key) string {
	return filepath.Join(libcni.CacheDir, "results", k.Network+"-"+k.ContainerID+"-"+k.IfName)
}

// absent reports whether an error shows that a file cannot be there: no file has so long a name or stands below a file or a link to itself.
func absent(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP)
}

// RuntimeList returns the list that the runtime's libcni ran ADD with, from its cache; os.ErrNotExist when it has none.
func RuntimeList(k Key) (*chain.Chain, error) {
	var entry struct {
		Kind   string `json:"kind"`
		Config []byte `json:"config"`
		Key
		NetworkName string `json:"networkName"`
	}
	b, err := disk.ReadAnyone(cached(k), maxSize)
	if absent(err) {
		return nil, os.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &entry); err != nil {
		return nil, fmt.Errorf("%w: the runtime's: %w", ErrCorrupt, err)
	}
	if entry.Kind != libcni.CNICacheV1 || entry.ContainerID != k.ContainerID || entry.IfName != k.IfName || entry.NetworkName != k.Network {
		return nil, fmt.Errorf("%w: the runtime's is of another attachment", ErrCorrupt)
	}
	c, err := chain.FromRaw(chain.Raw{Config: entry.Config}, chain.Runtime)
	if err != nil {
		return nil, fmt.Errorf("%w: the runtime's: %w", ErrCorrupt, err)
	}
	return c, nil
}

// FromRuntime returns the chain of a pod that is older than the shim, from the runtime's own cache; os.ErrNotExist when the
// cache has none. The cache lacks the plugins of the list's sub-directory: they are read from confDir, and an *chain.Error says
// which of them cannot be. An entry of a list that the shim stands in gives the inline chain of that list, if it has one.
func FromRuntime(k Key, confDir string) (*chain.Chain, error) {
	c, err := RuntimeList(k)
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

// Known tells whether anybody has anything of an attachment: false only when both stores could be read and have nothing.
func (s *Store) Known(k Key) bool {
	_, err := s.Get(k)
	if !errors.Is(err, os.ErrNotExist) {
		return true
	}
	return InRuntime(k)
}

// InRuntime tells whether the runtime's libcni keeps an attachment; true also where that cannot be seen.
func InRuntime(k Key) bool {
	_, err := os.Lstat(cached(k))
	return !absent(err)
}

// ReplaceInRuntime puts the chain that ADD ran into the runtime's cache, in the place of the shim's list, so that a runtime that
// deletes by its cache (CRI-O, podman) needs the shim no more. Plugins of the list's sub-directory, which libcni would not have
// cached, stand in it as well: they ran. An entry that is not there or not of a list of the shim's is left.
func ReplaceInRuntime(k Key, ran chain.Raw) error {
	c, err := RuntimeList(k)
	if errors.Is(err, os.ErrNotExist) || err == nil && !c.Own() {
		return nil
	}
	if err != nil {
		return err
	}
	list, err := ran.Inlined()
	if err != nil {
		return err
	}
	path := cached(k)
	b, err := disk.ReadAnyone(path, maxSize)
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
