package delegate

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestUsable(t *testing.T) {
	for in, bad := range map[string]bool{
		`{}`:   false,
		`null`: false,
		`{"interfaces":[{"name":"a"}],"ips":[{"interface":0}]}`:  false,
		`{"ips":[{"address":"10.0.0.1/24"}]}`:                    false,
		`{"interfaces":[{"name":"a"}],"ips":[{"interface":1}]}`:  true,
		`{"interfaces":[{"name":"a"}],"ips":[{"interface":-1}]}`: true,
		`{"interfaces":[null]}`:                                  true,
		`{"ips":[null]}`:                                         true,
		`{"ip4":{"ip":"10.0.0.1/24"}}`:                           false,
	} {
		if err := usable([]byte(in)); (err != nil) != bad {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// The law: a result that is called usable can be indexed as go-cni does, without looking.
func FuzzUsable(f *testing.F) {
	f.Add([]byte(`{"interfaces":[{"name":"a"}],"ips":[{"interface":0}]}`))
	f.Add([]byte(`{"interfaces":[null],"ips":[{"interface":-1}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if usable(b) != nil {
			return
		}
		var r struct {
			Interfaces []*struct{ Name string }
			IPs        []*struct{ Interface *int }
		}
		if json.Unmarshal(b, &r) != nil {
			return
		}
		for _, ip := range r.IPs {
			if ip.Interface != nil {
				_ = r.Interfaces[*ip.Interface].Name
			}
		}
	})
}

// The law: what is kept of any output is bounded, and what is told of it is short.
func FuzzOutput(f *testing.F) {
	f.Add([]byte("a\npanic: x\n"), 3)
	f.Fuzz(func(t *testing.T, b []byte, times int) {
		e := &ends{limit: 64}
		for range times % 16 {
			_, _ = e.Write(b)
		}
		if n := len(e.bytes()); n > 2*64+64 {
			t.Fatalf("%d bytes kept", n)
		}
		if line := lastLine(e.bytes()); len(line) > 210 || strings.Contains(line, "\n") {
			t.Fatalf("%q", line)
		}
	})
}
