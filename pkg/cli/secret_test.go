package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// No output of check holds a secret of the file, whatever is wrong with it, before it, behind it or in it.
func TestSecretsStay(t *testing.T) {
	const marker = "hunter2"
	faults := map[string]string{ // %[1]s the key, %[2]s the secret
		"none":              `{"%[1]s": "%[2]s"}`,
		"unclosed":          "{\"%[1]s\": \"%[2]s,\n \"mtu\": 1}",
		"unclosed at end":   `{"%[1]s": "%[2]s`,
		"unclosed, braces":  `{"%[1]s": "%[2]s}]}`,
		"line break":        "{\"%[1]s\": \"a\n%[2]s\", \"mtu\": 1}",
		"tab":               "{\"%[1]s\": \"a\t%[2]s\", \"mtu\": 1}",
		"escape":            `{"%[1]s": "%[2]s\q%[2]s", "mtu": 1}`,
		"unquoted":          `{"%[1]s": %[2]s, "mtu": 1}`,
		"unquoted words":    `{"%[1]s": a b %[2]s, "mtu": 1}`,
		"half quoted":       `{"%[1]s": %[2]s", "mtu": 1}`,
		"single quotes":     `{'%[1]s': '%[2]s', "mtu": 1}`,
		"smart quotes":      "{“%[1]s”: “%[2]s”, \"mtu\": 1}",
		"half smart":        "{\"%[1]s\": “%[2]s\", \"mtu\": 1}",
		"no comma":          `{"%[1]s": "%[2]s" "mtu": 1}`,
		"no comma, word":    `{"%[1]s": "%[2]s" mtu: 1}`,
		"trailing comma":    `{"%[1]s": "%[2]s",}`,
		"two commas":        `{"%[1]s": "%[2]s",, "mtu": 1}`,
		"no colon":          `{"%[1]s" "%[2]s", "mtu": 1}`,
		"equals":            `{"%[1]s" = "%[2]s", "mtu": 1}`,
		"two colons":        `{"%[1]s":: "%[2]s", "mtu": 1}`,
		"semicolon":         `{"%[1]s": "%[2]s"; "mtu": 1}`,
		"comment":           "{\"%[1]s\": \"%[2]s\" // why\n}",
		"secret in comment": "{\"mtu\": 1 // \"%[1]s\": \"%[2]s\"\n}",
		"key half quoted":   `{%[1]s": "%[2]s", "mtu": 1}`,
		"key not closed":    `{"%[1]s: "%[2]s", "mtu": 1}`,
		"key not quoted":    `{%[1]s: "%[2]s", "mtu": 1}`,
		"bracket":           `{"%[1]s": "%[2]s"]}`,
		"missing bracket":   `{"plugins": [{"%[1]s": "%[2]s"], "mtu": 1}`,
		"array":             `{"%[1]s": ["%[2]s" "%[2]s"], "mtu": 1}`,
		"object":            `{"%[1]s": {"value": "%[2]s" "x": 1}, "mtu": 1}`,
		"trailing data":     `{"mtu": 1} "%[1]s": "%[2]s"`,
		"template":          `{"%[1]s": "${%[2]s}", "mtu": 1}`,
		"template bare":     `{"%[1]s": {{ %[2]s }}, "mtu": 1}`,
		"NUL":               "{\"%[1]s\": \"%[2]s\x00\", \"mtu\": 1}",
		"UTF-8":             "{\"%[1]s\": \"%[2]s\xff\", \"mtu\": 1}",
		"BOM":               "\ufeff{\"%[1]s\": \"%[2]s\", \"mtu\": 1}",
		"next line":         "{\"%[1]s\":\n\"%[2]s\",}",
		"second document":   `{"mtu": 1}{"%[1]s": "%[2]s"}`,
		"duplicate":         `{"%[1]s": "x", "%[1]s": "%[2]s", "plugins": [{"mtuu": 1}]}`,
		"yaml":              "%[1]s: %[2]s\nmtu: 1\n",
		"manifest":          "kind: ConfigMap\ndata:\n  cni-config: |\n    {\"%[1]s\": \"%[2]s\",}\n",
		"json manifest":     `{"kind": "ConfigMap", "data": {"cni-config": "{\"%[1]s\": \"%[2]s\",}"}}`,
	}
	dir := t.TempDir()
	for _, key := range []string{"token", "password", "secretKey", "private-key", "passphrase", "Authorization", "credentials", "accessKey", "client-key-data", "certificate-authority-data"} {
		for name, text := range faults {
			path := filepath.Join(dir, "10-a.conflist")
			if err := os.WriteFile(path, fmt.Appendf(nil, text, key, marker), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"check", path}, {"check", "-o", "json", path}, {"check", "-o", "sarif", path}, {"check", "-o", "github", dir}, {"check", "--fix", "--dry-run", path}} {
				var out strings.Builder
				Main(&Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }}, args)
				if strings.Contains(out.String(), marker) {
					t.Errorf("%s, %s, %v:\n%s", name, key, args[1:], out.String())
				}
			}
		}
	}
}
