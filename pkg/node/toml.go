package node

import (
	"errors"
	"os"

	"github.com/pelletier/go-toml/v2"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

// maxConfig bounds a runtime's configuration file, in bytes.
const maxConfig = 4 << 20

// table is a table of a TOML file.
type table map[string]any

// readTOML reads a file. A file that does not exist is nil without a problem.
func (t tree) readTOML(path string) (table, *Problem) {
	text, err := disk.ReadAnyone(t.path(path), maxConfig)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		var e *os.PathError
		if errors.As(err, &e) {
			err = e.Err
		}
		return nil, &Problem{File: path, Cause: "cannot be read: " + err.Error()}
	}
	var all table
	if err := toml.Unmarshal(text, &all); err != nil {
		p := &Problem{File: path, Cause: err.Error(), Refused: true}
		var e *toml.DecodeError
		if errors.As(err, &e) {
			p.Line, p.Column = e.Position()
		}
		return nil, p
	}
	return all, nil
}

// in is the table at the end of a path of keys, nil when there is none.
func (t table) in(path ...string) table {
	for _, key := range path {
		next, ok := t[key].(map[string]any)
		if !ok {
			return nil
		}
		t = next
	}
	return t
}

func (t table) str(key string) (string, bool) {
	s, ok := t[key].(string)
	return s, ok && s != ""
}

// strs is a list of strings that is not empty.
func (t table) strs(key string) ([]string, bool) {
	list, _ := t[key].([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok && s != "" {
			out = append(out, s)
		}
	}
	return out, len(out) > 0
}

// merge puts a later file's values over those of an earlier one, table by table.
func (t table) merge(later table) {
	for key, v := range later {
		mine, ok := t[key].(map[string]any)
		theirs, both := v.(map[string]any)
		if ok && both {
			table(mine).merge(theirs)
			continue
		}
		t[key] = v
	}
}
