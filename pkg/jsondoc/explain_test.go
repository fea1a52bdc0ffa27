package jsondoc

import (
	"encoding/json"
	"strings"
	"testing"
)

// In bad, «» marks the token to blame.
func TestExplain(t *testing.T) {
	for _, c := range []struct{ rule, bad, cause string }{
		{"json-trailing-comma", `{"ipam": {"subnet": "usePodCidr"«,» }}`, `trailing comma after "usePodCidr"`},
		{"json-trailing-comma", "[1, 2«,»\n]", "trailing comma after 2"},
		{"json-trailing-comma", `{"a": {"b": 1}«,»}`, `trailing comma after '}'`},
		{"json-extra-comma", `{"a": 1, «,»"b": 2}`, "a second comma after 1"},
		{"json-extra-comma", `{«,»"b": 2}`, `a comma directly after '{'`},
		{"json-missing-comma", "{\"a\": 1«»\n \"b\": 2}", "missing comma after 1"},
		{"json-missing-comma", `[{}«» {}]`, `missing comma after '}'`},
		{"json-missing-colon", `{"a" «1»}`, `no colon after the key "a"`},
		{"json-bad-separator", `{"a" «=» 1}`, `"=" where a colon belongs`},
		{"json-comment", "{«/»/ x\n}", "a comment: JSON has none"},
		{"json-single-quotes", `{«'»a': 1}`, "single quotes"},
		{"json-smart-quotes", `{«“»a”: 1}`, "typographic quotes"},
		{"json-unquoted-key", `{«abc»: 1}`, "a key without double quotes"},
		{"json-unterminated-string", "{\"a\": «\"bc,»\n\"d\": 1}", `the string "bc lacks its closing quote`},
		{"json-bad-literal", `{"a": «True»}`, "True is neither true, false nor null, and not quoted"},
		{"json-bad-number", `{"a": «012»}`, "012 is no number that JSON has"},
		{"json-control-char", "{\"a\": \"x«\t»y\"}", "a raw control character in a string"},
		{"json-bad-escape", `{"a": "C:«\o»pt"}`, `\o is no escape that JSON has`},
		{"json-invisible-char", "{«\u00a0»\"a\": 1}", "an invisible character (U+00A0) between tokens"},
		{"json-unbalanced-bracket", `{"a": [1, 2«}»}`, `'}' where ']' belongs`},
		{"json-unbalanced-bracket", `{"a": 1}«}»`, `'}' closes nothing`},
		{"json-trailing-data", `{"a": 1} «{}»`, "something follows the configuration's closing bracket"},
		{"json-truncated", `{"a": [1,«»`, "the file ends with 2 brackets open"},
		{"json-empty-file", `«» `, "the file is empty"},
		{"template-unresolved", `{"mtu": «__CNI_MTU__»}`, "the placeholder __CNI_MTU__ was never replaced"},
		{"json-merge-conflict", "{\n«<<<<<<< »HEAD\n}", "a version-control conflict marker"},
		{"json-not-json", "«c»niVersion: 1.0.0\n", "the file is no JSON at all"},
	} {
		start := strings.Index(c.bad, "«")
		end := strings.Index(c.bad, "»") - len("«")
		text := strings.NewReplacer("«", "", "»", "").Replace(c.bad)
		got := Explain([]byte(text))
		if len(got) == 0 {
			t.Errorf("%q: no fault", text)
			continue
		}
		if f := got[0]; f.Rule != c.rule || f.Start != start || f.End != end || f.Cause != c.cause {
			t.Errorf("%q:\n got %s %d-%d %s\nwant %s %d-%d %s", text, f.Rule, f.Start, f.End, f.Cause, c.rule, start, end, c.cause)
		}
	}
}

// The law: a fault is found exactly when encoding/json refuses the text, and it lies inside the text.
func FuzzExplain(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,{"b":null}],}`, "\xef\xbb\xbf{}", `{"a":"\u12"}`, `[[[`, `{"a"1}`, `"`, "{\"a\": \x80}", `-`, `1 2`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		faults := Explain(text)
		if (len(faults) == 0) != json.Valid(text) {
			t.Fatalf("valid %v, faults %v", json.Valid(text), faults)
		}
		for _, f := range faults {
			if f.Start < 0 || f.End < f.Start || f.End > len(text) || f.Cause == "" || f.Fix == "" || f.Rule == "" {
				t.Fatalf("%+v in a text of %d bytes", f, len(text))
			}
		}
	})
}
