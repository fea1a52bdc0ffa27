package watch

import (
	"fmt"

	"github.com/cni-shim/cni-shim/pkg/check"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// maxFindings bounds what is told of one directory.
const maxFindings = 32

// findings are what check says of a directory or a file, without mere information, and without the errors of the file because of
// which the chain cannot run: that is told as such. What cannot be read has none, for the same reason. runs is the file of the chain
// that can run: where it is refused all the same it has just been changed, and the next look tells.
func findings(path string, o check.Options, f *report.Failure, runs string) (out []report.Note) {
	defer func() {
		// A text that makes check crash must not end the watch, which would begin again with the same text.
		if p := recover(); p != nil {
			out = append(out, report.Note{Message: fmt.Sprintf("check of %s crashed: %v", path, p)})
		}
	}()
	r, err := check.Path(path, o)
	if err != nil {
		return nil
	}
	for _, d := range r.List {
		if d.Severity == diag.Info || f != nil && d.File == f.Place.File && d.Severity == diag.Error || d.Refused && d.File == runs {
			continue
		}
		if len(out) == maxFindings {
			return append(out, report.Note{Message: "there is more: cni-shim check " + path})
		}
		out = append(out, report.Note{Rule: d.Rule, Message: d.Place.String() + ": " + d.Message})
	}
	return out
}
