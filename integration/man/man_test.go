// Package man makes the manual pages in conf/man from the command line itself. It stands in this module, so that the generator is
// linked into no binary.
package man

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/cni-shim/cni-shim/pkg/cli"
)

var update = flag.Bool("update", false, "write the pages")

const dir = "../../conf/man"

// The pages are those of the commands as they are: `make man` writes them.
func TestManPages(t *testing.T) {
	env := &cli.Env{Stdin: strings.NewReader(""), Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Getenv: func(string) string { return "" }}
	root := cli.New(env)
	root.DisableAutoGenTag = true
	root.InitDefaultCompletionCmd()
	made := t.TempDir()
	write(t, root, made)
	want, err := filepath.Glob(made + "/*.1")
	if err != nil || len(want) < 5 {
		t.Fatalf("%v: %v", want, err)
	}
	if *update {
		old, _ := filepath.Glob(dir + "/*.1")
		for _, path := range old {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		for _, path := range want {
			text, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, filepath.Base(path)), text, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	have, _ := filepath.Glob(dir + "/*.1")
	if len(have) != len(want) {
		t.Errorf("%d pages of %d commands: make man", len(have), len(want))
	}
	for _, path := range want {
		made, _ := os.ReadFile(path)
		kept, err := os.ReadFile(filepath.Join(dir, filepath.Base(path)))
		if err != nil || !bytes.Equal(made, kept) {
			t.Errorf("%s is not what the command says of itself (%v): make man", filepath.Base(path), err)
		}
	}
}

// write makes the page of a command and of those below it.
func write(t *testing.T, c *cobra.Command, to string) {
	t.Helper()
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			write(t, sub, to)
		}
	}
	if c.HasParent() && c.Parent().Name() == "completion" {
		return // one page for all shells
	}
	var page bytes.Buffer
	if err := doc.GenMan(c, &doc.GenManHeader{Section: "1", Source: "cni-shim", Manual: "cni-shim"}, &page); err != nil {
		t.Fatal(err)
	}
	// No date: it would be that of the day on which the page was made.
	text := regexp.MustCompile(`(?m)^(\.TH "[^"]*" "1") "[^"]*"`).ReplaceAll(page.Bytes(), []byte(`$1 ""`))
	if err := os.WriteFile(filepath.Join(to, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"), text, 0o644); err != nil {
		t.Fatal(err)
	}
}
