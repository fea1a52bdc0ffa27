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
	if len(f.Parts) == 1 && f.Parts[0].Where == nil {
		out, faults, _ := jsondoc.Mend(f.Text, Fixable)
		return out, len(faults)
	}
	repairs := make([]repair, len(f.Parts))
	for i, p := range f.Parts {
		repairs[i] = f.repair(p)
	}
	// A manifest whose values are not all as they should be after the edits gets a second try without those.
	for range 2 {
		var edits []jsondoc.Edit
		mended = 0
		for _, r := range repairs {
			edits, mended = append(edits, r.edits...), mended+r.faults
		}
		if mended == 0 {
			return f.Text, 0
		}
		out := jsondoc.Apply(f.Text, edits)
		values, _ := manifest.Find(out)
		if len(values) != len(repairs) {
			return f.Text, 0
		}
		good := true
		for i, v := range values {
			if !sameValue(v.Text, repairs[i].want) {
				repairs[i] = repair{want: f.Parts[i].Text}
				good = false
			}
		}
		if good {
			return out, mended
		}
	}
	return f.Text, 0
}

// repair is what mends one value of a manifest.
type repair struct {
	want   []byte // the value, mended
	edits  []jsondoc.Edit
	faults int
}

func (f *File) repair(p Part) repair {
	want, faults, _ := jsondoc.Mend(p.Text, Fixable)
	r := repair{want: want, faults: len(faults)}
	for _, fault := range faults {
		for _, e := range fault.Edits {
			start, end := p.Where(e.Start), p.Where(e.End-1)+1
			if !bytes.Equal(f.Text[start:min(end, len(f.Text))], p.Text[e.Start:e.End]) {
				return repair{want: p.Text} // written otherwise in the file: an escape, a folded line
			}
			r.edits = append(r.edits, jsondoc.Edit{Start: start, End: end, New: e.New})
		}
	}
	return r
}

// sameValue compares two texts, as JSON where they are: a manifest may lose white space at a line's end.
func sameValue(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}
