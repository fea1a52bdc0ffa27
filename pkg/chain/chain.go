// Package chain knows where the wrapped chain comes from and what it is: name, version and plugins as libcni reads them.
// Plugin objects are never round-tripped through typed structs: a key that nobody here knows reaches its plugin.
package chain

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/containernetworking/cni/libcni"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/diag"
)

// Chain is a network configuration that libcni accepted.
type Chain struct {
	*libcni.NetworkConfigList
	Source Source
	Mended []diag.Diagnostic // the faults without which it runs, where the entry asks for that; the file still has them
}

// Kind says what a chain was read from.
type Kind string

// The places that chains come from.
const (
	Directory Kind = "directory"     // the first file of a directory that is not the shim's own
	File      Kind = "file"          // the file that the entry names
	Inline    Kind = "inline"        // the entry itself
	Stored    Kind = "attachment"    // what ADD stored
	Runtime   Kind = "runtime-cache" // what the runtime's libcni kept of an ADD before the shim was there
)

// Source is where a chain was read.
type Source struct {
	Kind Kind   `json:"kind"`
	Path string `json:"path,omitempty"` // of the file; of the directory where no file was found
}

// Raw is a chain as it can be stored and read again: the configuration and the plugin objects from the sub-directory.
type Raw struct {
	Source  Source            `json:"source"`
	Config  json.RawMessage   `json:"config"`
	Plugins []json.RawMessage `json:"plugins,omitempty"`
}

// Raw returns the chain in its storable form.
func (c *Chain) Raw() Raw {
	r := Raw{Source: c.Source, Config: c.Bytes}
	for _, p := range c.Plugins[c.inlined():] {
		r.Plugins = append(r.Plugins, p.Bytes)
	}
	return r
}

// Inlined returns the configuration as one text with all plugins in it.
func (r Raw) Inlined() ([]byte, error) {
	if len(r.Plugins) == 0 {
		return r.Config, nil
	}
	var list map[string]json.RawMessage
	if err := json.Unmarshal(r.Config, &list); err != nil {
		return nil, err
	}
	var plugins []json.RawMessage
	if own := list["plugins"]; own != nil {
		if err := json.Unmarshal(own, &plugins); err != nil {
			return nil, err
		}
	}
	var err error
	if list["plugins"], err = json.Marshal(append(plugins, r.Plugins...)); err != nil {
		return nil, err
	}
	list["loadOnlyInlinedPlugins"] = []byte("true")
	return json.Marshal(list)
}

// inlined counts the plugins that stand in the configuration itself; those of the sub-directory follow them.
func (c *Chain) inlined() int {
	var list struct {
		Plugins []json.RawMessage `json:"plugins"`
	}
	_ = json.Unmarshal(c.Bytes, &list) // libcni has read it before
	return min(len(list.Plugins), len(c.Plugins))
}

// FromRaw reads a stored chain again. It runs as kind, whatever it came from; the path stays.
func FromRaw(r Raw, kind Kind) (*Chain, error) {
	list, err := libcni.NetworkConfFromBytes(r.Config)
	if err != nil {
		return nil, err
	}
	for _, p := range r.Plugins {
		conf, err := libcni.NetworkPluginConfFromBytes(p)
		if err != nil {
			return nil, err
		}
		list.Plugins = append(list.Plugins, conf)
	}
	return &Chain{NetworkConfigList: list, Source: Source{kind, r.Source.Path}}, nil
}

// Own tells a list that the shim stands in: such a list is never wrapped.
func (c *Chain) Own() bool {
	for _, p := range c.Plugins {
		if p.Network.Type == config.Type {
			return true
		}
	}
	return false
}

// Bare reports whether the shim stands in the list and only observes it, by config.Bare.
func (c *Chain) Bare() bool {
	var types []string
	var entry []byte
	for _, p := range c.Plugins {
		if types = append(types, p.Network.Type); p.Network.Type == config.Type && entry == nil {
			entry = p.Bytes
		}
	}
	return config.Bare(types, entry)
}

// Beside returns the list without the shim: what the runtime runs itself.
func (c *Chain) Beside() *Chain {
	others := *c.NetworkConfigList
	others.Plugins = slices.DeleteFunc(slices.Clone(c.Plugins), func(p *libcni.PluginConfig) bool { return p.Network.Type == config.Type })
	return &Chain{NetworkConfigList: &others, Source: c.Source}
}

// Label names plugin i as admins read it: `portmap (2/3)`.
func (c *Chain) Label(i int) string {
	return fmt.Sprintf("%s (%d/%d)", c.Plugins[i].Network.Type, i+1, len(c.Plugins))
}

// ParseLabel reads what Label wrote; the index counts from 0.
func ParseLabel(s string) (plugin string, index, of int, ok bool) {
	at := strings.LastIndex(s, " (")
	if at < 0 {
		return "", 0, 0, false
	}
	n, err := fmt.Sscanf(s[at:], " (%d/%d)", &index, &of)
	return s[:at], index - 1, of, n == 2 && err == nil && index > 0
}
