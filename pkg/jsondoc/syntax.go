// Package jsondoc reads JSON with its places. It explains where and why encoding/json, and so libcni, stops
// reading a text; what is valid stays encoding/json's to decide.
package jsondoc

// Fault says why a text is not the JSON that libcni takes. Start and End are byte offsets of the token to blame, not
// of the one where the parser gave up: for a trailing comma the comma, not the brace behind it.
type Fault struct {
	Rule       string // of the rule vocabulary, "json-trailing-comma"
	Start, End int
	Cause      string // one line: `trailing comma after "subnet"`
	Fix        string // one line
}
