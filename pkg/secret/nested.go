package secret

import "strings"

// nested is the end of what the bracket at a place opens, brackets in strings aside, or most where that is before it.
func (f *finder) nested(at, most int) int {
	depth, slashes := 0, 0
	for i := at; i < most; i++ {
		f.left.Take(1)
		switch c := f.s[i]; c {
		case '\\':
			slashes++
			continue
		case '"':
			i = f.closing(i+1, '"', slashes, most)
			for i < most && f.s[i] == '\\' {
				i++
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i
			}
		}
		slashes = 0
	}
	return most
}

// blank is the length of the white space at a place, of that in an escape of JSON's, too.
func (f *finder) blank(i int) int {
	switch c := f.s[i]; {
	case isSpace(c):
		return 1
	case c == '\\' && i+1 < len(f.s) && strings.IndexByte("nrt", f.s[i+1]) >= 0:
		return 2
	}
	return 0
}

// isBreak reports whether a line ends at a place.
func (f *finder) isBreak(i int) bool { return f.s[i] == '\n' || strings.HasPrefix(f.s[i:], `\n`) }

// lineStart is where the line of a place begins.
func (f *finder) lineStart(at int) int {
	if at < f.line {
		f.line = 0
	}
	start := f.line + strings.LastIndexByte(f.s[f.line:at], '\n') + 1
	if i := strings.LastIndex(f.s[start:at], `\n`); i >= 0 {
		start += i + len(`\n`)
	}
	f.line = start
	return start
}

// isBlock reports whether the mark of a YAML block scalar stands at a place.
func (f *finder) isBlock(at int) bool {
	i := at + 1
	switch {
	case strings.HasPrefix(f.s[at:], escapedMore):
		i = at + len(escapedMore)
	case f.s[at] != '|' && f.s[at] != '>':
		return false
	}
	for i < len(f.s) && (f.s[i] == '-' || f.s[i] == '+' || isDigit(f.s[i]) || f.s[i] == ' ' || f.s[i] == '\r') {
		i++
	}
	return i < len(f.s) && f.isBreak(i)
}

// block is the end of a YAML block scalar whose mark stands at a place: of the lines indented further than its own.
func (f *finder) block(at int) int {
	line := f.lineStart(at)
	return f.indented(at+lineLen(f.s[at:]), indent(f.s[line:]), false)
}

// below hides what stands in the lines below a key that began at start and has nothing but a line break behind it.
func (f *finder) below(start, lineBreak int) bool {
	at := start
	for at > 0 && f.s[at-1] == '.' {
		at--
	}
	start = at
	if at > 0 && strings.IndexByte("\"'`", f.s[at-1]) >= 0 {
		at-- // the text is quoted as a whole
	}
	from := lineBreak + lineLen(f.s[lineBreak:])
	to := from
	if at < start || f.beginsLine(start) {
		to = f.indented(from, indent(f.s[f.lineStart(start):]), true)
	}
	f.hide(from, to)
	return to > from
}

// indented is where lines from a place on end that are indented further than own, or with list are elements of a list
// there.
func (f *finder) indented(end, own int, list bool) int {
	for end < len(f.s) {
		f.left.Take(1)
		rest := f.s[end:]
		text := strings.TrimLeft(rest, " ")
		switch n := lineLen(rest); {
		case strings.TrimSpace(strings.TrimSuffix(rest[:n], `\n`)) == "", indent(rest) > own,
			list && strings.HasPrefix(text, "- ") && len(rest)-len(text) >= own:
			end += n
		default:
			return end
		}
	}
	return end
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " -")) }

// lineLen is the length of a text's first line with its end.
func lineLen(s string) int {
	for i := range len(s) {
		switch {
		case s[i] == '\n':
			return i + 1
		case s[i] == '\\' && strings.HasPrefix(s[i:], `\n`):
			return i + len(`\n`)
		}
	}
	return len(s)
}
