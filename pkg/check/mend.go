package check

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/manifest"
)

// Fixable tells whether `check --fix` mends faults of the rule: those of which only one reading is possible.
func Fixable(rule string) bool { return jsondoc.Repairable(rule) || rule == "json-smart-quotes" }

// Mend returns the text of a file with everything mended that Fixable allows, and how many faults that were; the same
// text and 0 when there is nothing to mend. In a manifest a value is mended where it stands, and only if the manifest
// then holds just the mended value.
func (f *File) Mend() (text []byte, mended int) {
	if len(f.Parts) == 1 && f.Parts[0].Where == nil {
		out, faults := mend(f.Text)
		mended = len(faults)
		// Valid JSON has no line end inside a string, so these are white space, all of them.
		if bytes.Contains(out, []byte("\r\n")) && json.Valid(out) {
			out, mended = bytes.ReplaceAll(out, []byte("\r\n"), []byte("\n")), mended+1
		}
		return out, mended
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

// mend mends one configuration. Typographic quotes may be text as well, so they are replaced only where all is well
// then.
func mend(text []byte) ([]byte, []jsondoc.Fault) {
	out, faults, valid := jsondoc.Mend(text, Fixable)
	if !valid && slices.ContainsFunc(faults, func(f jsondoc.Fault) bool { return !jsondoc.Repairable(f.Rule) }) {
		out, faults, _ = jsondoc.Mend(text, jsondoc.Repairable)
	}
	return out, faults
}

// repair is what mends one value of a manifest.
type repair struct {
	want   []byte // the value, mended
	edits  []jsondoc.Edit
	faults int
}

func (f *File) repair(p Part) repair {
	want, faults := mend(p.Text)
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
