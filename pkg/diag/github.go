package diag

import (
	"fmt"
	"io"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/visible"
)

// WriteGitHub prints findings as workflow commands, which GitHub shows beside the changed lines.
// Format: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
func WriteGitHub(w io.Writer, l List) {
	text := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, d := range l {
		word := d.Severity.String()
		if d.Severity == Info {
			word = "notice"
		}
		fmt.Fprintf(w, "::%s file=%s", word, property.Replace(visible.Line(d.File)))
		if d.Line > 0 {
			fmt.Fprintf(w, ",line=%d,col=%d", d.Line, d.Column)
			if d.EndLine == d.Line && d.EndColumn > d.Column {
				fmt.Fprintf(w, ",endLine=%d,endColumn=%d", d.EndLine, d.EndColumn)
			}
		}
		message := d.Message
		if d.Fix != "" {
			message += "\nfix: " + d.Fix
		}
		fmt.Fprintf(w, ",title=%s::%s\n", property.Replace(d.Rule), text.Replace(visible.Text(message)))
	}
}
