package manifest

import (
	"bytes"

	"github.com/cni-shim/cni-shim/pkg/steps"
)

// The part of YAML that manifests are written in: block mappings and sequences, all five kinds of scalars, several
// documents. Flow collections, tags and anchors are passed over; an alias is not followed. Kubernetes' own reader
// judges whether the YAML is right, so this one takes what it can and never fails. It needs no package-level state:
// the binary is a plugin whose start is on every pod's path.

// parser walks a text. Lines are told by offsets into it.
type parser struct {
	text  []byte
	at    int
	depth int
	left  steps.Left
}

const (
	maxDepth = 100
	// perByte bounds the looks at one byte: a line of nested dashes is read a few times for each of them.
	perByte = 5 * maxDepth
)

// parse returns the root of each document.
func parse(text []byte) []*node {
	p := &parser{text: text, left: steps.For(len(text), perByte)}
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		p.at = 3
	}
	var docs []*node
	for p.at < len(p.text) {
		before := p.at
		if n := p.block(0); n != nil {
			docs = append(docs, n)
		}
		if p.mark() || p.at == before {
			p.nextLine()
		}
	}
	return docs
}

// mark tells whether a document's mark begins here.
func (p *parser) mark() bool {
	rest := p.text[p.at:]
	return (bytes.HasPrefix(rest, []byte("---")) || bytes.HasPrefix(rest, []byte("..."))) && (len(rest) == 3 || bytes.IndexByte([]byte(" \t\r\n"), rest[3]) >= 0)
}

func (p *parser) nextLine() {
	p.left.Take(1)
	p.at = lineAfter(p.text, p.at)
}

// lineAfter is the offset of the line behind the one that at is in.
func lineAfter(text []byte, at int) int {
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}

// line is the rest of the line at an offset, without its end.
func (p *parser) line(at int) []byte {
	line := p.text[at:lineAfter(p.text, at)]
	p.left.Take(1 + len(line))
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})
}

// content moves to the next line with something on it, and returns its indentation; ok is false at the end of the
// document. It stands at the start of a line before and after.
func (p *parser) content() (col int, ok bool) {
	for p.at < len(p.text) {
		if p.mark() {
			return 0, false
		}
		line := p.line(p.at)
		body := bytes.TrimLeft(line, " ")
		if trimmed := bytes.TrimLeft(body, " \t"); len(trimmed) > 0 && trimmed[0] != '#' && (trimmed[0] != '%' || len(body) < len(line)) {
			return len(line) - len(body), true
		}
		p.nextLine()
	}
	return 0, false
}

// goesOn moves to the next line with something on it, and reports whether that begins in a column.
func (p *parser) goesOn(col int) bool {
	next, ok := p.content()
	return ok && next == col
}

// block reads the mapping, sequence or scalar that begins on the next line with content, indented by at least min.
// It stands at the start of a line before and after.
func (p *parser) block(min int) *node {
	col, ok := p.content()
	if !ok || col < min {
		return nil
	}
	return p.collection(col, p.at+col)
}

// collection reads what begins at an offset, in that column; the offset may lie behind a dash on its line. What is
// nested too deep ends the text.
func (p *parser) collection(col, at int) *node {
	if p.depth == maxDepth {
		p.at = len(p.text)
		return nil
	}
	p.depth++
	defer func() { p.depth-- }()
	switch {
	case isDash(p.text, at):
		return p.sequence(col, at)
	case p.keyEnd(at) > 0:
		return p.mapping(col, at)
	}
	p.at = at
	return p.inline(col - 1)
}

func isDash(text []byte, at int) bool {
	return at < len(text) && text[at] == '-' && (at+1 == len(text) || bytes.IndexByte([]byte(" \t\r\n"), text[at+1]) >= 0)
}

