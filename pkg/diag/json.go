package diag

import (
	"encoding/json"
	"io"

	"github.com/cni-shim/cni-shim/pkg/visible"
)

// WriteJSON writes one object: the findings, never null, and how many there are of each severity.
func WriteJSON(w io.Writer, l List) error {
	if l == nil {
		l = List{}
	}
	e, warn, info := l.Count()
	enc := json.NewEncoder(visible.NewWriter(w, false))
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Findings List `json:"findings"`
		Errors   int  `json:"errors"`
		Warnings int  `json:"warnings"`
		Infos    int  `json:"infos"`
	}{l, e, warn, info})
}

// Count tells how many findings there are of each severity.
func (l List) Count() (errors, warnings, infos int) {
	for _, d := range l {
		switch d.Severity {
		case Error:
			errors++
		case Warning:
			warnings++
		default:
			infos++
		}
	}
	return errors, warnings, infos
}
