package integration

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// members reads a bundle.
func (l *lab) members(path string) map[string]string {
	l.Helper()
	f, err := os.Open(path)
	if err != nil {
		l.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		l.Fatal(err)
	}
	members := map[string]string{}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			return members
		}
		if err != nil {
			l.Fatal(err)
		}
		b, err := io.ReadAll(t)
		if err != nil {
			l.Fatal(err)
		}
		if h.Mode != 0o600 {
			l.Errorf("%s: mode %o", h.Name, h.Mode)
		}
		members[strings.TrimPrefix(h.Name, "cni-shim-bundle/")] = string(b)
	}
}

// Support gets what it asks for, and no secret of the node: not from its configurations, whole or broken, not from the kubeconfigs
// beside them, and not from a log that repeats one.
func TestBundle(t *testing.T) {
	l := newLab(t)
	secrets := []string{"MARKER-one-line", "MARKER-next-line", "MARKER-in-array", "MARKER-broken", "MARKER-kubeconfig-token", "MARKER-kubeconfig-key", "MARKER-after-bearer"}
	l.write("10-bridge.conflist", strings.Replace(l.sample("chains/10-bridge.conflist"), `"isGateway": true,`,
		`"isGateway": true, "token": "MARKER-one-line", "password":
 "MARKER-next-line", "secrets": ["MARKER-in-array"],`, 1))
	l.write("20-broken.conflist", `{"name":"x","apiToken":"MARKER-broken",}`)
	l.write("calico-kubeconfig", "users:\n- user:\n    token: MARKER-kubeconfig-token\n    client-key-data: \"MARKER-kubeconfig-key\"\n")
	outer, pod := l.outer("k8s-pod-network", ""), l.pod()
	if _, err := l.cni.AddNetworkList(l.ctx(), outer, pod); err != nil {
		t.Fatal(err)
	}
	defer l.run("ip", "link", "del", "cni0")
	c := exec.Command("systemd-cat", "-t", "cni-shim")
	c.Stdin = strings.NewReader("it said MARKER-kubeconfig-token and MARKER-next-line; Authorization: Bearer MARKER-after-bearer\n")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l.journal(1, func(e entry) bool { return strings.HasPrefix(e.get("MESSAGE"), "it said") })

	file := filepath.Join(t.TempDir(), "node.tar.gz")
	listed, code := l.tool("bundle", "--dry-run")
	if _, err := os.Stat(file); code != 0 || err == nil {
		t.Errorf("--dry-run: exit %d, file %v", code, err)
	}
	out, code := l.tool("bundle", file)
	if code != 0 || !strings.Contains(out, file+": ") {
		t.Fatalf("exit %d: %s", code, out)
	}
	if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 || fi.Size() > 1<<20 {
		t.Errorf("%v %v", fi, err)
	}
	members := l.members(file)
	for name, text := range members {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("%s holds %s", name, s)
			}
		}
		if !strings.Contains(listed, name+" ") && name != "errors.txt" {
			t.Errorf("%s is not listed by --dry-run", name)
		}
	}
	for name, want := range map[string]string{
		"status.txt": "network ready", "status.json": `"verdict"`, "findings.txt": "20-broken.conflist:1:", "version.txt": "cni-shim ",
		"plugins.txt": "/opt/cni/bin/bridge ", "net.d/10-bridge.conflist": `"token": "***`, "net.d/20-broken.conflist": "apiToken", "net.d.txt": "calico-kubeconfig",
		"journal/cni-shim.txt": "it said *** and ***", "network/links.txt": "link cni0 ", "network/netfilter.txt": "CNI-",
		"ipam/networks.txt": pod.ContainerID, "ipam/results.txt": "k8s-pod-network-" + pod.ContainerID,
	} {
		if !strings.Contains(members[name], want) {
			t.Errorf("%s: no %q in\n%.2000s", name, want, members[name])
		}
	}
	if slices.ContainsFunc(l.names(members), func(n string) bool { return strings.Contains(n, "kubeconfig") }) {
		t.Errorf("a kubeconfig is in it: %v", l.names(members))
	}
	if out, code := l.tool("bundle", file); code != 2 || !strings.Contains(out, "file exists") {
		t.Errorf("over a file that is there: exit %d: %s", code, out)
	}

	// However much there is, a bundle is small enough to be sent.
	l.write("30-huge.conflist", `{"name":"`+strings.Repeat("x", 12<<20)+`"}`)
	if out, code = l.tool("bundle", file+"2"); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	total := 0
	for name, text := range l.members(file + "2") {
		if total += len(text); len(text) > 4<<20 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
	}
	if total > 48<<20 {
		t.Errorf("%d bytes", total)
	}
}

func (l *lab) names(m map[string]string) []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
