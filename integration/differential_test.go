package integration

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/version"
)

var (
	onlySeed = flag.Int64("differential.seed", 0, "play this seed only")
	newSeeds = flag.Int64("differential.new", 50, "play so many seeds that nobody has seen")
)

// Random chains whose plugins print results of every kind, directly by libcni and through the shim: what each plugin gets on stdin, to
// the byte, its environment, the order of calls, the results and the codes are equal. The same 500 chains each time and some that
// nobody has seen.
func TestDifferential(t *testing.T) {
	newLab(t)
	fresh := time.Now().UnixNano()
	seeds := make(chan int64, 500+*newSeeds)
	for n := range int64(500) {
		seeds <- n + 1
	}
	for n := range *newSeeds {
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

// step is what a runtime's call led to.
type step struct {
	Verb, Result string
	Failed       bool
	Code         uint
	Calls        []recorded
	uncached     bool // libcni had nothing of the attachment, or dropped it and failed
	more         bool // there were calls which are left out
}

// compare plays one seed's chain in both ways.
func (n *runner) compare(seed int64) {
	n.Helper()
	c := randomChain(rand.New(rand.NewSource(seed)), n.network, n.record)
	if err := os.WriteFile(n.conf+"/10-random.conflist", []byte(c.text), 0o644); err != nil {
		n.Fatal(err)
	}
	list, err := libcni.NetworkConfFromBytes(c.flat())
	if err != nil {
		n.Fatalf("seed %d: %v: %s", seed, err, c.text)
	}
	outer := n.outerOf(c)
	pod := &libcni.RuntimeConf{ContainerID: fmt.Sprintf("pod%d", seed), NetNS: "/proc/1/ns/net", IfName: "eth0",
		Args: [][2]string{{"IgnoreUnknown", "1"}, {"K8S_POD_NAMESPACE", "default"}, {"K8S_POD_NAME", "web<&>"}},
		CapabilityArgs: map[string]any{"portMappings": []any{map[string]any{"HostPort": 18080, "ContainerPort": 80, "Protocol": "tcp"}}, "ips": []string{}, "mac": nil,
			"unheardOf": json.RawMessage(`{"half":2.50,"big":9007199254740993}`)}}
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
		if got.uncached && strings.HasPrefix(want.Verb, "GC") { // as here: libcni at 0.4.0 drops what it cannot read, such as "ip6":{}
			want.only(func(verb string) bool { return verb != " DEL" })
		}
		if (got.more || want.more) && want.Verb != "ADD" {
			got.Failed, got.Code = want.Failed, want.Code // those may have failed
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

func since(v, from string) bool {
	ok, err := version.GreaterThanOrEqualTo(v, from)
	return ok && err == nil
}
