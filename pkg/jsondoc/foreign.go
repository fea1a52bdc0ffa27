package jsondoc

import (
	"bytes"
	"fmt"
)

// foreign tells a text that is wrong before its first token: empty, in another encoding, in another format. It steps
// over a byte order mark. True means that all is said.
func (s *scanner) foreign() bool {
	text := s.text
	switch {
	case len(bytes.Trim(text, " \t\r\n")) == 0:
		s.stop(Fault{Rule: "json-empty-file", Cause: "the file is empty", Fix: "write the configuration again, or restart the add-on that writes it"})
	case bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")):
		s.stop(Fault{Rule: "encoding-utf16", Start: 0, End: 2, Cause: "the file is UTF-16; libcni reads UTF-8 only", Fix: "convert it with iconv -f UTF-16 -t UTF-8"})
	case len(text) >= 4 && (text[0] == 0) != (text[1] == 0) && (text[0] == 0) == (text[2] == 0) && (text[1] == 0) == (text[3] == 0):
		s.stop(Fault{Rule: "encoding-utf16", Start: 0, End: 1, Cause: "the file is UTF-16; libcni reads UTF-8 only", Fix: "convert it with iconv -f UTF-16 -t UTF-8"})
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")):
		s.fault(Fault{"encoding-bom", 0, 3, "the file starts with a byte order mark, which libcni does not skip", "save it as UTF-8 without BOM", []Edit{{0, 3, ""}}})
		s.at = 3
		s.startLine(3)
	}
	if s.done {
		return true
	}
	first, what := otherFormat(text[s.at:])
	if what == "" {
		return false
	}
	at := s.at + first
	s.stop(Fault{Rule: "json-not-json", Start: at, End: s.lineEnd(at), Cause: fmt.Sprintf("the file is %s, not JSON", what), Fix: "write the configuration in JSON, or give a file that is none another extension"})
	return true
}

// otherFormat names the format of a text that is clearly no JSON, and the offset at which it begins; "" when it may
// be JSON.
func otherFormat(text []byte) (at int, what string) {
	for at < len(text) && bytes.IndexByte([]byte(" \t\r\n"), text[at]) >= 0 {
		at++
	}
	rest := text[at:]
	lower := bytes.ToLower(rest[:min(len(rest), 64)])
	switch {
	case len(rest) == 0:
		return 0, ""
	case bytes.HasPrefix(lower, []byte("<!doctype html")) || bytes.HasPrefix(lower, []byte("<html")):
		return at, "an HTML page"
	case bytes.HasPrefix(lower, []byte("<?xml")):
		return at, "XML"
	case bytes.HasPrefix(rest, []byte("#!")):
		return at, "a script"
	case bytes.HasPrefix(rest, []byte("-----BEGIN")):
		return at, "a PEM file"
	case bytes.HasPrefix(rest, []byte("```")):
		return at, "Markdown"
	case bytes.HasPrefix(rest, []byte("\x7fELF")):
		return at, "a program"
	case bytes.HasPrefix(rest, []byte("\x1f\x8b")):
		return at, "a gzip archive"
	}
	// What counts is the first line that is neither blank nor a remark.
	body := rest
	for len(body) > 0 {
		line := body
		if i := bytes.IndexByte(body, '\n'); i >= 0 {
			line, body = body[:i], body[i+1:]
		} else {
			body = nil
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' && !bytes.HasPrefix(line, []byte("#{")) || bytes.HasPrefix(line, []byte("//")) || bytes.HasPrefix(line, []byte("---")) && isMark(line) {
			if bytes.HasPrefix(line, []byte("---")) && firstByte(body) != '{' && firstByte(body) != '[' {
				return at, "YAML"
			} else if bytes.HasPrefix(line, []byte("---")) && len(body) > 0 {
				return at, "YAML by its document mark"
			}
			continue
		}
		return at, lineFormat(line)
	}
	return at, ""
}

func isMark(line []byte) bool { return len(bytes.Trim(line, "- ")) == 0 }

func firstByte(b []byte) byte {
	if b = bytes.TrimLeft(b, " \t\r\n"); len(b) > 0 {
		return b[0]
	}
	return 0
}

// isLiteralWord tells what may begin a JSON text, or was meant to.
func isLiteralWord(w []byte) bool {
	switch string(bytes.ToLower(w)) {
	case "true", "false", "null", "none":
		return true
	}
	return w[0] >= '0' && w[0] <= '9' || w[0] == '_'
}

// lineFormat names the format that a first line betrays.
func lineFormat(line []byte) string {
	if bytes.HasPrefix(line, []byte("- ")) || bytes.HasPrefix(line, []byte("%YAML")) {
		return "YAML"
	}
	if bytes.HasPrefix(line, []byte("<<<<<<<")) {
		return ""
	}
	if line[0] == '<' && len(line) > 1 && (isWord(line[1]) || line[1] == '!') {
		return "XML or HTML"
	}
	if line[0] == '[' && line[len(line)-1] == ']' && len(line) > 2 && isWord(line[1]) && !bytes.ContainsAny(line, `",`) && !(line[1] >= '0' && line[1] <= '9') {
		return "an INI or TOML file"
	}
	i := 0
	for i < len(line) && (isWord(line[i]) || line[i] == '-' || line[i] == '.' || line[i] == '/') {
		i++
	}
	rest := bytes.TrimLeft(line[i:], " ")
	switch {
	case i == 0 || len(rest) == 0:
		return ""
	case rest[0] == ':' && (len(rest) == 1 || rest[1] == ' '):
		return "YAML"
	case rest[0] == '=' && len(rest) > 1 && rest[1] != '=':
		return "a file of variables"
	case len(line) > i && line[i] == ' ' && !isLiteralWord(line[:i]) && (isWord(rest[0]) || rest[0] == '>' || rest[0] == '-' || rest[0] == '<'):
		return "plain text"
	}
	return ""
}
