package known

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite conf/cni-conflist.schema.json")

// conf/cni-conflist.schema.json is made from the fields of this package: go test ./pkg/known -update
func TestSchema(t *testing.T) {
	const path = "../../conf/cni-conflist.schema.json"
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(schema()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, b.Bytes()) {
		t.Errorf("%s is not what the fields say; run go test ./pkg/known -update", path)
	}
}

type object = map[string]any

// schema is a JSON Schema of a configuration list: what every list has, and for each known plugin its own fields.
// Unknown keys and unknown plugins are free.
func schema() object {
	properties := fields(List)
	var cases []any
	for _, p := range Plugins() {
		if p.IPAM || len(p.Fields) == 0 {
			continue
		}
		then := object{"properties": fields(p.Fields)}
		if r := required(p.Fields); r != nil {
			then["required"] = r
		}
		if p.Doc != "" {
			then["description"] = p.Doc
		}
		cases = append(cases, when(p.Type, then))
	}
	var ipamCases []any
	for _, p := range Plugins() {
		if p.IPAM {
			ipamCases = append(ipamCases, when(p.Type, object{"properties": fields(p.Fields)}))
		}
	}
	plugin := object{"type": "object", "required": []string{"type"}, "properties": fields(Common), "allOf": cases}
	plugin["properties"].(object)["type"] = object{"type": "string", "minLength": 1, "pattern": "^[^/]+$", "description": "file name of the program"}
	plugin["properties"].(object)["ipam"] = object{"type": []string{"object", "null"}, "properties": object{"type": object{"type": "string"}}, "allOf": ipamCases}
	properties["plugins"] = object{"type": "array", "minItems": 1, "items": plugin, "description": "the chain, in the order in which it runs"}
	properties["name"] = object{"type": "string", "pattern": "^[a-zA-Z0-9][a-zA-Z0-9_.-]*$", "description": "name of the network, unique on the node"}
	return object{
		"$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://github.com/cni-shim/cni-shim/conf/cni-conflist.schema.json",
		"title": "CNI network configuration list", "type": "object", "required": []string{"name", "plugins"}, "properties": properties,
	}
}

func when(pluginType string, then object) object {
	return object{"if": object{"required": []string{"type"}, "properties": object{"type": object{"const": pluginType}}}, "then": then}
}

func fields(list []Field) object {
	o := object{}
	for i := range list {
		o[list[i].Name] = field(&list[i])
	}
	return o
}

func required(list []Field) (names []string) {
	for _, f := range list {
		if f.Required {
			names = append(names, f.Name)
		}
	}
	return names
}

func field(f *Field) object {
	o := object{}
	if f.Doc != "" {
		o["description"] = f.Doc
	}
	switch f.Type {
	case Bool:
		o["type"] = "boolean"
	case Int, Uint:
		o["type"] = "integer"
		if f.Type == Uint || f.Max != 0 {
			o["minimum"] = f.Min
			if f.Zero {
				o["minimum"] = 0
			}
		}
		if f.Max != 0 {
			o["maximum"] = f.Max
		}
	case String, IP, CIDR, MAC:
		o["type"] = "string"
	case Iface:
		o["type"], o["maxLength"] = "string", 15
	case Object:
		o["type"] = []string{"object", "null"}
		if f.Fields != nil {
			o["properties"] = fields(f.Fields)
			if r := required(f.Fields); r != nil {
				o["required"] = r
			}
		}
	case Array:
		o["type"] = []string{"array", "null"}
		if f.Elem != nil {
			o["items"] = field(f.Elem)
		}
	case Map:
		o["type"] = []string{"object", "null"}
		if f.Elem != nil {
			o["additionalProperties"] = field(f.Elem)
		}
	}
	if f.Enum != nil {
		o["enum"] = f.Enum
	}
	return o
}
