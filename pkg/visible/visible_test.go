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
	var b bytes.Buffer
	if n, err := NewWriter(&b, true).Write([]byte("\x1b[1mx\x1b[2J\x1b[0m")); n != 13 || err != nil || b.String() != "\x1b[1mx\\u001b[2J\x1b[0m" {
		t.Errorf("%d %v %q", n, err, b.String())
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
