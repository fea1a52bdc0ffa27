package evidence

import (
	"context"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/cni-shim/cni-shim/pkg/failure"
)

// The law: whatever a plugin says and its kubeconfig holds, what is looked for is bounded, and each fact is one line.
func FuzzText(f *testing.F) {
	f.Add("stat:/var/run/x: dial unix:///run/a.sock 127.0.0.1:6443 [::1]:99999 localhost:", "server: https://a:1\ntoken: a.e30.c\n")
	f.Add("/a/../../b, \"/c\x1b\"", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
	f.Add("", "{\"client-certificate-data\": \"MIIB\", \"server\":")
	f.Fuzz(func(t *testing.T, said, file string) {
		l := newLook(context.Background(), time.Hour, &failure.Facts{Msg: said}, Input{Root: t.TempDir()})
		if paths := l.pathsIn(func(string) bool { return true }); len(paths) > 8 {
			t.Fatalf("%q", paths)
		}
		for _, port := range localPorts(said) {
			if port < 1 || port > 65535 {
				t.Fatalf("port %d", port)
			}
		}
		for _, key := range []string{"server", "token", "client-certificate-data"} {
			if v := field(file, key); strings.ContainsAny(v, "\"' \t\r\n,}]") || !strings.Contains(file, v) {
				t.Fatalf("%s: %q", key, v)
			}
		}
		blocks := pemBlocks(file)
		if len(blocks) > 4 {
			t.Fatalf("%d certificates", len(blocks))
		}
		for _, der := range append(blocks, []byte(file)) {
			_, _, _ = validity(der)
		}
		stateFile(l)
		for _, fact := range l.end() {
			if strings.ContainsFunc(fact.Text, unicode.IsControl) || len(fact.Text) > maxText+8 {
				t.Fatalf("%q", fact.Text)
			}
		}
	})
}
