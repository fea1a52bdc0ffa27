package chain

import (
	"encoding/json"
	"path/filepath"

	"github.com/cni-shim/cni-shim/pkg/config"
)

// Entry returns the shim's own entry as the runtime would give it: that of the first list in dir that the shim stands in, else
// one that wraps what is in dir. The entry of a list that the shim only observes has the plugins that the runtime runs for its chain. What is wrong in an entry is left at its default; package check tells it.
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
	switch {
	case c.Bare():
		entry.Chain.Inline = c.Beside().inline()
	case entry.Chain.IsZero():
		entry.Chain.Path = dir
	}
	return entry
}

// inline is the list as an entry's "chain" can hold it.
func (c *Chain) inline() json.RawMessage {
	list := struct {
		DisableCheck bool              `json:"disableCheck,omitempty"`
		DisableGC    bool              `json:"disableGC,omitempty"`
		Plugins      []json.RawMessage `json:"plugins"`
	}{c.DisableCheck, c.DisableGC, nil}
	for _, p := range c.Plugins {
		list.Plugins = append(list.Plugins, p.Bytes)
	}
	b, _ := json.Marshal(list) // of JSON that has been parsed
	return b
}

// LoadPath loads a file as a runtime would run it: of a list of the shim's own, the chain that it refers to.
func LoadPath(path string) (*Chain, error) {
	c, err := LoadFile(path)
	if err != nil || !c.Own() {
		return c, err
	}
	return Load(c.entry(filepath.Dir(path)))
}
