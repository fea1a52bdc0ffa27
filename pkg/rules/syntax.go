package rules

import (
	"unicode/utf8"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
)

const jsonSource = "encoding/json as called by containernetworking/cni:libcni/conf.go"

// The rules of bytes and syntax: jsondoc finds these faults; their words in general and their examples are here.
var syntax = [...]Rule{
	{Refuses: true, Source: jsonSource, ID: "json-empty-file", Title: "the file is empty", Doc: "The file has no bytes, or white space only, as an interrupted write leaves it. libcni refuses it, and containerd then loads no network at all.",
		Fix: "write the configuration again, or restart the add-on that writes it", Bad: "«»\n", Good: `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`},
	{Refuses: true, Source: jsonSource, ID: "json-truncated", Title: "the JSON ends too early", Doc: "The text ends before its brackets or strings are closed, with nothing wrong before its end: a write that was cut short.",
		Fix: "write the file again to its end, to a temporary file that is then renamed", Bad: `{"cniVersion": "1.0.0", "plugins": [«»`, Good: `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`},
	{Refuses: true, Source: jsonSource, ID: "json-trailing-comma", Title: "a comma before a closing bracket", Doc: "A comma announces another member; JSON has none before } or ]. The parser complains of the bracket, which is right. `check --fix` deletes the comma.",
		Fix: "delete the comma", Bad: `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]«,»}`, Good: `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}`},
	{Refuses: true, Source: jsonSource, ID: "json-extra-comma", Title: "a comma with no value before it", Doc: "A comma is doubled, or stands directly after an opening bracket or a colon.",
		Fix: "delete the comma", Bad: `{"cniVersion": "1.0.0",«,» "name": "lab"}`, Good: `{"cniVersion": "1.0.0", "name": "lab"}`},
	{Refuses: true, Source: jsonSource, ID: "json-missing-comma", Title: "no comma between two members", Doc: "Two members of an object or two elements of an array follow each other without a comma. The parser complains of the second.",
		Fix: "put a comma between them", Bad: `{"cniVersion": "1.0.0"«» "name": "lab"}`, Good: `{"cniVersion": "1.0.0", "name": "lab"}`},
	{Refuses: true, Source: jsonSource, ID: "json-missing-colon", Title: "no colon after a key", Doc: "A key and its value must be separated by a colon.",
		Fix: "put a colon after the key", Bad: `{"cniVersion"«» "1.0.0"}`, Good: `{"cniVersion": "1.0.0"}`},
	{Refuses: true, Source: jsonSource, ID: "json-missing-value", Title: "no value after a key", Doc: "The object ends where the value of its last key must stand.",
		Fix: "write the value, or delete the key", Bad: `{"cniVersion": «}»`, Good: `{"cniVersion": "1.0.0"}`},
	{Refuses: true, Source: jsonSource, ID: "json-bad-separator", Title: "another sign where a colon or a comma belongs", Doc: "= or => instead of a colon, ; instead of a comma, or one of the wide signs that input methods write.",
		Fix: "write a colon between key and value and a comma between members", Bad: `{"cniVersion" «=» "1.0.0"}`, Good: `{"cniVersion": "1.0.0"}`},
	{Refuses: true, Source: jsonSource, ID: "json-comment", Title: "a comment", Doc: "JSON has no comments, neither // nor /* */ nor #. `check --fix` deletes them.",
		Fix: "delete the comment", Bad: "{\n  «// the lab»\n  \"cniVersion\": \"1.0.0\"\n}", Good: "{\n  \"cniVersion\": \"1.0.0\"\n}"},
	{Refuses: true, Source: jsonSource, ID: "json-single-quotes", Title: "strings in single quotes", Doc: "JSON knows double quotes only. Python's repr and hand-written YAML produce the others.",
		Fix: `write " instead of '`, Bad: `{«'»cniVersion': '1.0.0'}`, Good: `{"cniVersion": "1.0.0"}`},
	{Refuses: true, Source: jsonSource, ID: "json-smart-quotes", Title: "typographic quotes", Doc: "A word processor, a chat or a web page has replaced the plain double quotes. `check --fix` puts them back.",
		Fix: `replace them by plain "`, Bad: `{"cniVersion": «“»1.0.0”}`, Good: `{"cniVersion": "1.0.0"}`},
	{Refuses: true, Source: jsonSource, ID: "json-unquoted-key", Title: "a key without double quotes", Doc: "A key stands bare, as JavaScript and YAML allow, or lacks its opening quote.",
		Fix: "put the key in double quotes", Bad: `{«cniVersion»: "1.0.0"}`, Good: `{"cniVersion": "1.0.0"}`},
	{Refuses: true, Source: jsonSource, ID: "json-unterminated-string", Title: "a string without its closing quote", Doc: "The string runs on into the text that follows, or to the end of its line. The parser complains far behind the quote that is missing.",
		Fix: "close the string where it ends", Bad: "{\"cniVersion\": «\"1.0.0»,\n\"name\": \"lab\"}", Good: "{\"cniVersion\": \"1.0.0\",\n\"name\": \"lab\"}"},
	{Refuses: true, Source: jsonSource, ID: "json-bad-literal", Title: "a bare word that is no JSON", Doc: "Only true, false, null and numbers stand without quotes. True, yes, None and NaN are of other languages; a string needs its quotes.",
		Fix: "quote it, or write true, false or null", Bad: `{"isGateway": «True»}`, Good: `{"isGateway": true}`},
	{Refuses: true, Source: jsonSource, ID: "json-bad-number", Title: "a number form that JSON does not have", Doc: "No leading zero, no plus sign, no hexadecimal, digits on both sides of the point.",
		Fix: "write a plain decimal number", Bad: `{"markMasqBit": «0x0d»}`, Good: `{"markMasqBit": 13}`},
	{Refuses: true, Source: jsonSource, ID: "json-control-char", Title: "a raw control character inside a string", Doc: "A tab or line break inside a string must be written as an escape, or does not belong there.",
		Fix: "delete it, or write its escape", Bad: "{\"name\": \"la«\t»b\"}", Good: `{"name": "lab"}`},
	{Refuses: true, Source: jsonSource, ID: "json-invisible-char", Title: "an invisible character between tokens", Doc: "A no-break space, a zero-width space or the like, copied from a web page or a chat. It looks like a space and is none. `check --fix` replaces it.",
		Fix: "type a plain space", Bad: "{\"name\":«\u00a0»\"lab\"}", Good: `{"name": "lab"}`},
	{Refuses: true, Source: jsonSource, ID: "json-unbalanced-bracket", Title: "a bracket that does not match", Doc: "A closing bracket is of the wrong kind, one is missing in the middle, or one is too many. Indentation and the count of the others tell which.",
		Fix: "close the brackets in the order in which they were opened", Bad: `{"plugins": [{"type": "bridge"}«}»}`, Good: `{"plugins": [{"type": "bridge"}]}`},
	{Refuses: true, Source: jsonSource, ID: "json-trailing-data", Title: "something follows the configuration", Doc: "After the closing bracket nothing may follow but white space: no second document, no end mark of a shell's here-document.",
		Fix: "delete what follows the closing bracket", Bad: "{\"name\": \"lab\"}\n«EOF»\n", Good: `{"name": "lab"}`},
	{Refuses: true, Source: jsonSource, ID: "json-merge-conflict", Title: "version-control conflict markers", Doc: "A merge was committed before its conflicts were settled.",
		Fix: "keep one of the two sides and delete the marker lines", Bad: "{\n«<<<<<<< HEAD»\n\"name\": \"lab\"\n=======\n\"name\": \"test\"\n>>>>>>> branch\n}", Good: `{"name": "lab"}`},
	{Refuses: true, Source: jsonSource, ID: "json-not-json", Title: "the file is of another format", Doc: "YAML, HTML, XML, a script or a program stands under a name that runtimes read as a network configuration.",
		Fix: "write the configuration in JSON, or give the file another extension", Bad: "«name: lab»\nplugins:\n- type: bridge\n", Good: `{"name": "lab", "plugins": [{"type": "bridge"}]}`},
	{Refuses: true, Source: jsonSource, ID: "encoding-bom", Title: "a byte order mark", Doc: "The file starts with the three bytes EF BB BF, as some editors on Windows write it; libcni does not skip them. `check --fix` deletes them.",
		Fix: "save it as UTF-8 without BOM", Bad: "«\ufeff»{\"name\": \"lab\"}", Good: `{"name": "lab"}`},
	{Refuses: true, Source: jsonSource, ID: "encoding-utf16", Title: "the file is UTF-16", Doc: "libcni reads UTF-8 only. PowerShell's redirection writes UTF-16.",
		Fix: "convert it with iconv -f UTF-16 -t UTF-8"},
	{Refuses: true, Source: jsonSource, ID: "encoding-nul-bytes", Title: "NUL bytes", Doc: "After a power failure a file system may know a file's length and have lost its content. Everything from the first NUL byte on is gone.",
		Fix: "write the file again, or restart the add-on that writes it", Bad: "{\"name\": \"lab\"}«\x00»\x00", Good: `{"name": "lab"}`},
	{Refuses: true, Source: jsonSource, ID: "encoding-invalid-utf8", Severity: diag.Warning, Title: "bytes that are no UTF-8", Doc: "Inside a string libcni replaces such a byte by U+FFFD without a word, so the plugin gets another value than the file holds. Between tokens it is an error.",
		Fix: "save the file as UTF-8", Bad: "{\"name\": \"l«\xe4»b\"}", Good: "{\"name\": \"läb\"}", Check: checkUTF8},
	{Refuses: true, Source: jsonSource, ID: "json-bad-escape", Title: "an escape that JSON does not have", Doc: `After a backslash JSON allows " \ / b f n r t and u with four digits. A Windows path needs its backslashes doubled; where its letters happen to be escapes, as in c:\new, the file loads and the path is another one (warning).`,
		Fix: `write \\ for a backslash, or use forward slashes`, Bad: `{"nodename_file": "c:«\C»alico"}`, Good: `{"nodename_file": "c:\\Calico"}`, Check: checkWindowsPath},
}

var _ = addAll(syntax[:])

// checkUTF8 reports the first bytes of a string that encoding/json replaces.
func checkUTF8(p *Pass) {
	if i := invalidUTF8(p.Text); i >= 0 {
		p.at(i, i+1, "", "the byte %#02x is no UTF-8; the plugin gets U+FFFD in its place", p.Text[i])
	}
}

func invalidUTF8(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// checkWindowsPath reports a path whose backslashes are escapes by chance.
func checkWindowsPath(p *Pass) {
	walk(p.Root, func(n *jsondoc.Node) {
		if n.Kind != jsondoc.String {
			return
		}
		if raw := n.Raw(); len(raw) < 6 || raw[2] != ':' || raw[3] != '\\' || raw[4] == '\\' || raw[4] == '/' {
			return
		}
		p.as(diag.Warning, n.Start+3, n.Start+5, "", "%s is a control character here, so the path is not what it looks like", n.Raw()[3:5])
	})
}

// walk calls f for a node and all inside it, in the order of the text.
func walk(n *jsondoc.Node, f func(*jsondoc.Node)) {
	f(n)
	for _, k := range n.Kids {
		walk(k, f)
	}
}
