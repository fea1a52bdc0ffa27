package survey

import (
	"strings"

	"github.com/cni-shim/cni-shim/pkg/visible"
)

// maxNPD is what node-problem-detector keeps of a custom plugin's output in the configurations that it ships, in bytes.
const maxNPD = 80

// NPD is the answer of a node-problem-detector custom plugin: exit status 0 without a problem, 1 with one, 2 where it cannot be
// told, and one line that is never cut in the middle of its place.
func (s *Survey) NPD() (line string, exit int) {
	switch {
	case s.Verdict.Ready:
		return "network ready", 0
	case s.Verdict.Reason == Unknown:
		exit = 2
	default:
		exit = 1
	}
	line = visible.Line(s.Verdict.Message)
	if len(line) >= maxNPD {
		line = strings.ToValidUTF8(line[:maxNPD-4], "") + "…" // 3 bytes
	}
	return line, exit
}
