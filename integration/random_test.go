package integration

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"slices"
	"strings"
)

// random is a chain of recorders and what a runtime does with it.
type random struct {
	text, version           string
	before, after           []any // what stands beside the shim in the runtime's list
	disableCheck, disableGC bool
	outer                   string // the version of the shim's list, or negotiated
	at                      string // what came of it
	form                    string // how the shim finds the chain
	verbs                   []string
}

// negotiated: the shim's list offers what the sample does, and libcni chooses.
const negotiated = "negotiated"

// lostDEL is a DEL. Through the shim it is a GC after the runtime has lost its cache: the same DEL, with what the shim has kept.
const lostDEL = "DEL of a lost attachment"

// randomChain makes one to three recorders with odd values: capabilities, static runtimeConfig, unknown keys, large and fractional
// numbers, escapes, versions of their own, failures, and results.
func randomChain(r *rand.Rand, network, record string) random {
	d := dice{r}
	c := random{version: d.of("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "0.4.0", "1.0.0", "1.0.0", "1.0.0", "1.1.0", "1.1.0", "1.1.0")}
	c.outer = d.of(c.version, negotiated, negotiated, "0.4.0", "1.0.0", "1.1.0")
	c.form = d.of("directory", "file", "inline")
	list := map[string]any{"cniVersion": c.version, "name": network}
	if d.once(6) {
		list["cniVersion"], list["cniVersions"] = "0.1.0", []string{c.version, "0.1.0"}
	}
	if c.disableCheck = d.once(8); c.disableCheck {
		list["disableCheck"] = true
	}
	if c.disableGC = d.once(8); c.disableGC {
		list["disableGC"] = true
	}
	if d.once(5) {
		list["unknownToEverybody"] = map[string]any{"a": []int{1, 2}}
	}
	if c.outer == c.version {
		c.before, c.after = d.beside("rec3", record), d.beside("recorder", record)
		if d.once(3) {
			c.form = "inline, with the name and version of the shim's list"
		}
	}
	var plugins []any
	n := 1 + r.Intn(3)
	passes := slices.Repeat([]bool{false}, n+1)
	for i := 1; i < n; i++ {
		passes[i] = d.once(4)
	}
	passes[n] = true // what the last one prints is for the runtime
	for i := range n {
		p := d.plugin(c.version, passes[i+1])
		p["type"], p["record"] = fmt.Sprintf("rec%d", i), record
		if passes[i] {
			p["pass"] = true
		}
		plugins = append(plugins, p)
	}
	list["plugins"] = plugins
	b, _ := json.Marshal(list)
	c.text = string(b)
	c.verbs = d.verbs(c)
	return c
}

// beside is a plugin that stands in the runtime's list beside the shim, or none.
func (d dice) beside(name, record string) []any {
	if !d.once(3) {
		return nil
	}
	p := map[string]any{"type": name, "record": record, "capabilities": map[string]bool{"portMappings": d.once(2)}}
	if d.once(2) {
		p["pass"] = true
	}
	return []any{p}
}

// flat is the list as a runtime has it that runs all plugins itself.
func (c random) flat() []byte {
	var list map[string]any
	_ = json.Unmarshal([]byte(c.text), &list)
	list["plugins"] = slices.Concat(c.before, list["plugins"].([]any), c.after)
	b, _ := json.Marshal(list)
	return b
}

// plugin is an entry of a chain without its type.
func (d dice) plugin(version string, forRuntime bool) map[string]any {
	p := map[string]any{}
	if d.once(2) {
		p["capabilities"] = map[string]bool{"portMappings": !d.once(3), "bandwidth": true, "ips": d.once(2), "mac": d.once(2), "unheardOf": d.once(2)}
	}
	if d.once(3) {
		p["runtimeConfig"] = map[string]any{"static": 1}
	}
	if d.once(2) {
		p["odd"] = map[string]any{"big": 9007199254740993, "half": 0.5, "html": "<&>", "unicode": "é\u2028", "null": nil, "empty": []any{}}
	}
	if d.once(4) {
		p["name"] = "own-name"
	}
	if d.once(4) {
		p["cniVersion"] = d.of("0.3.1", "0.4.0", "1.0.0", "")
	}
	if d.once(8) {
		p["prevResult"] = map[string]any{"static": true}
	}
	if d.once(5) {
		p["fail"] = []string{d.of("ADD", "CHECK", "DEL", "STATUS", "GC")}
	}
	if !d.once(10) { // else the recorder's usual one
		p["print"] = d.result(version, forRuntime)
	}
	return p
}

// verbs are what the runtime calls: a pod's life, in the orders of containerd and of nerdctl, which deletes before it adds, with and
// without GC.
func (d dice) verbs(c random) []string {
	outer := c.outer
	if outer == negotiated {
		outer = "1.1.0"
	}
	var verbs []string
	if d.once(3) {
		verbs = append(verbs, d.of("DEL", "CHECK"))
	}
	verbs = append(verbs, "ADD", "CHECK", "STATUS")
	if d.once(2) {
		verbs = append(verbs, "GC")
	}
	if d.once(5) {
		verbs = append(verbs, "ADD", "CHECK")
	}
	switch {
	case since(outer, "1.1.0") && !c.disableGC && c.before == nil && c.after == nil && d.once(3):
		verbs = append(verbs, lostDEL)
	case d.once(3):
		verbs = append(verbs, d.gc(), "DEL")
	default:
		verbs = append(verbs, "DEL", d.gc(), "DEL")
	}
	if since(c.version, "1.1.0") && !since(outer, "1.1.0") { // the runtime has no STATUS and no GC then
		verbs = slices.DeleteFunc(verbs, func(v string) bool { return v == "STATUS" || strings.HasPrefix(v, "GC") })
	}
	return verbs
}

// gc is a GC by a runtime that has no attachments left.
func (d dice) gc() string { return d.of("GC of all", "GC of all", "GC with null", "GC with no list") }
