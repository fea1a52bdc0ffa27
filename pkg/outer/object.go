package outer

import (
	"bytes"
	"encoding/json"
)

// object is a JSON object whose keys keep their order and whose values keep their text: a key that nobody here knows stays as its
// author wrote it.
type object struct {
	keys   []string
	values map[string]json.RawMessage
}

// parseObject reads an object that has been parsed before. Of a key that stands twice the last counts, as for libcni.
func parseObject(text []byte) *object {
	o := &object{}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return o
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return o
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return o
		}
		o.set(key.(string), value)
	}
	return o
}

func (o *object) get(key string) json.RawMessage { return o.values[key] }

func (o *object) set(key string, value json.RawMessage) {
	if o.values == nil {
		o.values = map[string]json.RawMessage{}
	}
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = value
}

// raw writes the object on one line.
func (o *object) raw() json.RawMessage {
	b := []byte{'{'}
	for i, k := range o.keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, quoted(k)...), ':'), o.values[k]...)
	}
	return append(b, '}')
}

// indented writes the object as people read it, lists of plain values on one line.
func (o *object) indented() []byte {
	b := []byte("{\n")
	for i, k := range o.keys {
		b = append(append(append(b, "  "...), quoted(k)...), ": "...)
		if k == "cniVersions" {
			b = append(b, oneLine(o.values[k])...)
		} else {
			var v bytes.Buffer
			_ = json.Indent(&v, o.values[k], "  ", "  ") // values that have been parsed
			b = append(b, v.Bytes()...)
		}
		if i < len(o.keys)-1 {
			b = append(b, ',')
		}
		b = append(b, '\n')
	}
	return append(b, "}\n"...)
}

func quoted(s string) json.RawMessage { return compact(s) }

func compact(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // strings, and raw values that have been parsed
	return bytes.TrimSpace(b.Bytes())
}

// oneLine writes a list with a space behind each comma; what is no list stays as it is.
func oneLine(value json.RawMessage) []byte {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) != nil || list == nil {
		return value
	}
	b := []byte{'['}
	for i, v := range list {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, v...)
	}
	return append(b, ']')
}
