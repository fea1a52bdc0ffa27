package jsondoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/cni-shim/cni-shim/pkg/steps"
)

// Kind is what a JSON value is.
type Kind uint8

// The kinds of JSON values.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}

// String names the kind as a sentence needs it: "an object".
func (k Kind) String() string { return kindNames[k] }

// Node is one JSON value and where it stands. A node of an object's member carries its key. Duplicate keys are kept,
// in the order of the text.
type Node struct {
	Kind             Kind
	Start, End       int     // byte offsets of the value
	KeyStart, KeyEnd int     // of the key with its quotes; equal when the node has none
	Key              string  // decoded
	Kids             []*Node // members or elements
	Parent           *Node
	text             *[]byte // shared by the tree: a pointer, for there are many nodes
}

// Bounds of a tree: no network configuration comes near.
const maxNodes = 1 << 17

// ErrTooBig: the text is JSON, but too large to be a network configuration.
var ErrTooBig = errors.New("text holds more than 131072 values")

var errInvalid = errors.New("text is no valid JSON")

// Parse returns the tree of a text that encoding/json takes; an error where it does not, see Explain, or where the
// tree would be too big. The tree refers to text.
func Parse(text []byte) (*Node, error) {
	if !json.Valid(text) {
		return nil, errInvalid
	}
	p := &parser{text: text, left: steps.For(len(text), 4)}
	var root, open *Node
	for p.skip(); p.at < len(text); p.skip() {
		p.left.Take(1)
		switch c := text[p.at]; c {
		case ',':
			p.at++
			continue
		case '}', ']':
			p.at++
			open.End = p.at
			open = open.Parent
			continue
		}
		if p.count++; p.count > maxNodes {
			return nil, ErrTooBig
		}
		n := &Node{text: &p.text, Parent: open}
		if open != nil {
			if open.Kind == Object {
				n.KeyStart = p.at
				p.string()
				n.KeyEnd = p.at
				n.Key = decode(text[n.KeyStart:n.KeyEnd])
				p.skip()
				p.at++ // the colon
				p.skip()
			}
			open.Kids = append(open.Kids, n)
		} else {
			root = n
		}
		if p.value(n); n.Kind >= Array {
			open = n
		}
	}
	return root, nil
}

// parser walks a text that is known to be valid.
type parser struct {
	text  []byte
	at    int
	count int
	left  steps.Left
}

// value reads a scalar, or the opening bracket of what is none.
func (p *parser) value(n *Node) {
	n.Start = p.at
	switch c := p.text[p.at]; c {
	case '{', '[':
		n.Kind = Object
		if c == '[' {
			n.Kind = Array
		}
		p.at++
		return
	case '"':
		n.Kind = String
		p.string()
	default:
		for p.at < len(p.text) && bytes.IndexByte([]byte(" \t\r\n,}]"), p.text[p.at]) < 0 {
			p.at++
		}
		switch c {
		case 't', 'f':
			n.Kind = Bool
		case 'n':
			n.Kind = Null
		default:
			n.Kind = Number
		}
	}
	n.End = p.at
}

func (p *parser) string() {
	for p.at++; p.text[p.at] != '"'; p.at++ {
		if p.text[p.at] == '\\' {
			p.at++
		}
	}
	p.at++
}

func (p *parser) skip() {
	for p.at < len(p.text) && bytes.IndexByte([]byte(" \t\r\n"), p.text[p.at]) >= 0 {
		p.at++
	}
}

func decode(quoted []byte) string {
	if raw := quoted[1 : len(quoted)-1]; bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw)
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // cannot fail: the text is valid
	return s
}

// Raw is the value as it is written.
func (n *Node) Raw() string { return string((*n.text)[n.Start:n.End]) }

// Str is the decoded text of a string, "" for anything else and for no node.
func (n *Node) Str() string {
	if n == nil || n.Kind != String {
		return ""
	}
	return decode((*n.text)[n.Start:n.End])
}

// True tells whether the node is the literal true.
func (n *Node) True() bool { return n != nil && n.Kind == Bool && (*n.text)[n.Start] == 't' }

// Is tells whether there is a node of that kind.
func (n *Node) Is(k Kind) bool { return n != nil && n.Kind == k }

// Get is the member of that exact key that libcni sees, the last; nil when there is none or n is no object.
func (n *Node) Get(key string) *Node {
	if n == nil || n.Kind != Object {
		return nil
	}
	for i := len(n.Kids) - 1; i >= 0; i-- {
		if n.Kids[i].Key == key {
			return n.Kids[i]
		}
	}
	return nil
}

// Fold is the member that a Go struct's field of that name gets: encoding/json compares without case there. An exact
// key is preferred; null is no value.
func (n *Node) Fold(key string) *Node {
	if n == nil || n.Kind != Object {
		return nil
	}
	if m := n.Get(key); m != nil {
		return m.value()
	}
	for i := len(n.Kids) - 1; i >= 0; i-- {
		if strings.EqualFold(n.Kids[i].Key, key) {
			return n.Kids[i].value()
		}
	}
	return nil
}

func (n *Node) value() *Node {
	if n.Kind == Null {
		return nil
	}
	return n
}
