package visible

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"plain äöü 漢字 → ✓\n\tx": "plain äöü 漢字 → ✓\n\tx", "a\x1b[31mb": `a\u001b[31mb`, "a\rb": `a\u000db`, "a\u202eb": `a\u202eb`, "a\u2066b\u2069": `a\u2066b\u2069`,
		"\u200e\u200f\u061c": `\u200e\u200f\u061c`, "\u200b\ufeff\u00ad": `\u200b\ufeff\u00ad`, "a\U000e0041": `a\udb40\udc41`, "\u009b31m\u0085": `\u009b31m\u0085`,
		"\xff\xc3(": `\ufffd\ufffd(`, "\u2028\u2029\x7f\x00": `\u2028\u2029\u007f\u0000`, "�": "�", "\u3164\uffa0\u2060\ufe0f": `\u3164\uffa0\u2060\ufe0f`,
	} {
		if got := Text(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := Line("a\nb\tc"); got != `a\u000ab\u0009c` {
		t.Errorf("%q", got)
	}
}

// A writer lets pass what Paint adds and nothing else, and takes no escape back, whoever wrote it.
func TestWriter(t *testing.T) {
	for _, c := range []struct{ in, plain, colors string }{
		{"\x1b[1mx\x1b[2J\x1b[0m", `\u001b[1mx\u001b[2J\u001b[0m`, "\x1b[1mx\\u001b[2J\x1b[0m"},
		{Line("evil \x1b[H\x1b[2J hidden"), `evil \u001b[H\u001b[2J hidden`, `evil \u001b[H\u001b[2J hidden`},
		{`literal \u001b[H\u001b[2J \u001b[1;31m`, `literal \u001b[H\u001b[2J \u001b[1;31m`, `literal \u001b[H\u001b[2J \u001b[1;31m`},
		{Paint("1;31", "a \x1b[1;31m \\u001b[0m\n"), `\u001b[1;31ma \u001b[1;31m \u001b[0m\u000a\u001b[0m`, "\x1b[1;31ma \\u001b[1;31m \\u001b[0m\\u000a\x1b[0m"},
		{Clear + "\x1b[7m\x1b[1;31", `\u001b[H\u001b[2J\u001b[7m\u001b[1;31`, `\u001b[H\u001b[2J\u001b[7m\u001b[1;31`},
		{"ä\x1b[31m\u202e\x1b[0m\x1b[1m", `ä\u001b[31m\u202e\u001b[0m\u001b[1m`, "ä\x1b[31m\\u202e\x1b[0m\x1b[1m"},
		{"plain\n\t", "plain\n\t", "plain\n\t"}, {"", "", ""},
	} {
		for colors, want := range map[bool]string{false: c.plain, true: c.colors} {
			var b bytes.Buffer
			if n, err := NewWriter(&b, colors).Write([]byte(c.in)); n != len(c.in) || err != nil || b.String() != want {
				t.Errorf("%q, colours %v: %d %v\ngot  %q\nwant %q", c.in, colors, n, err, b.String(), want)
			}
		}
	}
}

// Whatever comes in, what comes out is valid and has nothing that is hidden; as JSON it means what it meant; twice is once.
func FuzzText(f *testing.F) {
	f.Add("a\u202eb\U000e0041\x1b\xff\"\\\n")
	f.Fuzz(func(t *testing.T, s string) {
		got := Line(s)
		if !utf8.ValidString(got) || Line(got) != got || Text(Text(s)) != Text(s) {
			t.Fatalf("%q became %q", s, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Variation_Selector, r) ||
				unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) {
				t.Fatalf("%q became %q with %U", s, got, r)
			}
		}
		document, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var before, after string
		if json.Unmarshal(document, &before) != nil || json.Unmarshal(Bytes(document), &after) != nil || before != after {
			t.Fatalf("%q became %q", before, after)
		}
	})
}
