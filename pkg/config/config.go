// Package config reads the shim's own entry: the plugin object that the runtime gives it on stdin.
package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/containernetworking/cni/pkg/types"
)

// Type is the plugin type by which configurations name the shim.
const Type = "cni-shim"

// Where things are when the entry does not say.
const (
	DefaultConfDir    = "/etc/cni/net.d"
	DefaultStatusFile = "/run/cni-shim/status.json"
	DefaultStateDir   = "/var/lib/cni-shim"
	DefaultLogLevel   = "info"
	// DefaultStatusTimeout bounds STATUS: containerd holds a lock while it waits, and waits for ever.
	DefaultStatusTimeout = 5 * time.Second
)

// Config is the shim's own entry with what the runtime put into it. Raw values are kept verbatim.
type Config struct {
	Name       string // of the network
	CNIVersion string // of the list that the shim stands in, "0.1.0" where none is given
	Chain      Chain
	StatusFile string
	// StatusFileGiven: an admin has named it on a command line, and not the entry.
	StatusFileGiven bool
	StateDir        string
	LogLevel        string                   // debug, info, warning or error
	Timeouts        map[string]time.Duration // by verb; no entry: no bound
	Repair          bool                     // a chain whose only faults carry no information is run in its mended form

	PrevResult    json.RawMessage            // nil when there is none
	RuntimeConfig map[string]json.RawMessage // capability arguments, by key
	GC            map[string]json.RawMessage // the cni.dev/ keys of a GC call, to be handed on untouched
	Attachments   []types.GCAttachment       // those still valid, when AttachmentsGiven
	// AttachmentsGiven is false where a GC names no attachments (absent or null): then nothing may be pruned.
	AttachmentsGiven bool

	Warnings []string // one line each: what is odd in the entry and costs nothing
}

// Chain says where the chain comes from. The zero value is an entry that does not say.
type Chain struct {
	Path   string          // a directory or a file
	Inline json.RawMessage // the network configuration itself
}

// IsZero tells an entry with no "chain".
func (c Chain) IsZero() bool { return c.Path == "" && c.Inline == nil }

// ConfDir is the directory that the chain's file lies in.
func (c *Config) ConfDir() string {
	path := c.Chain.Path
	if path == "" {
		return DefaultConfDir
	}
	if fi, err := os.Stat(path); err == nil && !fi.IsDir() {
		return filepath.Dir(path)
	}
	return path
}

// Error is a key of the entry that cannot be used.
type Error struct {
	Key   string // "timeouts.STATUS"
	Cause string // `"chain" is a number`
	Fix   string
}

func (e *Error) Error() string { return e.Cause }

// Default is what holds when the entry cannot be read at all.
func Default() *Config {
	return &Config{
		StatusFile: DefaultStatusFile,
		StateDir:   DefaultStateDir,
		LogLevel:   DefaultLogLevel,
		Timeouts:   map[string]time.Duration{"STATUS": DefaultStatusTimeout},
	}
}

// Parse reads the entry. It always returns a usable configuration; with an *Error, that key and those not yet read
// have their defaults, so that a DEL can still go on from what ADD stored.
func Parse(stdin []byte) (*Config, error) {
	c := Default()
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(stdin, &raw); err != nil {
		return c, &Error{Cause: "stdin is not a JSON object: " + err.Error(), Fix: "give the plugin its network configuration on stdin"}
	}
	var first error
	for _, k := range keys {
		v, ok := raw[k.name]
		if !ok || string(v) == "null" && !strings.HasPrefix(k.name, "cni.dev/") {
			continue
		}
		if err := k.read(c, v); err != nil && first == nil {
			first = err
		}
	}
	if c.CNIVersion == "" {
		c.CNIVersion = "0.1.0" // the spec's meaning of no version
	}
	c.Warnings = append(c.Warnings, unknownKeys(raw)...)
	return c, first
}

// key is one key of the entry and how it is read.
type key struct {
	name string
	read func(*Config, json.RawMessage) error
}

// keys in the order in which they are read: what a DEL needs most comes first.
var keys = []key{
	{"name", func(c *Config, v json.RawMessage) error { return read("name", v, &c.Name, "a string") }},
	{"cniVersion", func(c *Config, v json.RawMessage) error { return read("cniVersion", v, &c.CNIVersion, "a string") }},
	{"stateDir", func(c *Config, v json.RawMessage) error { return readPath("stateDir", v, &c.StateDir) }},
	{"statusFile", func(c *Config, v json.RawMessage) error { return readPath("statusFile", v, &c.StatusFile) }},
	{"prevResult", func(c *Config, v json.RawMessage) error { c.PrevResult = v; return nil }},
	{"runtimeConfig", func(c *Config, v json.RawMessage) error {
		return read("runtimeConfig", v, &c.RuntimeConfig, "an object")
	}},
	{"cni.dev/attachments", readGC("cni.dev/attachments")},
	{"cni.dev/valid-attachments", readGC("cni.dev/valid-attachments")},
	{"logLevel", readLogLevel},
	{"timeouts", readTimeouts},
	{"repair", func(c *Config, v json.RawMessage) error { return read("repair", v, &c.Repair, "true or false") }},
	{"chain", readChain},
}

// read decodes one value; want names the type in the error.
func read(name string, v json.RawMessage, into any, want string) error {
	if json.Unmarshal(v, into) != nil {
		return &Error{Key: name, Cause: fmt.Sprintf("%q is %s", name, kindOf(v)), Fix: fmt.Sprintf("make %q %s", name, want)}
	}
	return nil
}

// kindOf names the JSON type of a value.
func kindOf(v json.RawMessage) string {
	switch v[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}
