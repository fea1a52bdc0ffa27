package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

var onlySeed = flag.Int64("differential.seed", 0, "play this seed only")

// Random chains whose plugins print results of every kind, directly by libcni and through the shim: what each plugin gets on stdin, to
// the byte, its environment, the order of calls, the results and the codes are equal. The same 500 chains each time and 50 that nobody
// has seen.
func TestDifferential(t *testing.T) {
	newLab(t)
	fresh := time.Now().UnixNano()
	seeds := make(chan int64, 1000)
	for n := range int64(500) {
		seeds <- n + 1
	}
	for n := range int64(50) {
		seeds <- fresh + n
	}
	if *onlySeed != 0 {
		seeds = make(chan int64, 1)
		seeds <- *onlySeed
	}
	close(seeds)
	t.Logf("new seeds from %d", fresh)
	var calls, prev atomic.Int64
	t.Run("chains", func(t *testing.T) {
		for worker := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				n := newRunner(t, fmt.Sprintf("random%d", worker))
				for seed := range seeds {
					n.compare(seed)
				}
				calls.Add(int64(n.calls))
				prev.Add(int64(n.prev))
			})
		}
	})
	t.Logf("%d calls of plugins, %d of them with prevResult", calls.Load(), prev.Load())
	if *onlySeed == 0 && prev.Load() < 1000 {
		t.Error("the recorders saw few results")
	}
}

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

// step is what a runtime's call led to.
type step struct {
	Verb, Result string
	Failed       bool
	Code         uint
	Calls        []recorded
}

// compare plays one seed's chain in both ways.
func (n *runner) compare(seed int64) {
	n.Helper()
	c := randomChain(rand.New(rand.NewSource(seed)), n.network, n.record)
	if err := os.WriteFile(n.conf+"/10-random.conflist", []byte(c.text), 0o644); err != nil {
		n.Fatal(err)
	}
	list, err := libcni.NetworkConfFromFile(n.conf + "/10-random.conflist")
	if err != nil {
		n.Fatalf("seed %d: %v: %s", seed, err, c.text)
	}
	outer := n.outerOf(c)
	pod := &libcni.RuntimeConf{ContainerID: fmt.Sprintf("pod%d", seed), NetNS: "/proc/1/ns/net", IfName: "eth0",
		Args:           [][2]string{{"IgnoreUnknown", "1"}, {"K8S_POD_NAMESPACE", "default"}, {"K8S_POD_NAME", "web<&>"}},
		CapabilityArgs: map[string]any{"portMappings": []any{map[string]any{"HostPort": 18080, "ContainerPort": 80, "Protocol": "tcp"}}, "ips": []string{}, "mac": nil}}
	c.at = outer.CNIVersion
	direct, through := n.play(c, list, pod, false), n.play(c, outer, pod, true)
	for i, want := range direct {
		n.calls += len(want.Calls)
		for _, r := range want.Calls {
			n.prev += bytes.Count(r.Stdin, []byte(`"prevResult"`))
		}
		got := through[i]
		if want.Failed && want.Code == 0 {
			got.Code = 0 // libcni's own words; the shim's have a code
		}
		if want.Verb == lostDEL {
			got.Failed, got.Code = want.Failed, want.Code // of the plugins' GC
		}
		if want.Verb == "CHECK" && !since(list.CNIVersion, "0.4.0") && since(outer.CNIVersion, "0.4.0") {
			got.Failed = want.Failed // libcni has no CHECK for such a chain, the shim has nothing to do
		}
		if diff := want.differs(got); diff != "" {
			n.Errorf("-differential.seed %d: the chain at %s, the shim's list at %s (%s): step %d, %s:\n%s\n%s", seed, c.version, c.at, c.form, i, want.Verb, diff, c.text)
			return
		}
	}
}

