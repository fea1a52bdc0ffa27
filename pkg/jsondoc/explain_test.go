package jsondoc

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/steps/stepstest"
)

// cases: in bad, «» marks the token to blame; after it, what else is told.
var cases = []struct{ rule, bad, cause, also string }{
	{"json-trailing-comma", "{\"ipam\": {\"type\": \"host-local\",\n \"subnet\": \"usePodCidr\"«,»\n }}", `trailing comma after "usePodCidr"`, ""},
	{"json-trailing-comma", "[1, 2«,»\n]", "trailing comma after 2", ""},
	{"json-trailing-comma", `{"a": {"b": 1}«,»}`, `trailing comma after the value of "a"`, ""},
	{"json-trailing-comma", `{"plugins": [{}, {"type": "x"}«,»]}`, `trailing comma after an element of "plugins"`, ""},
	{"json-trailing-comma", `{"k8s_auth_token": "abc"«,»}`, `trailing comma after the value of "k8s_auth_token"`, ""},
	{"json-trailing-comma", `{"a": [1«,»], "b": {"c": 2,},}`, `trailing comma after 1`, "json-trailing-comma json-trailing-comma"},
	{"json-extra-comma", `{"a": 1, «,»"b": 2}`, "second comma after 1", ""},
	{"json-bad-separator", `[1«，»]`, "， instead of a comma after 1", "json-trailing-comma"},
	{"json-extra-comma", "\n«,»}", "comma before the first token", "json-unbalanced-bracket"},
	{"json-extra-comma", `«,»{"b": 2}`, "comma before the first token", ""},
	{"json-unterminated-string", "{\"a\": «\"»\n}", "the string \" lacks its closing quote", ""},
	{"json-extra-comma", `{«,»"b": 2}`, `comma directly after {`, ""},
	{"json-extra-comma", `{"a": «,» "b": 2}`, `comma where the value of "a" must stand`, ""},
	{"template-unresolved", "[«{{range .A}}»{{if .B}}, {{end}}1{{end}}]", "the placeholder {{range .A}} was never replaced", "template-unresolved template-unresolved template-unresolved"},
	{"json-merge-conflict", "{\"a\": 1,\n«=======»\n\"b\": 2\n>>>>>>> x\n}", "a version-control conflict was never settled", ""},
	{"json-merge-conflict", "{\"a\": 1,\n«<<<<<<<»\n\"b\": 2\n=======\n\"b\": 3\n>>>>>>> x\n}", "a version-control conflict was never settled", ""},
	{"json-unbalanced-bracket", "{\"plugins\": [\n  {\"type\": \"a\"}\n «]»,\n  {\"type\": \"b\"}\n]}", `] closes "plugins" before its last element`, ""},
	{"json-comment", `{"a": {"b": 1, «# c "d": 2} }»`, "a comment, which JSON does not have", ""},
	{"json-missing-value", `{"a": «}»`, `no value after the key "a"`, ""},
	{"json-missing-comma", "{\"a\": 1«»\n \"b\": 2}", "missing comma after 1", ""},
	{"json-missing-comma", "{\"a\": {}«»\n \"b\": 2}", `missing comma after the value of "a"`, ""},
	{"json-missing-comma", `[{}«» {}]`, `missing comma after the closing }`, ""},
	{"json-missing-comma", `{"a": [1«» 2], "b": tru}`, `missing comma after 1`, "json-bad-literal"},
	{"json-missing-colon", `{"a"«» 1}`, `no colon after the key "a"`, ""},
	{"json-missing-colon", `{"a"«», 1}`, `no colon and no value after the key "a"`, ""},
	{"json-bad-separator", `{"a" «=» 1}`, `= instead of a colon after "a"`, ""},
	{"json-bad-separator", `{"a" «=>» 1}`, `=> instead of a colon after "a"`, ""},
	{"json-bad-separator", `{"a": 1«;» "b": 2}`, `; instead of a comma after 1`, ""},
	{"json-bad-separator", `{"a"«：» 1， "b": 2}`, `： instead of a colon after "a"`, "json-bad-separator"},
	{"json-comment", "{«// x»\n}", "a comment, which JSON does not have", ""},
	{"json-comment", "{\"a\": 1, «/* x\n y */» \"b\": 2 # z\n}", "a comment, which JSON does not have", "json-comment"},
	{"json-comment", "«# managed»\n# by hand\n{}", "a comment, which JSON does not have", "json-comment"},
	{"json-single-quotes", `{«'»a': 'b', 'c': True}`, `single quotes instead of "`, "json-bad-literal"},
	{"json-smart-quotes", `{«“»a”: 1}`, `the typographic quote “ (U+201C) instead of "`, ""},
	{"json-smart-quotes", "{\"a\": \"b«”»,\n\"c\": \"it’s “d”, e\"}", "the typographic quote ” (U+201D) instead of the closing \"", ""},
	{"json-single-quotes", `{"a": "b«'», "c": 1}`, `a single quote instead of the closing "`, ""},
	{"json-unquoted-key", `{«abc»: 1}`, "the key abc is not quoted", ""},
	{"json-unquoted-key", `{"x": 1, «abc"»: 1}`, "the key abc lacks its opening quote", ""},
	{"json-unterminated-string", "{\"a\": «\"bc»,\n\"d\": 1}", `the string "bc lacks its closing quote`, ""},
	{"json-unterminated-string", "{\"a\": «\"bc»\n}", `the string "bc lacks its closing quote`, ""},
	{"json-unterminated-string", `{"a": «"bc, "»d": 1}`, `the string "bc lacks its closing quote, or has one too early`, ""},
	{"json-unterminated-string", "{«\"mtu: 1500»,\n \"d\": 1}", `the key "mtu: 1500 lacks its closing quote`, ""},
	{"json-unterminated-string", "{«\"type: \"»bridge\"}", `the key "type lacks its closing quote`, ""},
	{"json-unterminated-string", "{\"type\": «\"bridge»}", `the string "bridge} lacks its closing quote`, ""},
	{"json-bad-literal", `{"a": «True», "b": 1}`, "True is neither true, false, null nor a string in quotes", ""},
	{"json-bad-literal", `{"a": «bridge», "b": NaN}`, "bridge is neither true, false, null nor a string in quotes", "json-bad-literal"},
	{"json-bad-literal", `{"a": «10.0.0.0/8», "b": 1.0.0}`, "10.0.0.0/8 is neither true, false, null nor a string in quotes", "json-bad-literal"},
	{"json-bad-literal", `{"a": «bridge»", "b": 1}`, `the string bridge" lacks its opening quote`, ""},
	{"json-bad-number", `{"a": «012»}`, "012 is no number that JSON has", ""},
	{"json-bad-number", `{"a": «0x0d», "b": +5, "c": 5., "d": .5, "e": 1_000, "f": -}`, "0x0d is no number that JSON has", "json-bad-number json-bad-number json-bad-number json-bad-number json-bad-number"},
	{"json-control-char", "{\"a\": \"x«\t»y\"}", `a raw tab inside the string "x`, ""},
	{"json-control-char", "{\"a\": \"http://a:1,«\n»http://b:2\",\n\"c\": 1}", `a raw line break inside the string "http://a:1`, ""},
	{"json-bad-escape", `{"a": "C:«\o»pt\x"}`, `\o is no escape that JSON has`, ""},
	{"json-bad-escape", `{"a": "«\u»12"}`, `\u is no escape that JSON has`, ""},
	{"json-invisible-char", "{«\u00a0»\"a\": 1}", "an invisible character (no-break space, U+00A0) between two tokens", ""},
	{"json-invisible-char", "{\"a\":«\u200b»1\u2028}", "an invisible character (zero-width space, U+200B) between two tokens", "json-invisible-char"},
	{"json-unbalanced-bracket", `{"a": [1, 2«}»}`, `} closes the array "a"`, ""},
	{"json-unbalanced-bracket", `{"a": {"b": 1«]»}`, `] closes the object "a"`, ""},
	{"json-unbalanced-bracket", `{"p": [{"a": [1, 2«»}]}`, `the array "a" is never closed`, ""},
	{"json-unbalanced-bracket", `{"p": [{"a": {"c": 1}}«}», {"b": 1}]}`, `} is one too many`, ""},
	{"json-unbalanced-bracket", `{"p": [{"a": [{}«», "b": 1}]}`, `the array "a" is never closed`, ""},
	{"json-unbalanced-bracket", "{\n  \"p\": [\n    {\n      \"d\": {\n        \"mtu\": 1400«»\n    },\n    {\n      \"type\": \"x\"\n    }\n  ]\n}", `the object "d" is never closed`, ""},
	{"json-unbalanced-bracket", `{"a": 1}«}»`, `} closes nothing`, ""},
	{"json-trailing-data", `{"a": 1} «{}»`, "a second document follows the end of the configuration", ""},
	{"json-trailing-data", "{\"a\": 1}\n«EOF»\n", `"EOF" follows the end of the configuration`, ""},
	{"json-truncated", `{"a": [1,«»`, `the text ends inside the array "a", 2 brackets open`, ""},
	{"json-truncated", "{\"a\": \"datas«»", `the text ends inside the string "datas`, ""},
	{"json-empty-file", `«» `, "the file is empty", ""},
	{"encoding-bom", "«\ufeff»{\"a\": 1,}", "the file starts with a byte order mark, which libcni does not skip", "json-trailing-comma"},
	{"encoding-utf16", "«\xff\xfe»{\x00}\x00", "the file is UTF-16; libcni reads UTF-8 only", ""},
	{"encoding-nul-bytes", "{\"a\": 1}«\x00»\x00\x00\x00\x00", "a NUL byte, as a write leaves that never reached the disk", ""},
	{"template-unresolved", `{"mtu": «__CNI_MTU__», "x": 1}`, "the placeholder __CNI_MTU__ was never replaced", ""},
	{"template-unresolved", `{"mtu": «{{ .Values.mtu }}», "x": ${MTU}, "y": $Z}`, "the placeholder {{ .Values.mtu }} was never replaced", "template-unresolved template-unresolved"},
	{"template-unresolved", "{«{{- if .x }}»\n\"mtu\": 1\n{{- end }}}", "the placeholder {{- if .x }} was never replaced", "template-unresolved"},
	{"json-merge-conflict", "{\n«<<<<<<< HEAD»\n\"a\": 1\n=======\n\"a\": 2\n>>>>>>> other\n}", "a version-control conflict was never settled", ""},
	{"json-not-json", "«cniVersion: 1.0.0»\n", "the file is YAML, not JSON", ""},
	{"json-not-json", "«# note»\nname: x\n", "the file is YAML, not JSON", ""},
	{"json-not-json", "«<html>»", "the file is an HTML page, not JSON", ""},
	{"json-not-json", "«#!/bin/sh»\necho", "the file is a script, not JSON", ""},
}

