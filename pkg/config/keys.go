package config

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/cni-shim/cni-shim/pkg/known"
)

// readPath reads an absolute path: the plugin runs in whatever directory the runtime stands in.
func readPath(name string, v json.RawMessage, into *string) error {
	var s string
	if err := read(name, v, &s, "a string"); err != nil {
		return err
	}
	if !filepath.IsAbs(s) {
		return &Error{Key: name, Cause: fmt.Sprintf("%q is %q, no absolute path", name, s), Fix: fmt.Sprintf("give %q as a path from /", name)}
	}
	*into = filepath.Clean(s)
	return nil
}

func readChain(c *Config, v json.RawMessage) error {
	switch v[0] {
	case '"':
		return readPath("chain", v, &c.Chain.Path)
	case '{':
		c.Chain.Inline = v
		return nil
	}
	return &Error{Key: "chain", Cause: `"chain" is ` + kindOf(v), Fix: "make it a directory, a file or a network configuration"}
}

// LogLevels in the order of their weight, the heaviest first.
var LogLevels = []string{"error", "warning", "info", "debug"}

func readLogLevel(c *Config, v json.RawMessage) error {
	var s string
	if err := read("logLevel", v, &s, "a string"); err != nil {
		return err
	}
	for _, l := range LogLevels {
		if s == l {
			c.LogLevel = s
			return nil
		}
	}
	c.Warnings = append(c.Warnings, fmt.Sprintf("logLevel %q is none of %s; %s holds", s, strings.Join(LogLevels, ", "), c.LogLevel))
	return nil
}

func readTimeouts(c *Config, v json.RawMessage) error {
	var raw map[string]json.RawMessage
	if err := read("timeouts", v, &raw, "an object of verbs"); err != nil {
		return err
	}
	verbs := []string{"ADD", "CHECK", "DEL", "GC", "STATUS"}
	for _, verb := range verbs {
		value, ok := raw[verb]
		if !ok {
			continue
		}
		delete(raw, verb)
		var s string
		name := "timeouts." + verb
		if err := read(name, value, &s, `a duration such as "30s"`); err != nil {
			return err
		}
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 {
			return &Error{Key: name, Cause: fmt.Sprintf("%q is %q, no duration", name, s), Fix: `write it as "30s" or "2m"`}
		}
		c.Timeouts[verb] = d
	}
	for _, k := range sortedKeys(raw) {
		c.Warnings = append(c.Warnings, unknown("timeouts."+k, k, verbs))
	}
	return nil
}

// readGC keeps a GC call's list as it came and, where it is one, the attachments in it (SPEC 1.1, GC; the older key
// is of libcni before the spec settled).
func readGC(name string) func(*Config, json.RawMessage) error {
	return func(c *Config, v json.RawMessage) error {
		var list []types.GCAttachment
		if err := read(name, v, &list, "a list of attachments"); err != nil {
			return err
		}
		if c.GC == nil {
			c.GC = map[string]json.RawMessage{}
		}
		c.GC[name] = v // null too: it is what a runtime gives for a network that is not its own
		if list != nil {
			c.Attachments, c.AttachmentsGiven = list, true
		}
		return nil
	}
}

// passing lists the keys that are not the shim's own and yet belong in a plugin object (SPEC 1.1, section 1).
var passing = []string{"type", "capabilities", "args", "ipMasq", "ipam", "dns", "cniVersions", "disableCheck", "disableGC", "loadOnlyInlinedPlugins"}

// unknownKeys warns of keys that nobody reads: a typo must be told and must not cost a pod.
func unknownKeys(raw map[string]json.RawMessage) []string {
	var out []string
	names := make([]string, 0, len(keys)+len(passing))
	for _, k := range keys {
		names = append(names, k.name)
	}
	names = append(names, passing...)
	for _, name := range sortedKeys(raw) {
		if !contains(names, name) && !strings.HasPrefix(name, "cni.dev/") {
			out = append(out, unknown(name, name, names))
		}
	}
	return out
}

func unknown(shown, name string, names []string) string {
	if near := known.Nearest(name, names); near != "" {
		return fmt.Sprintf("%q is no key of the shim's entry and is not read; did you mean %q?", shown, near)
	}
	return fmt.Sprintf("%q is no key of the shim's entry and is not read", shown)
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func sortedKeys(m map[string]json.RawMessage) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
