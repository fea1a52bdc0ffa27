package outer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/containernetworking/cni/libcni"

	"github.com/cni-shim/cni-shim/pkg/chain"
)

const wrapped = `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"bridge","capabilities":{"zap":true,"ips":true,"off":false}}]}`

func load(t *testing.T, text, name string) *chain.Chain {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := chain.LoadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func generate(t *testing.T, wrapped, have string) string {
	t.Helper()
	var l *List
	if have != "" {
		var err error
		if l, err = Parse([]byte(have)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := Generate(load(t, wrapped, "10-lab.conflist"), l, "/etc/cni/net.d")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The sample in conf/ is what is generated for the chains beside it.
func TestSample(t *testing.T) {
	want, err := os.ReadFile("../../conf/00-cni-shim.conflist")
	if err != nil {
		t.Fatal(err)
	}
	chains, _ := filepath.Glob("../../conf/chains/*.conflist")
	if len(chains) == 0 {
		t.Fatal("no samples")
	}
	for _, path := range chains {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := generate(t, string(text), ""); got != string(want) {
			t.Errorf("%s:\n%s", path, got)
		}
	}
}

// What the list gets from the chain, and what it keeps of what others wrote, to the digit.
func TestGenerate(t *testing.T) {
	capabilities := `"capabilities": {
        "CNIDeviceInfoFile": true,
        "aliases": true,
        "bandwidth": true,
        "cgroupPath": true,
        "deviceID": true,
        "dns": true,
        "infinibandGUID": true,
        "io.kubernetes.cri.pod-annotations": true,
        "ipRanges": true,
        "ips": true,
        "mac": true,
        "portMappings": true,
        "zap": true
      }`
	for name, c := range map[string]struct{ wrapped, have, want string }{
		"new": {wrapped, "", `{
  "cniVersion": "1.0.0",
  "cniVersions": ["0.4.0", "1.0.0", "1.1.0"],
  "name": "lab",
  "loadOnlyInlinedPlugins": true,
  "plugins": [
    {
      "type": "cni-shim",
      "chain": "/etc/cni/net.d",
      ` + capabilities + `
    }
  ]
}
`},
		"kept": {
			`{"cniVersion":"1.0.0","name":"lab","disableCheck":"TRUE","disableGC":true,"plugins":[{"type":"bridge","capabilities":{"zap":true}}]}`,
			`{"cniVersion":"1.1.0","name":"old","x-owner":{"b":1,"a":[ ]},"plugins":[
				{"statusFile":"/s","chain":"/c","type":"cni-shim","timeouts":{"ADD":"2m"},"capabilities":{"dns":false},"unknown":9007199254740993.10},
				{"type":"istio-cni","z":1,"a":{"log":"<&>"}}]}`,
			`{
  "cniVersion": "1.0.0",
  "cniVersions": ["0.4.0", "1.0.0", "1.1.0"],
  "name": "lab",
  "disableCheck": true,
  "disableGC": true,
  "loadOnlyInlinedPlugins": true,
  "x-owner": {
    "b": 1,
    "a": []
  },
  "plugins": [
    {
      "statusFile": "/s",
      "chain": "/c",
      "type": "cni-shim",
      "timeouts": {
        "ADD": "2m"
      },
      ` + capabilities + `,
      "unknown": 9007199254740993.10
    },
    {
      "type": "istio-cni",
      "z": 1,
      "a": {
        "log": "<&>"
      }
    }
  ]
}
`},
	} {
		t.Run(name, func(t *testing.T) {
			got := generate(t, c.wrapped, c.have)
			if got != c.want {
				t.Errorf("got\n%s", got)
			}
			if again := generate(t, c.wrapped, got); again != got {
				t.Errorf("a second time it is\n%s", again)
			}
			if l, err := libcni.NetworkConfFromBytes([]byte(got)); err != nil || l.CNIVersion != "1.1.0" || !l.LoadOnlyInlinedPlugins {
				t.Errorf("%+v %v", l, err)
			}
		})
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		`{`:     "error parsing configuration list: unexpected end of JSON input",
		wrapped: "the shim does not stand in it",
		`{"name":"x","plugins":[{"type":"a"},{"type":"cni-shim","chain":{"plugins":[]}}]}`: "",
	} {
		l, err := Parse([]byte(text))
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%s: %v", text, err)
		}
		if err == nil && (l.Bare() || l.at != 1) {
			t.Errorf("%+v", l)
		}
	}
	l, err := Parse([]byte(`{"name":"x","plugins":[{"type":"cni-shim","stateDir":"/s"},{"type":"bridge"}]}`))
	if err != nil || !l.Bare() {
		t.Fatalf("%+v %v", l, err)
	}
	if c, err := l.Config("/d"); err != nil || c.Name != "x" || c.StateDir != "/s" || !c.Chain.IsZero() {
		t.Errorf("%+v %v", c, err)
	}
}

func TestSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`{"a":1,"b":[2]}`, ` {"b": [2], "a": 1}`, true},
		{`{"a":9007199254740993}`, `{"a":9007199254740992}`, false},
		{`{"a":[1,2]}`, `{"a":[2,1]}`, false},
		{`{`, `{`, false},
	} {
		if Same([]byte(c.a), []byte(c.b)) != c.same {
			t.Errorf("%s and %s", c.a, c.b)
		}
	}
}

// A reader meets the old list or the new one, whole, at every instant; nothing else is left in the directory, whatever was there.
func TestWriteIsWhole(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "target")
	texts := [2][]byte{[]byte(generate(t, wrapped, "")), []byte(strings.ReplaceAll(generate(t, wrapped, ""), "lab", strings.Repeat("l", 5000)))}
	if err := Write(dir, texts[0], nil); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if b, err := Read(dir); err != nil || string(b) != string(texts[0]) && string(b) != string(texts[1]) {
				t.Errorf("%d bytes, %v", len(b), err)
				return
			}
		}
	})
	for i := range 200 {
		if err := Write(dir, texts[(i+1)%2], texts[i%2]); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	readers.Wait()
	if err := Write(dir, texts[1], texts[1]); !errors.Is(err, ErrChanged) {
		t.Errorf("written over what somebody else wrote: %v", err)
	}
	// A link is replaced, its target left; a half-written file of a dead writer goes.
	path := filepath.Join(dir, Name)
	if err := errors.Join(os.WriteFile(outside, texts[0], 0o600), os.Remove(path), os.Symlink(outside, path), os.WriteFile(filepath.Join(dir, "."+Name+".4194304"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, texts[1], texts[0]); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Lstat(path)
	if err != nil || fi.Mode() != 0o644 {
		t.Errorf("%v %v", fi, err)
	}
	if b, _ := os.ReadFile(outside); string(b) != string(texts[0]) {
		t.Error("the link was followed")
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}
