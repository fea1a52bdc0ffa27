package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
)

// runner plays chains for one network, in directories of its own.
type runner struct {
	*lab
	network, conf, state, record string
	calls, prev                  int // of plugins, and those with prevResult
}

func newRunner(t *testing.T, network string) *runner {
	dir := t.TempDir()
	n := &runner{lab: &lab{T: t, since: time.Now(), cni: libcni.NewCNIConfig([]string{binDir}, nil)},
		network: network, conf: dir + "/net.d", state: dir + "/state", record: dir + "/calls"}
	if err := os.Mkdir(n.conf, 0o755); err != nil {
		t.Fatal(err)
	}
	return n
}

// outerOf is the shim's list for a chain.
func (n *runner) outerOf(c random) *libcni.NetworkConfigList {
	n.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(n.sample("00-cni-shim.conflist")), &o); err != nil {
		n.Fatal(err)
	}
	o["name"] = n.network
	if c.outer != negotiated {
		delete(o, "cniVersions")
		o["cniVersion"] = c.outer
	}
	o["disableCheck"], o["disableGC"] = c.disableCheck, c.disableGC
	entry := o["plugins"].([]any)[0].(map[string]any)
	entry["capabilities"].(map[string]any)["unheardOf"] = true // as install adds it
	switch c.form {
	case "directory":
		entry["chain"] = n.conf
	case "file":
		entry["chain"] = n.conf + "/10-random.conflist"
	default:
		var inline map[string]json.RawMessage
		_ = json.Unmarshal([]byte(c.text), &inline)
		if c.form != "inline" {
			inline = map[string]json.RawMessage{"plugins": inline["plugins"]}
		}
		entry["chain"] = inline
	}
	entry["stateDir"], entry["statusFile"] = n.state, filepath.Join(n.state, "run", "status.json")
	o["plugins"] = slices.Concat(c.before, []any{entry}, c.after)
	text, err := json.Marshal(o)
	if err != nil {
		n.Fatal(err)
	}
	list, err := libcni.NetworkConfFromBytes(text)
	if err != nil {
		n.Fatal(err)
	}
	return list
}

// results is where libcni keeps them.
const results = "/var/lib/cni/results"

// play makes a runtime's calls with a list, on a fresh node.
func (n *runner) play(c random, list *libcni.NetworkConfigList, pod *libcni.RuntimeConf, shim bool) []step {
	n.Helper()
	cached := fmt.Sprintf("%s/%s-%s-%s", results, n.network, pod.ContainerID, pod.IfName)
	old, _ := filepath.Glob(results + "/" + n.network + "-*")
	for _, path := range append(old, n.state) {
		if err := os.RemoveAll(path); err != nil {
			n.Fatal(err)
		}
	}
	var steps []step
	for _, verb := range c.verbs {
		_ = os.Remove(n.record)
		asked := verb
		if shim && verb == lostDEL {
			asked = "GC of all"
			_ = os.Remove(cached)
		}
		uncached := !exists(cached)
		result, err := n.call(asked, list, pod)
		s := step{Verb: verb, Failed: err != nil, Calls: n.seen(), uncached: uncached || err != nil && !exists(cached)}
		if result != nil {
			s.Result = c.read(result)
		}
		var e *types.Error
		if errors.As(err, &e) {
			s.Code = e.Code
		}
		switch {
		case shim && verb == lostDEL: // libcni would not know of it, and make the plugins' GC alone
			s.only(func(verb string) bool { return verb == " DEL" })
		case shim && verb == "ADD" && s.Failed: // undone, which libcni does not
			s.only(func(verb string) bool { return verb == " ADD" })
		case shim && strings.HasPrefix(verb, "GC") && s.uncached: // what libcni knows nothing of: an ADD that failed, here
			s.only(func(verb string) bool { return verb == " GC" })
		}
		steps = append(steps, s)
	}
	return steps
}

// call makes one call of a runtime's; the result is ADD's.
func (n *runner) call(verb string, list *libcni.NetworkConfigList, pod *libcni.RuntimeConf) (types.Result, error) {
	n.Helper()
	switch verb {
	case "ADD":
		return n.cni.AddNetworkList(n.ctx(), list, pod)
	case "CHECK":
		return nil, n.cni.CheckNetworkList(n.ctx(), list, pod)
	case "STATUS":
		return nil, n.cni.GetStatusNetworkList(n.ctx(), list)
	case "GC":
		return nil, n.cni.GCNetworkList(n.ctx(), list, &libcni.GCArgs{ValidAttachments: []types.GCAttachment{{ContainerID: pod.ContainerID, IfName: pod.IfName}}})
	case "GC of all":
		return nil, n.cni.GCNetworkList(n.ctx(), list, &libcni.GCArgs{ValidAttachments: []types.GCAttachment{}})
	case "GC with null":
		return nil, n.cni.GCNetworkList(n.ctx(), list, &libcni.GCArgs{})
	case "GC with no list":
		return nil, n.cni.GCNetworkList(n.ctx(), list, nil)
	}
	return nil, n.cni.DelNetworkList(n.ctx(), list, pod)
}

// only drops other calls, and notes that there were some.
func (s *step) only(keep func(verb string) bool) {
	kept := slices.DeleteFunc(slices.Clone(s.Calls), func(r recorded) bool { return !keep(verbOf(r.Env)) })
	s.more = len(kept) < len(s.Calls)
	s.Calls = kept
	if len(kept) == 0 {
		s.Calls = nil
	}
}

// seen are the calls that recorders wrote since the file was removed.
func (n *runner) seen() (all []recorded) {
	b, _ := os.ReadFile(n.record)
	for line := range bytes.Lines(b) {
		var r recorded
		if err := json.Unmarshal(line, &r); err != nil {
			n.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// read is a result as a runtime reads it: as it is where the runtime works at the chain's version, else at the runtime's.
func (c random) read(r types.Result) string {
	if c.outer != c.version {
		converted, err := r.GetAsVersion(c.at)
		if err != nil {
			return err.Error()
		}
		r = converted
	}
	b, err := json.Marshal(r)
	return fmt.Sprintf("%T %s %s %v", r, r.Version(), b, err)
}
