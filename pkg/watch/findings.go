package watch

import (
	"path/filepath"

	"github.com/cni-shim/cni-shim/pkg/check"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// maxFindings bounds what is told of one directory.
const maxFindings = 32

// findings are what check says of a directory or a file, without mere information, and without the errors of the file because of
// which the chain cannot run: that is told as such. What cannot be read has none, for the same reason.
func findings(path string, f *report.Failure) (out []report.Note) {
	r, err := check.Path(path, check.Options{})
	if err != nil {
		return nil
	}
	for _, d := range r.List {
		if d.Severity == diag.Info || f != nil && d.File == f.Place.File && d.Severity == diag.Error {
			continue
		}
		if len(out) == maxFindings {
			return append(out, report.Note{Message: "there is more: cni-shim check " + path})
		}
		place := d.Place
		place.File = filepath.Base(place.File)
		text := place.String() + ": " + d.Message + " [" + d.Rule + "]"
		if d.Fix != "" {
			text += " " + d.Fix
		}
		out = append(out, report.Note{Rule: d.Rule, Message: text})
	}
	return out
}
