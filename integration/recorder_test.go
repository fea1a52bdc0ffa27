package integration

import "encoding/json"

// recorded is one call as a plugin saw it, a line that integration/recorder wrote.
type recorded struct {
	Plugin string          `json:"plugin"`
	Env    []string        `json:"env"`
	Stdin  json.RawMessage `json:"stdin"`
}
