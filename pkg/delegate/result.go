package delegate

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/containernetworking/cni/pkg/types"
	types100 "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/types/create"
)

// Result is what ADD of a chain gave.
type Result struct {
	Typed types.Result // as libcni reads it
	Raw   []byte       // the last plugin's output, as printed
	chain string       // the chain's version
}

// At returns the result for a runtime that works at a version: as it was printed where that is the chain's, which the runtime then reads
// as it would without the shim, else converted.
func (r *Result) At(version string) (json.RawMessage, error) {
	if version == r.chain {
		return r.Raw, nil
	}
	converted, err := r.Typed.GetAsVersion(version)
	if err != nil {
		return nil, err
	}
	var exact any = converted
	if r, ok := converted.(*types100.Result); ok { // its MarshalJSON writes numbers that are large as others, or as none that it reads
		type fields types100.Result
		exact = (*fields)(r)
	}
	written, err := json.Marshal(exact)
	if err != nil || !bytes.Contains(written, []byte(noNet)) {
		return written, err
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(written))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	dropNoNet(v)
	return json.Marshal(v)
}

// noNet is how libcni's types write an address or a destination that was not there, which they do not read again: a runtime would fail
// an ADD that it takes as it was printed.
const noNet = `"\u003cnil\u003e"`

// dropNoNet removes such members.
func dropNoNet(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			dropNoNet(e)
		}
	case map[string]any:
		for _, key := range []string{"address", "dst", "ip"} {
			if v[key] == "<nil>" {
				delete(v, key)
			}
		}
		for _, e := range v {
			dropNoNet(e)
		}
	}
}

// Kept returns a result that was printed for a list of that version as libcni hands it on with the list's CHECK and DEL, after its types
// and its cache: what they do not know and most of what is empty is gone. It fails where libcni cannot read its own cache, and hands on
// nothing; it is nil for none.
func Kept(raw json.RawMessage, version string) (json.RawMessage, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	result, err := read(raw, version)
	if err != nil {
		return nil, err
	}
	written, err := json.Marshal(result)
	if err != nil {
		return nil, err
	}
	var cached map[string]any // what libcni's cacheAdd writes, with numbers as floating point
	if err := json.Unmarshal(written, &cached); err != nil {
		return nil, err
	}
	if written, err = json.Marshal(cached); err != nil {
		return nil, err
	}
	return Convert(written, version, version)
}

// Convert returns a result that was printed for a list of one version as libcni's types write it at another.
func Convert(raw json.RawMessage, from, to string) (json.RawMessage, error) {
	result, err := read(raw, from)
	if err != nil {
		return nil, err
	}
	if result, err = result.GetAsVersion(to); err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// read reads a result as libcni does: without a version it is of the list's, and null is an empty one.
func read(raw []byte, version string) (types.Result, error) {
	var own struct {
		CNIVersion string `json:"cniVersion"`
	}
	if json.Unmarshal(raw, &own) == nil && own.CNIVersion != "" {
		return create.Create(own.CNIVersion, raw)
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	if object == nil {
		object = map[string]any{}
	}
	object["cniVersion"] = version
	raw, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	return create.Create(version, raw)
}

// usable refuses a result that would crash a client: go-cni indexes interfaces without looking (an index equal to their
// number, or below zero, panics, and so does a null interface). What libcni takes and clients survive is let through.
func usable(raw []byte) error {
	var r struct {
		Interfaces []*struct{} `json:"interfaces"`
		IPs        []*struct {
			Interface *int `json:"interface"`
		} `json:"ips"`
		Routes []*struct{} `json:"routes"`
	}
	if json.Unmarshal(raw, &r) != nil {
		return nil // of an older form; libcni has taken it
	}
	for i, iface := range r.Interfaces {
		if iface == nil {
			return fmt.Errorf("its result has null as interface %d, which crashes runtimes", i)
		}
	}
	for i, route := range r.Routes {
		if route == nil {
			return fmt.Errorf("its result has null as route %d, which crashes readers", i)
		}
	}
	for i, ip := range r.IPs {
		switch {
		case ip == nil:
			return fmt.Errorf("its result has null as address %d, which crashes runtimes", i)
		case ip.Interface != nil && (*ip.Interface < 0 || *ip.Interface >= len(r.Interfaces)):
			return fmt.Errorf("its result has address %d on interface %d of %d, which crashes runtimes", i, *ip.Interface, len(r.Interfaces))
		}
	}
	return nil
}

// unusableOutput says what is wrong with the output of a plugin that reported success.
func unusableOutput(stdout []byte, err error) string {
	trimmed := bytes.TrimSpace(stdout)
	if len(trimmed) == 0 {
		return "reported success and printed no result"
	}
	d := json.NewDecoder(bytes.NewReader(trimmed))
	var first json.RawMessage
	if d.Decode(&first) != nil {
		return "reported success, and what it printed is no JSON: " + excerpt(trimmed)
	}
	if first[0] != '{' {
		return "reported success, and what it printed is no JSON object: " + excerpt(trimmed)
	}
	if rest := bytes.TrimSpace(trimmed[d.InputOffset():]); len(rest) > 0 {
		return "reported success and printed something after its result: " + excerpt(rest)
	}
	return "its result cannot be used: " + err.Error()
}
