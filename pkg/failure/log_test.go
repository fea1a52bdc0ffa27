package failure

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/reason"
)

const (
	refusedLine = `Nov 05 17:15:34 node1 kubelet[42]: E1105 17:15:34.352838 42 pod_workers.go:190] "Error syncing pod" err="plugin type=\"calico\" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized"` + "\n"
	infoLine    = `Nov 05 17:15:34 node1 kubelet[42]: I1105 17:15:34.352838 42 kubelet.go:2024] "mentions Unauthorized in passing"` + "\n"
	echoLine    = `Nov 05 17:15:30 node1 kubelet[42]: E1105 17:15:30.352838 42 remote_runtime.go:193] "RunPodSandbox failed" err="name \"web\" is reserved for \"dfe4\""` + "\n"
)

func TestClassifyLog(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		first *reason.Reason
		count int
		kinds int
	}{
		"each kind once, what is to be cured first": {echoLine + strings.Repeat(infoLine+refusedLine, 3), reason.APIUnauthorized, 3, 2},
		"information decides nothing":               {infoLine + echoLine, reason.SandboxNameReserved, 1, 1},
		"a paste of one line, whatever its level":   {infoLine, reason.APIUnauthorized, 1, 1},
		"a symptom stands behind its cause":         {"Nov 05 17:15:30 operation timed out\n" + refusedLine, reason.APIUnauthorized, 1, 2},
		"a cache that podman goes on without":       {`time="2021-07-15" level=error msg="error loading cached network config: network \"a\" not found in CNI cache"` + "\nError: failed to setup hairpin mode for veth1\n", reason.InterfaceSetupFailed, 1, 1},
		"nothing known":                             {"Nov 05 17:15:30 a\nNov 05 17:15:31 b\n", reason.Unclassified, 1, 1},
		"a record of several lines":                 {"Nov 05 17:15:30 trouble:\n  open /run/flannel/subnet.env: no such file or directory\nNov 05 17:15:31 b", reason.AgentStateMissing, 1, 1},
	} {
		found, empty, err := ClassifyLog(strings.NewReader(c.text))
		if err != nil || empty || len(found) != c.kinds || found[0].Reason != c.first || found[0].Count != c.count {
			t.Errorf("%s: %+v, %v, %v", name, found, empty, err)
		}
	}
	if _, empty, err := ClassifyLog(strings.NewReader(" \n\n")); !empty || err != nil {
		t.Errorf("blanks: %v, %v", empty, err)
	}
}

// endless gives a text again and again, left bytes in all.
type endless struct {
	text string
	left int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p, e.text)
	e.text = e.text[n:] + e.text[:n]
	e.left -= n
	return n, nil
}

// TestLogIsBounded: neither a long journal nor a line without end is kept.
func TestLogIsBounded(t *testing.T) {
	for name, text := range map[string]string{"journal": infoLine + infoLine + infoLine + infoLine + refusedLine, "one line": "x failed: "} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		found, _, err := ClassifyLog(&endless{text, 8 << 20})
		runtime.ReadMemStats(&after)
		if err != nil || len(found) != 1 || len(found[0].Text) > maxRecord {
			t.Errorf("%s: %d kinds, %v", name, len(found), err)
		}
		if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 16<<20 {
			t.Errorf("%s: the heap grew by %d MiB", name, grown>>20)
		}
	}
}

// TestEchoesStandBehind: a reason that only follows from another is never the main one beside it.
func TestEchoesStandBehind(t *testing.T) {
	for _, r := range reason.All() {
		if r.Who == reason.Nobody && !echo(r) {
			t.Errorf("%s is nobody's turn and no echo", r.Name)
		}
	}
}

// The law: whatever a log holds, each of its records is counted once at most, and what is kept of it is bounded.
func FuzzLog(f *testing.F) {
	for _, s := range []string{refusedLine + infoLine + echoLine, "\n\n", "I0102 15:04:05.000000 1 a.go:1] x\n", "time=\"x\" level=info \n2026-01-01 x\n", `{"level":"debug"}` + "\r\n", "Normal x\nWarning panic:"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		found, empty, err := ClassifyLog(bytes.NewReader(text))
		if err != nil || len(found) == 0 || len(found) > maxKinds || empty != (len(bytes.TrimSpace(text)) == 0) {
			t.Fatalf("%d kinds, empty %v, %v", len(found), empty, err)
		}
		records := 0
		for _, kind := range found {
			records += kind.Count
			if kind.Reason == nil || kind.Count < 1 || len(kind.Text) > maxRecord+1 || strings.ContainsAny(kind.Words+kind.Plugin, "\n") {
				t.Fatalf("%+v", kind)
			}
		}
		if records > bytes.Count(text, []byte{'\n'})+1 {
			t.Fatalf("%d records of %q", records, text)
		}
	})
}
