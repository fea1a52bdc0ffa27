package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
)

// world is what plugins saw and what the client got.
type world struct {
	Calls   []recorded
	Results []string
}

// Random chains, directly by libcni and through the shim: stdin as JSON, CNI_* environment, order and results are equal.
func TestDifferential(t *testing.T) {
	rounds, calls := 40, 0
	for round := range rounds {
		seed := int64(round + 1)
		l := newLab(t)
		record := filepath.Join(t.TempDir(), "calls")
		list := randomList(rand.New(rand.NewSource(seed)), record)
		pod := l.pod()
		direct := l.play(list, pod, record, "")
		calls += len(direct.Calls)
		for form, chain := range map[string]string{
			"directory": `"chain": "/etc/cni/net.d"`, "file": `"chain": "/etc/cni/net.d/10-random.conflist"`, "inline": `"chain": ` + list,
		} {
			_ = os.RemoveAll(stateDir)
			_ = os.RemoveAll("/var/lib/cni")
			if got := l.play(list, pod, record, chain); !reflect.DeepEqual(got, direct) {
				a, _ := json.MarshalIndent(direct, "", " ")
				b, _ := json.MarshalIndent(got, "", " ")
				t.Fatalf("seed %d, %s\n%s\ndirect %s\nshim %s", seed, form, list, a, b)
			}
		}
	}
	if calls < 3*rounds {
		t.Fatalf("the recorders saw %d calls only", calls)
	}
	t.Logf("%d chains, %d calls of plugins, in three forms: equal", rounds, calls)
}

// play runs a pod's life and a GC against the list, directly where chain is empty, and tells what was seen.
func (l *lab) play(text string, pod *libcni.RuntimeConf, record, chain string) world {
	l.Helper()
	_ = os.Remove(record)
	l.write("10-random.conflist", text)
	_ = os.Remove(filepath.Join(confDir, "00-cni-shim.conflist"))
	list := l.load("10-random.conflist")
	version := list.CNIVersion
	if chain != "" {
		outer := strings.Replace(l.sample("00-cni-shim.conflist"), `"chain": "/etc/cni/net.d"`, chain, 1)
		outer = strings.Replace(outer, `"k8s-pod-network"`, `"random"`, 1)
		// The runtime's own gates are those of the version that it runs at: the same in both worlds.
		outer = strings.Replace(outer, `["0.4.0", "1.0.0", "1.1.0"]`, `["`+version+`"]`, 1)
		outer = strings.Replace(outer, `"cniVersion": "1.0.0"`, `"cniVersion": "`+version+`"`, 1)
		l.write("00-cni-shim.conflist", outer)
		list = l.load("00-cni-shim.conflist")
	}
	var w world
	say := func(result any, err error) {
		b, _ := json.Marshal(result)
		code := uint(0)
		if e, ok := cause(err); ok {
			code = e.Code
		}
		w.Results = append(w.Results, fmt.Sprintf("%s failed=%v code=%d", b, err != nil, code))
	}
	result, err := l.cni.AddNetworkList(l.ctx(), list, pod)
	say(result, err)
	say(nil, l.cni.CheckNetworkList(l.ctx(), list, pod))
	say(nil, l.cni.GetStatusNetworkList(l.ctx(), list))
	if err == nil {
		valid := []types.GCAttachment{{ContainerID: pod.ContainerID, IfName: pod.IfName}}
		say(nil, l.cni.GCNetworkList(l.ctx(), list, &libcni.GCArgs{ValidAttachments: valid}))
	}
	say(nil, l.cni.DelNetworkList(l.ctx(), list, pod))
	say(nil, l.cni.GCNetworkList(l.ctx(), list, &libcni.GCArgs{}))
	b, _ := os.ReadFile(record)
	for _, line := range bytes.Split(bytes.TrimSpace(b), []byte("\n")) {
		var r recorded
		if json.Unmarshal(line, &r) == nil {
			r.Stdin = canonical(r.Stdin)
			w.Calls = append(w.Calls, r)
		}
	}
	return w
}

// canonical writes JSON with sorted keys; numbers stay as they are spelt.
func canonical(b []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return b
	}
	out, _ := json.Marshal(v)
	return out
}

func cause(err error) (*types.Error, bool) {
	for err != nil {
		if e, ok := err.(*types.Error); ok {
			return e, true
		}
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return nil, false
		}
		err = u.Unwrap()
	}
	return nil, false
}

// randomList makes a chain of one to three recorders with odd values: capabilities, static runtimeConfig, unknown keys,
// large and fractional numbers, escapes. ADD never fails in it: a failed ADD is undone by the shim and not by libcni.
func randomList(r *rand.Rand, record string) string {
	versions := []string{"0.3.1", "0.4.0", "1.0.0", "1.1.0"}
	version := versions[r.Intn(len(versions))]
	list := map[string]any{"cniVersion": version, "name": "random"}
	if r.Intn(4) == 0 {
		list["disableCheck"] = true
	}
	if r.Intn(5) == 0 {
		list["unknownToEverybody"] = map[string]any{"a": []int{1, 2}}
	}
	var plugins []any
	for i := range 1 + r.Intn(3) {
		p := map[string]any{"type": fmt.Sprintf("rec%d", i), "record": record}
		if r.Intn(2) == 0 {
			p["capabilities"] = map[string]bool{"portMappings": r.Intn(3) > 0, "bandwidth": true}
		}
		if r.Intn(3) == 0 {
			p["runtimeConfig"] = map[string]any{"static": 1}
		}
		if r.Intn(2) == 0 {
			p["odd"] = map[string]any{"big": 9007199254740993, "half": 0.5, "html": "<&>", "unicode": "é\u2028", "null": nil, "empty": []any{}}
		}
		if r.Intn(4) == 0 {
			p["name"] = "own-name"
		}
		if r.Intn(4) == 0 {
			p["fail"] = []string{[]string{"CHECK", "DEL", "STATUS", "GC"}[r.Intn(4)]}
		}
		plugins = append(plugins, p)
	}
	list["plugins"] = plugins
	b, _ := json.Marshal(list)
	return string(b)
}
