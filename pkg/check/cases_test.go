package check

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/cases.txt")

// testdata/cases.txt holds configurations as people write them, each with what is found: a line with a remark, one with
// the file's name and its text in quotes, then the findings. Read what changes before you run with -update.
func TestCases(t *testing.T) {
	const path = "testdata/cases.txt"
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	cases := 0
	for _, c := range strings.Split(strings.TrimSpace(string(old)), "\n\n") {
		lines := strings.SplitN(c, "\n", 3)
		file, quoted, _ := strings.Cut(lines[1], " ")
		text, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatalf("%s: %v", lines[0], err)
		}
		var want, got string
		if len(lines) == 3 {
			want = lines[2] + "\n"
		}
		for _, d := range Text(file, []byte(text)).List {
			refused := ""
			if d.Refused {
				refused = " refused"
			}
			got += fmt.Sprintf("%d:%d %s [%s]%s %s\n", d.Line, d.Column, d.Severity, d.Rule, refused, d.Message)
		}
		if got != want && !*update {
			t.Errorf("%s\n%s\ngot\n%swant\n%s", lines[0], text, got, want)
		}
		fmt.Fprintf(&b, "%s\n%s\n%s\n", lines[0], lines[1], got)
		cases++
	}
	if cases < 150 {
		t.Errorf("only %d cases", cases)
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.TrimSuffix(b.String(), "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
