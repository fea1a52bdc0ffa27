package check

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
)

// spoil puts faults into valid JSON that --fix mends, at places that the generator chooses. Quotes are changed only
// round strings that hold none.
func spoil(text []byte, rnd *rand.Rand) []byte {
	var out []byte
	if rnd.IntN(4) == 0 {
		out = append(out, "\ufeff"...)
	}
	gap := func() {
		if rnd.IntN(4) == 0 {
			out = append(out, []string{"/* a \"remark\", {[ */", "// a \"remark\", ]}\n", "\n# it's\n", "\u00a0", "\u200b ", " \t\r\n"}[rnd.IntN(6)]...)
		}
	}
	empty := true // directly behind an opening bracket
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case ' ', '\t', '\r', '\n':
			out = append(out, c)
			i++
			continue
		case '"':
			end := i + 1
			for ; text[end] != '"'; end++ {
				if text[end] == '\\' {
					end++
				}
			}
			s := text[i+1 : end]
			if smart := []string{"“", "”", "„", "″"}; rnd.IntN(4) == 0 && !bytes.ContainsAny(s, "\\\"“”„‟«»″＂‘’‚'`") {
				out = append(append(append(out, smart[rnd.IntN(4)]...), s...), smart[rnd.IntN(4)]...)
			} else {
				out = append(out, text[i:end+1]...)
			}
			i = end + 1
		case '{', '[', ':', ',':
			out = append(out, c)
			i++
		case '}', ']':
			if !empty && rnd.IntN(4) == 0 {
				out = append(out, ',')
				gap()
			}
			out = append(out, c)
			i++
		default:
			for i < len(text) && bytes.IndexByte([]byte(" \t\r\n,]}"), text[i]) < 0 {
				out = append(out, text[i])
				i++
			}
		}
		last := out[len(out)-1]
		empty = last == '{' || last == '['
		gap()
	}
	return out
}

// What --fix makes of a text with only such faults is valid and means the same; a second run finds nothing to do.
func FuzzMend(f *testing.F) {
	f.Add([]byte(`{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "mtu": 1500, "a": [], "b": {}, "c": [true, null, -1.5e3]}]}`), uint64(1))
	f.Add([]byte(`[{"it's": "“x”", "y": "a // b /* c */ # d,}"}, "", [[]], 0]`), uint64(2))
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		file := func(b []byte) *File { return &File{Text: b, Parts: []Part{{Text: b}}} }
		if !json.Valid(text) || len(text) > 1<<12 || bytes.TrimSpace(text)[0] != '{' && bytes.TrimSpace(text)[0] != '[' {
			_, _ = file(text).Mend()
			return
		}
		if out, n := file(text).Mend(); n > 0 && !bytes.Contains(text, []byte("\r\n")) || !same(t, text, out) {
			t.Fatalf("valid: %d mended\n%q\n%q", n, text, out)
		}
		for i := range uint64(8) {
			bad := spoil(text, rand.New(rand.NewPCG(seed, i)))
			out, _ := file(bad).Mend()
			if !json.Valid(out) {
				t.Fatalf("not mended\n%s\n%s\n%v", bad, out, Text("a.conflist", bad).List)
			}
			if !same(t, text, out) {
				t.Fatalf("another meaning\n%s\n%s\n%s", text, bad, out)
			}
			if again, n := file(out).Mend(); n != 0 {
				t.Fatalf("mended twice\n%q\n%q", out, again)
			}
		}
	})
}

func same(t *testing.T, a, b []byte) bool {
	decode := func(text []byte) (v any) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	return reflect.DeepEqual(decode(a), decode(b))
}
