package status

import (
	"errors"
	"slices"

	"github.com/cni-shim/cni-shim/pkg/report"
)

// maxNumber bounds every number of the file: what JSON's readers hold exactly, and no sum of a node's life reaches.
const maxNumber = 1 << 53

// maxVerbs is more than there are.
const maxVerbs = 16

// errUnsound marks a file whose types are right and whose values cannot be.
var errUnsound = errors.New("values that no call has written")

// sound refuses a file that the shim cannot have written, because a reader would stumble over it or a call would count from there.
func (f *File) sound() error {
	ok := len(f.Conditions) <= maxVerbs && len(f.Calls) <= maxVerbs && len(f.Chains) <= maxChains && len(f.Failures) <= maxFailures &&
		len(f.Notes) <= maxNotes && len(f.Folded) <= maxFold && number(f.Unrecorded.Journal)
	for _, v := range f.Calls {
		ok = ok && v.sound()
	}
	ok = ok && !slices.ContainsFunc(f.Chains, func(c *report.Chain) bool { return c == nil })
	for i := range f.Failures {
		x := &f.Failures[i]
		ok = ok && number(x.Count) && number(int64(x.Index)) && number(int64(x.Line)) && number(int64(x.Column))
	}
	for _, n := range f.Notes {
		ok = ok && number(n.Count)
	}
	if !ok {
		return errUnsound
	}
	return nil
}

func (v *Verb) sound() bool {
	if v == nil || !number(v.Total) || !number(v.Failed) || !v.Duration.sound() || len(v.ByReason) > maxReasons || len(v.Plugins) > maxPlugins {
		return false
	}
	for _, n := range v.ByReason {
		if !number(n) {
			return false
		}
	}
	for _, d := range v.Plugins {
		if d == nil || !d.sound() {
			return false
		}
	}
	return true
}

func (d *Durations) sound() bool {
	return number(d.Sum) && number(d.Max) && len(d.Buckets) <= Buckets && !slices.ContainsFunc(d.Buckets, func(n int64) bool { return !number(n) })
}

// number is a count, a duration or a place: not below zero, and far from where adding would overflow.
func number(n int64) bool { return 0 <= n && n < maxNumber }
