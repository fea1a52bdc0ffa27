package chain

import (
	"path/filepath"

	"github.com/cni-shim/cni-shim/pkg/config"
)

// Entry returns the shim's own entry as the runtime would give it: that of the first list in dir that the shim stands in, else
// one that wraps what is in dir. What is wrong in an entry is left at its default; package check tells it.
func Entry(dir string) *config.Config {
	paths, _ := Files(dir)
	for _, path := range paths {
		if c, err := LoadFile(path); err == nil && c.Own() {
			return c.entry(dir)
		}
	}
	entry := config.Default()
	entry.Chain.Path = dir
	return entry
}

// entry is the shim's own in a list of dir.
func (c *Chain) entry(dir string) *config.Config {
	entry := config.Default()
	for _, p := range c.Plugins {
		if p.Network.Type == config.Type {
			entry, _ = config.Parse(p.Bytes)
			break
		}
	}
	entry.Name, entry.CNIVersion = c.Name, c.CNIVersion
	if entry.Chain.IsZero() {
		entry.Chain.Path = dir
	}
	return entry
}

// LoadPath loads a file as a runtime would run it: of a list of the shim's own, the chain that it refers to.
func LoadPath(path string) (*Chain, error) {
	c, err := LoadFile(path)
	if err != nil || !c.Own() {
		return c, err
	}
	return Load(c.entry(filepath.Dir(path)))
}
