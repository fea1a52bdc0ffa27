package jsondoc

import (
	"encoding/json"
	"slices"
)

// Mend applies the edits of those faults whose rule may says yes to. It returns the text, mended as far as that goes,
// the faults that were mended, with their places in the text as given, and whether encoding/json takes the result.
// text itself is left alone; it is returned where there is nothing to mend.
func Mend(text []byte, may func(rule string) bool) (out []byte, mended []Fault, valid bool) {
	if json.Valid(text) {
		return text, nil, true
	}
	var edits []Edit
	for _, f := range explain(text, maxMends) {
		if len(f.Edits) > 0 && may(f.Rule) {
			mended = append(mended, f)
			edits = append(edits, f.Edits...)
		}
	}
	if len(edits) == 0 {
		return text, nil, false
	}
	out = Apply(text, edits)
	return out, mended, json.Valid(out)
}

// Repairable tells the rules whose faults carry no information at all, so that nothing is lost and nothing guessed when
// they are mended: the plugin may run a chain with such faults in its mended form, where its owner allows that.
func Repairable(rule string) bool {
	switch rule {
	case "json-trailing-comma", "json-comment", "json-invisible-char", "encoding-bom":
		return true
	}
	return false
}

// Repair returns the mended form of a text whose only faults are Repairable, and those faults; ok is false where there
// are none, or others too.
func Repair(text []byte) (mended []byte, faults []Fault, ok bool) {
	mended, faults, valid := Mend(text, Repairable)
	return mended, faults, valid && len(faults) > 0
}

// Apply returns a copy of text with the edits made. One that overlaps another before it is left for a second run.
func Apply(text []byte, edits []Edit) []byte {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b Edit) int { return a.Start - b.Start })
	out := make([]byte, 0, len(text))
	at := 0
	for _, e := range edits {
		if e.Start < at {
			continue
		}
		out = append(out, text[at:e.Start]...)
		out = append(out, e.New...)
		at = e.End
	}
	return append(out, text[at:]...)
}
