package bundle

import (
	"strings"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/secret"
)

// A value that stood behind a secret's key is hidden wherever it comes back; what is no secret stays.
func TestMask(t *testing.T) {
	m := &secret.Known{}
	m.Learn([]byte(`{"plugins":[{"token":"s3cret-one","mtu":1500,"credentials":{"user":"admin-name","list":["s3cret-two"]},"kubeconfigPath":"/etc/x"}]}`))
	m.Learn([]byte("users:\n- user:\n    token: s3cret-three\n    client-key-data: 'c2VjcmV0LWZvdXI='\n    username: plain\n"))
	m.Learn([]byte(`{"password":"s3cret-five",`)) // broken, and read by lines
	text := "s3cret-one s3cret-two s3cret-three c2VjcmV0LWZvdXI= s3cret-five /etc/x plain 1500"
	if got, want := m.Mask(text), "*** *** *** *** *** /etc/x plain 1500"; got != want {
		t.Errorf("%q", got)
	}
	if got := string(m.Bytes([]byte("a\n\"apiKey_token\": \"short\"\n"))); strings.Contains(got, "short") {
		t.Errorf("%q", got)
	}
}

// What is cut keeps its end and says so.
func TestCut(t *testing.T) {
	b := cut([]byte(strings.Repeat("x", 100)+"end"), 60)
	if len(b) != 60 || !strings.HasSuffix(string(b), "end") || !strings.HasPrefix(string(b), "[… ") {
		t.Errorf("%d bytes: %q", len(b), b)
	}
	if cut([]byte("a"), 0) != nil || string(cut([]byte("a"), 1)) != "a" {
		t.Error("a short text")
	}
}

// Of a daemon's journal only what is about the network is taken.
func TestAbout(t *testing.T) {
	if got := string(about([]byte("pulling image\nRunPodSandbox failed\nCNI failed\n"))); got != "RunPodSandbox failed\nCNI failed\n" {
		t.Errorf("%q", got)
	}
}
