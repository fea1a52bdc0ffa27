package jsondoc

import (
	"encoding/json"
	"reflect"
	"testing"
)

// The law: the tree says what encoding/json says, and every node's place holds its value. It takes steps in proportion to the
// length of the text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":null,"b":"\u0041"}], "c": -1.5e3, "": true}`, `[]`, ` "x" `, `{"a":{}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := Parse(text)
		if (err == nil) != json.Valid(text) {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		var want any
		if json.Unmarshal(text, &want) != nil {
			return // a number that overflows
		}
		if got := plain(t, text, n); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %#v, want %#v", text, got, want)
		}
	})
}

func plain(t *testing.T, text []byte, n *Node) any {
	if !json.Valid(text[n.Start:n.End]) || n.KeyEnd > n.KeyStart && !json.Valid(text[n.KeyStart:n.KeyEnd]) {
		t.Fatalf("%q: place %d-%d, key %d-%d", text, n.Start, n.End, n.KeyStart, n.KeyEnd)
	}
	switch n.Kind {
	case Object:
		m := map[string]any{}
		for _, k := range n.Kids {
			m[k.Key] = plain(t, text, k)
		}
		return m
	case Array:
		a := []any{}
		for _, k := range n.Kids {
			a = append(a, plain(t, text, k))
		}
		return a
	}
	var v any
	if err := json.Unmarshal(text[n.Start:n.End], &v); err != nil {
		t.Fatal(err)
	}
	if n.Kind == String && n.Str() != v {
		t.Fatalf("%q is not %q", n.Str(), v)
	}
	return v
}