// differs describes the first thing in which the shim's step differs from libcni's.
func (s step) differs(shim step) string {
	pair := func(what string, libcni, shim any) string {
		return fmt.Sprintf("%s\nlibcni %s\nshim   %s", what, libcni, shim)
	}
	for i := range max(len(s.Calls), len(shim.Calls)) {
		if i >= min(len(s.Calls), len(shim.Calls)) {
			return pair("calls", calls(s.Calls), calls(shim.Calls))
		}
		a, b := s.Calls[i], shim.Calls[i]
		switch what := a.Plugin + verbOf(a.Env); {
		case a.Plugin != b.Plugin || verbOf(a.Env) != verbOf(b.Env):
			return pair("calls", calls(s.Calls), calls(shim.Calls))
		case !bytes.Equal(a.Stdin, b.Stdin):
			return pair("stdin of "+what, a.Stdin, b.Stdin)
		case !slices.Equal(a.Env, b.Env):
			return pair("environment of "+what, a.Env, b.Env)
		}
	}
	if s.Result != shim.Result || s.Failed != shim.Failed || s.Code != shim.Code {
		return pair("result", fmt.Sprint(s.Result, " failed ", s.Failed, " code ", s.Code), fmt.Sprint(shim.Result, " failed ", shim.Failed, " code ", shim.Code))
	}
	return ""
}

// calls are those that recorders wrote, in their order: "rec0 ADD rec1 ADD".
func calls(all []recorded) string {
	var words []string
	for _, r := range all {
		words = append(words, r.Plugin+verbOf(r.Env))
	}
	return strings.Join(words, " ")
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
	entry["chain"] = map[string]any{"directory": n.conf, "file": n.conf + "/10-random.conflist", "inline": json.RawMessage(c.text)}[c.form]
	entry["stateDir"], entry["statusFile"] = n.state, filepath.Join(n.state, "run", "status.json")
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
		s := step{Verb: verb}
		var err error
		_, uncached := os.Stat(cached)
		lost := shim && verb == lostDEL
		switch verb {
		case "ADD":
			var result types.Result
			if result, err = n.cni.AddNetworkList(n.ctx(), list, pod); err == nil {
				s.Result = c.read(result)
			}
		case "CHECK":
			err = n.cni.CheckNetworkList(n.ctx(), list, pod)
		case "STATUS":
			err = n.cni.GetStatusNetworkList(n.ctx(), list)
		case "GC":
			err = n.cni.GCNetworkList(n.ctx(), list, &libcni.GCArgs{ValidAttachments: []types.GCAttachment{{ContainerID: pod.ContainerID, IfName: pod.IfName}}})
		case "GC of all":
			err = n.cni.GCNetworkList(n.ctx(), list, &libcni.GCArgs{ValidAttachments: []types.GCAttachment{}})
		case "GC with null":
			err = n.cni.GCNetworkList(n.ctx(), list, &libcni.GCArgs{})
		case "GC with no list":
			err = n.cni.GCNetworkList(n.ctx(), list, nil)
		default:
			if lost {
				_ = os.Remove(cached)
				err = n.cni.GCNetworkList(n.ctx(), list, &libcni.GCArgs{ValidAttachments: []types.GCAttachment{}})
			} else {
				err = n.cni.DelNetworkList(n.ctx(), list, pod)
			}
		}
		s.Failed = err != nil
		var e *types.Error
		if errors.As(err, &e) {
			s.Code = e.Code
		}
		s.Calls = n.seen()
		switch {
		case shim && lost: // libcni would not know of it, and make the plugins' GC alone
			s.Calls = without(s.Calls, func(verb string) bool { return verb != " DEL" })
		case shim && (verb == "ADD" && s.Failed): // undone, which libcni does not
			s.Calls = without(s.Calls, func(verb string) bool { return verb == " DEL" })
		case strings.HasPrefix(verb, "GC") && uncached != nil: // libcni knows of no attachment, the shim of one whose ADD or DEL failed
			s.Calls = without(s.Calls, func(verb string) bool { return verb == " DEL" })
			s.Failed, s.Code = false, 0
		}
		steps = append(steps, s)
	}
	return steps
}

func without(all []recorded, drop func(verb string) bool) []recorded {
	return slices.DeleteFunc(all, func(r recorded) bool { return drop(verbOf(r.Env)) })
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

func since(v, from string) bool {
	ok, err := version.GreaterThanOrEqualTo(v, from)
	return ok && err == nil
}
