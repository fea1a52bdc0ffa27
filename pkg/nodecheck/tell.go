package nodecheck

import (
	"fmt"
	"os"

	"github.com/cni-shim/cni-shim/pkg/check"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/rules"
)

// place is where something is wrong; line 0 is the file as a whole.
type place struct {
	file                    string
	line, column, endColumn int
}

// tell adds a finding with the rule's severity, which the caller may change in what is returned. fix "" takes the
// rule's.
func tell(out *check.Result, at place, rule, fix, format string, args ...any) *diag.Diagnostic {
	r := rules.Lookup(rule)
	if fix == "" {
		fix = r.Fix
	}
	d := diag.Diagnostic{Rule: r.ID, Severity: r.Severity, Message: fmt.Sprintf(format, args...), Fix: fix}
	d.File, d.Line, d.Column = at.file, at.line, at.column
	if at.line > 0 {
		d.EndLine, d.EndColumn = at.line, max(at.column, at.endColumn)
	}
	out.List = append(out.List, d)
	return &out.List[len(out.List)-1]
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !os.IsNotExist(err)
}
