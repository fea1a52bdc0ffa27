// Package jsondoc reads JSON with its places. It explains where and why encoding/json, and so libcni, stops
// reading a text, and mends what can be mended without doubt; what is valid stays encoding/json's to decide.
package jsondoc

// Fault says why a text is not the JSON that libcni takes. Start and End are byte offsets of the token to blame, not
// of the one where the parser gave up: for a trailing comma the comma, not the brace behind it. They are equal where
// something is missing between two tokens.
type Fault struct {
	Rule       string // of the rule vocabulary, "json-trailing-comma"
	Start, End int
	Cause      string // one line: `trailing comma after "subnet"`
	Fix        string // one line
	Edits      []Edit // what mends it beyond doubt, in ascending order; none where somebody must decide
}

// Edit replaces the bytes from Start to End.
type Edit struct {
	Start, End int
	New        string
}

// Bounds of an explanation: a text that exceeds them gets the faults found so far.
const (
	maxDepth  = 10000 // encoding/json's own limit of nesting
	maxFaults = 20    // more help nobody
	maxMends  = 10000
	perByte   = 3 * maxFaults // looks at one byte: a fault may read to the end of the text, some twice
)