func TestExplain(t *testing.T) {
	for _, c := range cases {
		start := strings.Index(c.bad, "«")
		end := strings.Index(c.bad, "»") - len("«")
		text := strings.NewReplacer("«", "", "»", "").Replace(c.bad)
		got := Explain([]byte(text))
		if len(got) == 0 {
			t.Errorf("%q: no fault", text)
			continue
		}
		if f := got[0]; f.Rule != c.rule || f.Start != start || f.End != end || f.Cause != c.cause || f.Fix == "" {
			t.Errorf("%q:\n got %s %d-%d %s\nwant %s %d-%d %s", text, f.Rule, f.Start, f.End, f.Cause, c.rule, start, end, c.cause)
		}
		var also []string
		for _, f := range got[1:] {
			also = append(also, f.Rule)
		}
		if strings.Join(also, " ") != c.also {
			t.Errorf("%q: also %q, want %q", text, also, c.also)
		}
	}
}

func TestMend(t *testing.T) {
	all := func(string) bool { return true }
	for _, c := range []struct{ bad, want string }{
		{`{"a": [1,], "b": {"c": 2,},}`, `{"a": [1], "b": {"c": 2}}`},
		{"\ufeff{ // x\n  # y\r\n“a”:\u00a01 /* z */ }", "{\n\"a\": 1  }"},
		{`{}`, `{}`},
		{`[1，]`, `[1]`},
		{`{"a" 1}`, `{"a" 1}`},
	} {
		text := []byte(c.bad)
		out, _, valid := Mend(text, all)
		if string(out) != c.want || valid != json.Valid([]byte(c.want)) || string(text) != c.bad {
			t.Errorf("%q: %q %v, want %q", c.bad, out, valid, c.want)
		}
	}
	if out, mended, valid := Mend([]byte(`{"a": 1,}`), func(rule string) bool { return rule == "json-comment" }); string(out) != `{"a": 1,}` || mended != nil || valid {
		t.Errorf("a fault that was not to be mended: %q", out)
	}
}

