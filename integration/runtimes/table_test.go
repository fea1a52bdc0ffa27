package runtimes

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const docs = "../../docs/situations.md"

// header is what stands before the table.
const header = `# What an admin reads from a runtime, without the shim and with it

Written by ` + "`make test-runtimes UPDATE=-update`" + ` from runs with containerd 2.4 (and 1.6 where the table says so), crictl 1.36, runc and the
reference plugins; the tests compare every run with it. Container IDs and durations are left out. "NetworkReady" is the message of
the runtime's condition, which kubelet copies into the node's Ready condition; what ` + "`crictl runp`" + ` says is the text of the pod's event.

**+** the node does more with the shim, or the admin is told cause and place only with it; **=** no difference that counts.

| case | asked | without the shim | with it |
|---|---|---|---|
`

// rows are a situation's rows of the table.
func rows(s *situation, better string, without, with []row) string {
	mark := "="
	if better != "" {
		mark = "+"
	}
	var b strings.Builder
	for i := range min(len(without), len(with)) {
		title := ""
		if i == 0 {
			title = fmt.Sprintf("**%s** %s", mark, s.title)
		}
		w := cell(with[i].Answer)
		if with[i] == without[i] {
			w = "the same"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", title, with[i].What, cell(without[i].Answer), w)
	}
	if s.keeps != "" {
		fmt.Fprintf(&b, "| | | | the shim remembers the attachment: %s |\n", s.keeps)
	}
	return b.String()
}

// cell is an answer in a cell of the table: words of our own as they are, sentences of programs as code.
func cell(answer string) string {
	if len(answer) < 40 && !strings.ContainsAny(answer, `":/`) {
		return answer
	}
	lines := strings.Split(answer, "\n")
	for i, l := range lines {
		lines[i] = "`" + strings.NewReplacer("|", `\|`, "`", "'").Replace(l) + "`"
	}
	return strings.Join(lines, "<br>")
}

// compare holds the committed table to what was run: all of it, or the rows of those situations that were.
func compare(t *testing.T, table []string, all bool) {
	if *update {
		if !all {
			t.Error("-update needs all situations to have run")
			return
		}
		if err := os.WriteFile(docs, []byte(header+strings.Join(table, "")), 0o644); err != nil {
			t.Error(err)
		}
		return
	}
	b, err := os.ReadFile(docs)
	if err != nil {
		t.Error(err)
		return
	}
	for _, rows := range table {
		if !strings.Contains(string(b), rows) {
			t.Errorf("not in %s, run again with -update:\n%s", docs, rows)
		}
	}
	if want := header + strings.Join(table, ""); all && string(b) != want {
		t.Errorf("%s has more than what was run, or another order", docs)
	}
}
