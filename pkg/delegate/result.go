package delegate

import (
	"bytes"
	"encoding/json"
	"fmt"
)

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
