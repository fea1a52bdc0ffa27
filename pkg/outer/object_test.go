package outer

import (
	"encoding/json"
	"reflect"
	"testing"
)

// The law: an object that is read and written, on one line or on many, means what it meant to libcni.
func FuzzObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1,"cniVersions":["1.0.0","1.1.0"],"a":{"b":[{}]}}`, `{"\u0041":"<&>","A":null}`, `[]`, `{"a":1} {`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want map[string]any
		o := parseObject(text)
		if json.Unmarshal(text, &want) != nil || want == nil {
			return // a reader before has refused it; reading it ends all the same
		}
		for _, b := range [][]byte{o.raw(), o.indented()} {
			var got map[string]any
			if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s became %s: %v", text, b, err)
			}
		}
	})
}
