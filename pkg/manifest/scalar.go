package manifest

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// A scalar is decoded byte for byte with the offset that each came from.

func (n *node) put(place int, b ...byte) {
	for _, c := range b {
		n.text = append(n.text, c)
		n.places = append(n.places, int32(place))
	}
}

// line adds bytes as they stand in the text.
func (n *node) copy(text []byte, from, to int) {
	for i := from; i < to; i++ {
		n.put(i, text[i])
	}
}

// blockScalar reads a literal or folded scalar; it stands at its | or >, in a value of the key or dash in column
// parent, and at the start of a line after.
func (p *parser) blockScalar(parent int, folded bool) *node {
	n := &node{scalar: true}
	indent, keep, strip := -1, false, false
	for _, c := range p.line(p.at)[1:] {
		switch {
		case c >= '1' && c <= '9':
			indent = max(parent, 0) + int(c-'0')
		case c == '+':
			keep = true
		case c == '-':
			strip = true
		case c == '#':
		default:
			continue
		}
		if c == '#' {
			break
		}
	}
	p.nextLine()
	n.end = p.at
	breaks := 0    // line ends not yet written
	lastBreak := 0 // where the last of them stands
	started := false
	more := false // the last line was indented further, so folding leaves its end alone
	for p.at < len(p.text) {
		line := p.line(p.at)
		body := bytes.TrimLeft(line, " ")
		col := len(line) - len(body)
		if len(body) == 0 && (indent < 0 || col <= indent) {
			if lastBreak = p.at + len(line); lineAfter(p.text, p.at) > lastBreak {
				breaks++
			}
			p.nextLine()
			continue
		}
		if indent < 0 {
			if col <= parent {
				break
			}
			indent = col
		}
		if col < indent {
			break
		}
		isMore := len(line) > indent && (line[indent] == ' ' || line[indent] == '\t')
		switch {
		case folded && started && !more && !isMore && breaks == 1:
			n.put(lastBreak, ' ')
		case folded && started && !more && !isMore:
			for range breaks - 1 {
				n.put(lastBreak, '\n')
			}
		default:
			for range breaks {
				n.put(lastBreak, '\n')
			}
		}
		n.copy(p.text, p.at+indent, p.at+len(line))
		n.end = p.at + len(line)
		started, more = true, isMore
		breaks, lastBreak = 0, p.at+len(line)
		if lineAfter(p.text, p.at) > p.at+len(line) {
			breaks = 1
		}
		p.nextLine()
	}
	switch {
	case strip || !started && !keep:
	case keep:
		for range breaks {
			n.put(lastBreak, '\n')
		}
		n.end = max(n.end, lastBreak)
	default:
		for range min(breaks, 1) {
			n.put(n.end, '\n')
		}
	}
	return n
}

// fold reads the end of a line inside a flow scalar: one becomes a space, n of them n-1 line ends. It stands at the
// first space before the line end and after at the next line's first token; false when the text ends.
func (p *parser) fold(n *node) {
	place, breaks := p.at, 0
	for p.at < len(p.text) && bytes.IndexByte([]byte(" \t\r\n"), p.text[p.at]) >= 0 {
		if p.text[p.at] == '\n' {
			breaks++
		}
		p.at++
	}
	if breaks == 1 {
		n.put(place, ' ')
	}
	for range breaks - 1 {
		n.put(place, '\n')
	}
}

// blanks reads the white space inside a quoted scalar: at the end of a line it is folded, elsewhere it stays.
func (p *parser) blanks(n *node) {
	end := p.at
	for end < len(p.text) && (p.text[end] == ' ' || p.text[end] == '\t' || p.text[end] == '\r') {
		end++
	}
	if end < len(p.text) && p.text[end] == '\n' {
		p.fold(n)
		return
	}
	n.copy(p.text, p.at, end)
	p.at = end
}

