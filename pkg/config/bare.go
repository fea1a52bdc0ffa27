package config

import (
	"encoding/json"
	"slices"

	"github.com/cni-shim/cni-shim/pkg/known"
)

// Bare reports whether the shim only observes a list of plugins of these types: entry, the first of its entries there,
// has no "chain", and the list has a plugin that makes an interface by itself, which the runtime runs. Beside chained
// plugins alone, which service meshes append to whatever list comes first, the shim runs a chain: without it those have
// nothing to work on.
//
// It is the one definition, for the plugin, check, install, watch and uninstall.
func Bare(types []string, entry []byte) bool {
	var e map[string]json.RawMessage
	_ = json.Unmarshal(entry, &e) // a text that has been parsed
	if c, ok := e["chain"]; ok && string(c) != "null" {
		return false
	}
	interfaces := func(t string) bool { return t != Type && !known.Chained(t) }
	return slices.Contains(types, Type) && slices.ContainsFunc(types, interfaces)
}