// sequence reads the elements whose dashes stand in one column.
func (p *parser) sequence(col, at int) *node {
	n := &node{}
	for {
		at++ // the dash
		line := p.line(at)
		body := bytes.TrimLeft(line, " ")
		var item *node
		if len(body) == 0 || body[0] == '#' {
			p.at = at
			p.nextLine()
			item = p.block(col + 1)
		} else {
			gap := len(line) - len(body)
			item = p.collection(col+1+gap, at+gap)
		}
		if item != nil {
			n.items = append(n.items, item)
		}
		if !p.goesOn(col) || !isDash(p.text, p.at+col) {
			return n
		}
		at = p.at + col
	}
}

// mapping reads the members whose keys stand in one column.
func (p *parser) mapping(col, at int) *node {
	n := &node{}
	for {
		end := p.keyEnd(at)
		if end == 0 {
			return n
		}
		key := bytes.TrimRight(p.text[at:end], " ")
		if len(key) >= 2 && (key[0] == '"' || key[0] == '\'') {
			key = key[1 : len(key)-1]
		}
		p.at = end + 1
		n.keys = append(n.keys, string(key))
		v := p.inline(col)
		if v == nil {
			v = &node{}
		}
		n.items = append(n.items, v)
		if !p.goesOn(col) {
			return n
		}
		at = p.at + col
	}
}

// keyEnd is the offset of the colon behind the key that begins at an offset, 0 when no key does.
func (p *parser) keyEnd(at int) int {
	line := p.line(at)
	i := 0
	if len(line) > 0 && (line[0] == '"' || line[0] == '\'') {
		j := bytes.IndexByte(line[1:], line[0])
		if j < 0 {
			return 0
		}
		i = j + 2
		for i < len(line) && line[i] == ' ' {
			i++
		}
		if i < len(line) && line[i] == ':' && (i+1 == len(line) || line[i+1] == ' ' || line[i+1] == '\t') {
			return at + i
		}
		return 0
	}
	if len(line) > 0 && bytes.IndexByte([]byte("{}[]|>&*!%#@`,"), line[0]) >= 0 {
		return 0
	}
	for ; i < len(line); i++ {
		if line[i] == ':' && (i+1 == len(line) || line[i+1] == ' ' || line[i+1] == '\t') {
			return at + i
		}
		if line[i] == '#' && i > 0 && line[i-1] == ' ' {
			return 0
		}
	}
	return 0
}

// inline reads the value that begins on this line, or else the block below it. parent is the column of the key or
// dash that it belongs to.
func (p *parser) inline(parent int) *node {
	line := p.line(p.at)
	body := bytes.TrimLeft(line, " \t")
	for len(body) > 0 && (body[0] == '!' || body[0] == '&') { // a tag or an anchor stands before the value
		i := bytes.IndexAny(body, " \t")
		if i < 0 {
			i = len(body)
		}
		body = bytes.TrimLeft(body[i:], " \t")
	}
	p.at += len(line) - len(body)
	if len(body) == 0 || body[0] == '#' {
		p.nextLine()
		if p.goesOn(parent) && isDash(p.text, p.at+parent) {
			return p.sequence(parent, p.at+parent) // a sequence may stand under its key
		}
		return p.block(parent + 1)
	}
	var n *node
	switch body[0] {
	case '|', '>':
		return p.blockScalar(parent, body[0] == '>')
	case '"':
		n = p.doubleQuoted()
	case '\'':
		n = p.singleQuoted()
	case '{', '[':
		p.flow()
		n = &node{}
	case '*':
		n = &node{}
	default:
		return p.plain(parent)
	}
	p.nextLine()
	return n
}

// flow passes over a flow collection.
func (p *parser) flow() {
	open := 0
	for p.at < len(p.text) {
		p.left.Take(1)
		switch p.text[p.at] {
		case '{', '[':
			open++
		case '}', ']':
			open--
		case '"':
			p.doubleQuoted()
			p.at--
		case '\'':
			p.singleQuoted()
			p.at--
		}
		if p.at++; open <= 0 {
			return
		}
	}
}
