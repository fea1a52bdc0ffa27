// Package manifest finds the network configurations inside Kubernetes manifests, in YAML or JSON, and knows where
// each of their bytes stands in the file that people edit.
package manifest

import (
	"bytes"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/steps"
)

// Value is one network configuration in a manifest.
type Value struct {
	Object string // "ConfigMap kube-system/calico-config"
	Key    string // "cni_network_config"; of a NetworkAttachmentDefinition "config"
	Text   []byte // as Kubernetes hands it on
	places []int32
	end    int
}

// Where turns an offset in Text into one in the file.
func (v *Value) Where(offset int) int {
	switch {
	case offset < 0:
		offset = 0
	case offset >= len(v.places):
		return v.end
	}
	if len(v.places) == 0 {
		return v.end
	}
	return int(v.places[offset])
}

// Find returns the network configurations in a manifest, in its order, and whether the text is a Kubernetes manifest
// at all: a document with a kind in it.
func Find(text []byte) (values []Value, ok bool) {
	var docs []*node
	if first := bytes.TrimLeft(text, " \t\r\n\ufeff"); len(first) > 0 && first[0] == '{' {
		if !bytes.Contains(text, []byte(`"kind"`)) {
			return nil, false // no tree for nothing
		}
		root, err := jsondoc.Parse(text)
		if err != nil || !root.Get("kind").Is(jsondoc.String) {
			return nil, false
		}
		docs = []*node{fromJSON(text, root)}
	} else {
		docs = parse(text)
	}
	for _, d := range docs {
		values, ok = appendObject(values, d, ok)
	}
	return values, ok
}

// appendObject looks into one object, and into those of a list.
func appendObject(values []Value, d *node, ok bool) ([]Value, bool) {
	kind := d.get("kind").str()
	if kind == "" {
		return values, ok
	}
	ok = true
	meta := d.get("metadata")
	name := kind + " " + meta.get("name").str()
	if ns := meta.get("namespace").str(); ns != "" {
		name = kind + " " + ns + "/" + meta.get("name").str()
	}
	switch {
	case kind == "List" || strings.HasSuffix(kind, "List"):
		if items := d.get("items"); items != nil {
			for _, o := range items.items {
				if o.get("kind") == nil && kind != "List" { // typed lists leave it out
					o.keys, o.items = append(o.keys, "kind"), append(o.items, &node{scalar: true, text: []byte(strings.TrimSuffix(kind, "List"))})
				}
				values, _ = appendObject(values, o, ok)
			}
		}
	case kind == "ConfigMap":
		data := d.get("data")
		if data == nil {
			break
		}
		for i, key := range data.keys {
			if v := data.items[i]; v.scalar && isConfig(key, v.text) {
				values = append(values, Value{name, key, v.text, v.places, v.end})
			}
		}
	case kind == "NetworkAttachmentDefinition":
		if v := d.get("spec").get("config"); v != nil && v.scalar && len(bytes.TrimSpace(v.text)) > 0 {
			values = append(values, Value{name, "config", v.text, v.places, v.end})
		}
	}
	return values, ok
}

// isConfig tells a network configuration from the other texts of a ConfigMap: by the key that the add-ons use, else
// by what is in it.
func isConfig(key string, text []byte) bool {
	t := bytes.TrimSpace(text)
	if len(t) == 0 {
		return false
	}
	switch low := strings.ToLower(key); {
	case low == "cni_network_config" || low == "cni-conf.json" || low == "cni-config" || strings.HasSuffix(low, ".conflist"):
		return true
	case low == "net-conf.json" || strings.Contains(low, "daemon-config"):
		return false
	}
	if t[0] != '{' && t[0] != '#' && t[0] != '/' && t[0] != 0xef {
		return false
	}
	has := func(s string) bool { return bytes.Contains(t, []byte(s)) }
	return has("plugins") && has("type") || has("cniVersion") && has("type")
}

// node is a value of a manifest: a mapping with keys, a sequence without, or a scalar.
type node struct {
	keys   []string
	items  []*node
	scalar bool
	text   []byte  // of a scalar, decoded
	places []int32 // the offset in the file of each of its bytes
	end    int     // and of the first behind it
}

// get is the value of a key, the first; nil when there is none.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i, k := range n.keys {
		if k == key {
			return n.items[i]
		}
	}
	return nil
}

func (n *node) str() string {
	if n == nil || !n.scalar {
		return ""
	}
	return string(n.text)
}

func fromJSON(text []byte, j *jsondoc.Node) *node {
	n := &node{}
	switch j.Kind {
	case jsondoc.Object, jsondoc.Array:
		for _, k := range j.Kids {
			if j.Kind == jsondoc.Object {
				n.keys = append(n.keys, k.Key)
			}
			n.items = append(n.items, fromJSON(text, k))
		}
	case jsondoc.String:
		p := &parser{text: text, at: j.Start, left: steps.For(j.End-j.Start, perByte)}
		return p.doubleQuoted()
	default:
		n.scalar = true
	}
	return n
}
