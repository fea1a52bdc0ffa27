package check

import (
	"bytes"
	"encoding/json"

	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/manifest"
)

// Fixable tells whether `check --fix` mends faults of the rule: those of which only one reading is possible.
func Fixable(rule string) bool { return Repairable(rule) || rule == "json-smart-quotes" }

// Repairable tells whether the plugin may run a configuration with faults of the rule in its mended form, where its
// owner allows that: those that carry no information at all.
func Repairable(rule string) bool {
	switch rule {
	case "json-trailing-comma", "json-comment", "json-invisible-char", "encoding-bom":
		return true
	}
	return false
}

// Repair returns the mended form of a configuration whose only faults are Repairable, and those faults; ok is false
// where there are none or others too.
func Repair(text []byte) (mended []byte, faults []jsondoc.Fault, ok bool) {
	mended, faults, valid := jsondoc.Mend(text, Repairable)
	return mended, faults, valid && len(faults) > 0
}

// Mend returns the text of a file with everything mended that Fixable allows, and how many faults that were; the same
// text and 0 when there is nothing to mend. In a manifest a value is mended where it stands, and only if the manifest
// then holds just the mended value.
func (f *File) Mend() (text []byte, mended int) {
	text = f.Text
	for i, p := range f.Parts {
		if p.Where == nil {
			out, faults, _ := jsondoc.Mend(text, Fixable)
			text, mended = out, mended+len(faults)
			continue
		}
		if out, n := mendValue(text, i); n > 0 {
			text, mended = out, mended+n
		}
	}
	return text, mended
}

// mendValue mends the value with that number in a manifest.
func mendValue(text []byte, number int) ([]byte, int) {
	values, _ := manifest.Find(text)
	if number >= len(values) {
		return text, 0
	}
	v := values[number]
	want, faults, _ := jsondoc.Mend(v.Text, Fixable)
	if len(faults) == 0 {
		return text, 0
	}
	var edits []jsondoc.Edit
	for _, f := range faults {
		for _, e := range f.Edits {
			start, end := v.Where(e.Start), v.Where(e.End-1)+1
			if !bytes.Equal(text[start:min(end, len(text))], v.Text[e.Start:e.End]) {
				return text, 0 // written otherwise in the file: an escape, a folded line
			}
			edits = append(edits, jsondoc.Edit{Start: start, End: end, New: e.New})
		}
	}
	out := jsondoc.Apply(text, edits)
	after, _ := manifest.Find(out)
	if number >= len(after) || !sameValue(after[number].Text, want) {
		return text, 0
	}
	return out, len(faults)
}

// sameValue compares two texts, as JSON where they are: a manifest may lose white space at a line's end.
func sameValue(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}