// singleQuoted and doubleQuoted stand at the opening quote before and behind the closing one after.
func (p *parser) singleQuoted() *node {
	n := &node{scalar: true}
	p.at++
	for p.at < len(p.text) {
		p.left.Take(1)
		switch c := p.text[p.at]; {
		case c == '\'':
			if p.at+1 < len(p.text) && p.text[p.at+1] == '\'' {
				n.put(p.at, c)
				p.at += 2
				continue
			}
			n.end = p.at
			p.at++
			return n
		case bytes.IndexByte([]byte(" \t\r\n"), c) >= 0:
			p.blanks(n)
		default:
			n.put(p.at, c)
			p.at++
		}
	}
	n.end = p.at
	return n
}

func (p *parser) doubleQuoted() *node {
	n := &node{scalar: true}
	p.at++
	for p.at < len(p.text) {
		p.left.Take(1)
		switch c := p.text[p.at]; {
		case c == '"':
			n.end = p.at
			p.at++
			return n
		case c == '\\':
			p.escape(n)
		case bytes.IndexByte([]byte(" \t\r\n"), c) >= 0:
			p.blanks(n)
		default:
			n.put(p.at, c)
			p.at++
		}
	}
	n.end = p.at
	return n
}

// escape reads one escape of a double-quoted scalar; JSON's are among them.
func (p *parser) escape(n *node) {
	start := p.at
	p.at += 2
	if p.at > len(p.text) {
		p.at = len(p.text)
		return
	}
	c := p.text[start+1]
	switch c {
	case '\r', '\n': // the line goes on
		p.at = lineAfter(p.text, start)
		for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
			p.at++
		}
	case 'x', 'u', 'U':
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		r := hex(p.text, p.at, digits)
		p.at = min(p.at+digits, len(p.text))
		if r >= 0xd800 && r < 0xdc00 && bytes.HasPrefix(p.text[p.at:], []byte(`\u`)) { // JSON's pair of surrogates
			if low := hex(p.text, p.at+2, 4); low >= 0xdc00 && low < 0xe000 {
				r = (r-0xd800)<<10 + low - 0xdc00 + 0x10000
				p.at += 6
			}
		}
		n.put(start, utf8.AppendRune(nil, r)...)
	default:
		const from, to = "0abtnvfre", "\x00\a\b\t\n\v\f\r\x1b"
		if i := bytes.IndexByte([]byte(from), c); i >= 0 {
			n.put(start, to[i])
			return
		}
		switch c {
		case 'N':
			n.put(start, []byte("\u0085")...)
		case '_':
			n.put(start, []byte("\u00a0")...)
		case 'L':
			n.put(start, []byte("\u2028")...)
		case 'P':
			n.put(start, []byte("\u2029")...)
		default: // \" \\ \/ and what is no escape
			n.put(start, c)
		}
	}
}

func hex(text []byte, at, digits int) rune {
	v, err := strconv.ParseUint(string(text[at:min(at+digits, len(text))]), 16, 32)
	if err != nil {
		return utf8.RuneError
	}
	return rune(v)
}

// plain reads a scalar without quotes, with the lines that go on it: those indented further than its parent.
func (p *parser) plain(parent int) *node {
	n := &node{scalar: true}
	for {
		line := p.line(p.at)
		if i := bytes.Index(line, []byte(" #")); i >= 0 {
			line = line[:i]
		}
		line = bytes.TrimRight(line, " \t")
		n.copy(p.text, p.at, p.at+len(line))
		n.end = p.at + len(line)
		p.nextLine()
		breaks := 1
		next := p.at
		for next < len(p.text) && len(bytes.TrimLeft(p.line(next), " \t")) == 0 {
			next = lineAfter(p.text, next)
			breaks++
		}
		if next >= len(p.text) {
			return n
		}
		line = p.line(next)
		body := bytes.TrimLeft(line, " \t")
		col := len(line) - len(body)
		q := parser{text: p.text, at: next}
		if col <= parent || body[0] == '#' || q.mark() || p.keyEnd(next+col) > 0 {
			return n
		}
		if breaks == 1 {
			n.put(n.end, ' ')
		}
		for range breaks - 1 {
			n.put(n.end, '\n')
		}
		p.at = next + col
	}
}
