package delegate

import (
	"testing"

	"github.com/containernetworking/cni/pkg/types/create"
)

// What a runtime gets of a result, and what CHECK and DEL get of it later.
func TestResult(t *testing.T) {
	for _, c := range []struct {
		name, printed, version string
		at, kept               string // at the version, and later; "" where libcni has nothing
	}{
		{"an empty dns", `{"cniVersion":"1.0.0","dns":{}}`, "1.0.0", `{"cniVersion":"1.0.0","dns":{}}`, `{"cniVersion":"1.0.0"}`},
		{"an empty dns before 1.0", `{"cniVersion":"0.4.0"}`, "0.4.0", `{"cniVersion":"0.4.0"}`, `{"cniVersion":"0.4.0","dns":{}}`},
		{"what the types do not know", `{"cniVersion":"1.0.0","x":1,"interfaces":[{"x":1,"mtu":0}]}`, "1.1.0", `{"cniVersion":"1.1.0","interfaces":[{"name":""}],"dns":{}}`, `{"cniVersion":"1.1.0","interfaces":[{"name":""}]}`},
		{"no address", `{"cniVersion":"1.0.0","ips":[{}]}`, "1.1.0", `{"cniVersion":"1.1.0","dns":{},"ips":[{}]}`, ""},
		{"no destination", `{"cniVersion":"1.0.0","routes":[{"gw":"10.0.0.1"}]}`, "0.4.0", `{"cniVersion":"0.4.0","dns":{},"routes":[{"gw":"10.0.0.1"}]}`, ""},
		{"a large number", `{"cniVersion":"1.0.0","interfaces":[{"mtu":9223372036854775807}]}`, "1.1.0", `{"cniVersion":"1.1.0","interfaces":[{"name":"","mtu":9223372036854775807}],"dns":{}}`, ""},
		{"a name that looks like none", `{"cniVersion":"1.0.0","interfaces":[{"name":"<nil>"}]}`, "1.1.0", `{"cniVersion":"1.1.0","dns":{},"interfaces":[{"name":"\u003cnil\u003e"}]}`, `{"cniVersion":"1.1.0","interfaces":[{"name":"\u003cnil\u003e"}]}`},
	} {
		typed, err := create.CreateFromBytes([]byte(c.printed))
		if err != nil {
			t.Fatal(err)
		}
		r := &Result{typed, []byte(c.printed), typed.Version()}
		if at, err := r.At(c.version); err != nil || string(at) != c.at {
			t.Errorf("%s, at %s: %s %v", c.name, c.version, at, err)
		}
		if kept, err := keptOf(r, c.version); string(kept) != c.kept || (err != nil) != (c.kept == "") {
			t.Errorf("%s, kept at %s: %s %v", c.name, c.version, kept, err)
		}
	}
}

// keptOf is what libcni hands on later to a list of a version that got the result at that version.
func keptOf(r *Result, version string) ([]byte, error) {
	at, err := r.At(version)
	if err != nil {
		return nil, err
	}
	return Kept(at, version)
}
