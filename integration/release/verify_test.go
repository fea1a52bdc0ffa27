package release

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestVerification gives install.sh a program and a SHA256SUMS of every sort. It runs no program that it could not verify, unless it is
// told to, and none that does not match.
func TestVerification(t *testing.T) {
	const name, program = "cni-shim-linux-amd64", "#!/bin/sh\necho \"ran $1\"\n"
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(program)))
	other := strings.Repeat("0", 64)
	for what, c := range map[string]struct {
		sums string // "-": none
		says string // "": it installs
		stop bool   // also with --without-verification
		tool bool   // there is no program for checksums
	}{
		"right":                        {sums: sum + "  " + name + "\n"},
		"among others":                 {sums: other + "  x\n" + sum + "  " + name + "\n" + other + "  " + name + ".deb\n"},
		"binary mark":                  {sums: sum + " *" + name + "\n"},
		"relative":                     {sums: sum + "  ./" + name + "\n"},
		"CRLF":                         {sums: other + "  x\r\n" + sum + "  " + name + "\r\n"},
		"capitals":                     {sums: strings.ToUpper(sum) + "  " + name + "\n"},
		"no line break":                {sums: sum + "  " + name},
		"twice the same":               {sums: sum + "  " + name + "\n" + sum + " *" + name + "\n"},
		"none":                         {sums: "-", says: "there is no SHA256SUMS beside it"},
		"empty":                        {sums: "", says: "does not name it"},
		"lacks the name":               {sums: sum + "  cni-shim\n", says: "does not name it"},
		"name as a part":               {sums: sum + "  old " + name + "\n" + sum + "  " + name + ".old\n", says: "does not name it"},
		"other directory":              {sums: sum + "  other/" + name + "\n", says: "does not name it"},
		"no checksum":                  {sums: "abc  " + name + "\n", says: "does not name it"},
		"an HTML page":                 {sums: "<html>Not Found " + name + "</html>\n", says: "does not name it"},
		"wrong":                        {sums: other + "  " + name + "\n", says: "and SHA256SUMS says " + other, stop: true},
		"wrong, CRLF":                  {sums: other + " *./" + name + "\r\n", says: "and SHA256SUMS says " + other, stop: true},
		"twice, different":             {sums: sum + "  " + name + "\n" + other + "  " + name + "\n", says: "with different checksums", stop: true},
		"no program for checksums":     {sums: sum + "  " + name + "\n", says: "neither sha256sum nor shasum nor openssl", tool: true},
		"none, and no such program":    {sums: "-", says: "there is no SHA256SUMS beside it", tool: true},
		"wrong, and a directory of it": {sums: "/", says: "there is no SHA256SUMS beside it"},
	} {
		dir := t.TempDir()
		run(t, ".", "cp", top+"/install.sh", dir)
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(program), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch c.sums {
		case "-":
		case "/":
			err = os.Mkdir(filepath.Join(dir, "SHA256SUMS"), 0o755)
		default:
			err = os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(c.sums), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		tools := os.Getenv("PATH")
		if c.tool {
			tools = onlyTools(t)
		}
		install := func(args ...string) (string, bool) {
			x := exec.Command("/bin/sh", append([]string{filepath.Join(dir, "install.sh"), "--binary", path, "--dry-run"}, args...)...)
			x.Env = []string{"PATH=" + tools}
			out, err := x.CombinedOutput()
			return string(out), err == nil
		}
		out, ok := install()
		if ok != (c.says == "") || ok != strings.Contains(out, "ran install\n") || !strings.Contains(out, c.says) {
			t.Errorf("%s: %v\n%s", what, ok, out)
		}
		if !ok && !c.stop && !strings.Contains(out, "--without-verification") {
			t.Errorf("%s: it does not say how to go on\n%s", what, out)
		}
		out, ok = install("--without-verification")
		if ok == c.stop || ok != strings.Contains(out, "ran install\n") || !strings.Contains(out, c.says) {
			t.Errorf("%s, --without-verification: %v\n%s", what, ok, out)
		}
	}
}

// onlyTools is a PATH with what install.sh needs, and nothing that computes checksums.
func onlyTools(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"awk", "basename", "cat", "cut", "dirname", "id", "mktemp", "rm", "tr", "uname"} {
		at, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(at, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