// A hostile text costs no more than a valid one of its size: package steps panics where a cost grows with the square of it.
func TestExplainHostile(t *testing.T) {
	const size = 1 << 18
	for name, unit := range map[string]string{
		"brackets": "[", "closers": "]", "commas": ",", "quotes": `"`, "lines": "\"\n", "words": "a:", "tags": "{{", "comments": "/*", "smart": "“", "pairs": `{"a":`, "escapes": `"\`, "conflict": "<<<<<<<\n", "bad elements": "[1}", "shouting": "__A", "gaps": `"a"b`, "closers of quotes": "“,", "closing": "\"”,",
		"empty lists": "[],", "broken lines": "a\n", "blank lines": "\n",
	} {
		t.Run(name, func(*testing.T) {
			text := bytes.Repeat([]byte(unit), size/len(unit))
			for _, before := range []string{"", "[", `{"a":`, "[" + strings.Repeat(" ", len(text))} {
				Explain(append([]byte(before), text...))
			}
			Mend(text, Repairable)
			Mend(append([]byte(`"`), text...), Repairable)
		})
	}
}

// The law: a fault is found exactly when encoding/json refuses the text, and it lies inside the text; mending what it
// can never makes a valid text of another meaning out of nothing, and edits lie inside and apart. It takes steps in
// proportion to the length of the text, however often its parts are repeated.
func FuzzExplain(f *testing.F) {
	for _, c := range cases {
		f.Add([]byte(strings.NewReplacer("«", "", "»", "").Replace(c.bad)))
	}
	for _, s := range []string{`{}`, `{"a":[1,{"b":null}],}`, "\xef\xbb\xbf{}", `{"a":"\u12"}`, `[[[`, `{"a"1}`, `"`, "{\"a\": \x80}", `-`, `1 2`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		faults := Explain(text)
		if (len(faults) == 0) != json.Valid(text) {
			t.Fatalf("valid %v, faults %v", json.Valid(text), faults)
		}
		for _, f := range faults {
			if f.Start < 0 || f.End < f.Start || f.End > len(text) || f.Cause == "" || f.Fix == "" || f.Rule == "" || strings.ContainsAny(f.Cause+f.Fix, "\n\r") {
				t.Fatalf("%+q in a text of %d bytes", f, len(text))
			}
			blamed := string(text[f.Start:f.End])
			if strings.HasSuffix(f.Rule, "-comma") && !strings.Contains(",;，、", blamed) || f.Rule == "json-unbalanced-bracket" && !strings.Contains("{}[]", blamed) {
				t.Fatalf("%+q blames %q", f, blamed)
			}
		}
		Explain(stepstest.Long(text))
		out, mended, valid := Mend(text, func(string) bool { return true })
		if valid != json.Valid(out) || valid && len(faults) > 0 && len(mended) == 0 {
			t.Fatalf("mended to %q: %v", out, valid)
		}
	})
}
