package integration

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

const readme = "../README.md"

// The terminal pictures in the README are real runs, on a node whose configuration has a comma too many and on the same node without
// it: `make readme` renders them. Times, ages and addresses that the kernel makes up differ from run to run.
func TestReadme(t *testing.T) {
	l := newLab(t)
	good := `{
  "cniVersion": "1.0.0",
  "name": "k8s-pod-network",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "cni0",
      "isGateway": true,
      "ipMasq": true,
      "ipam": {
        "type": "host-local",
        "ranges": [[{ "subnet": "10.244.0.0/24" }]],
        "routes": [{ "dst": "0.0.0.0/0" }]
      }
    },
    { "type": "portmap", "capabilities": { "portMappings": true } }
  ]
}
`
	l.write("10-bridge.conflist", good)
	outer, pod := l.outer("k8s-pod-network", ""), l.pod()
	pod.Args[2][1] = "cart-0" // K8S_POD_NAME
	if _, err := l.cni.AddNetworkList(l.ctx(), outer, pod); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = l.cni.DelNetworkList(l.ctx(), outer, pod)
		l.run("ip", "link", "del", "cni0")
	}()
	if err := l.cni.CheckNetworkList(l.ctx(), outer, pod); err != nil {
		t.Fatal(err)
	}
	picture := func(args ...string) string {
		out, _ := l.tool(args...)
		return "```console\n# cni-shim " + strings.Join(args, " ") + "\n" + out + "```\n"
	}
	l.settled()
	healthy := picture("status") + "\n" + picture("probe")
	time.Sleep(1100 * time.Millisecond) // so that the picture shows how long
	l.write("10-bridge.conflist", strings.Replace(good, `"dst": "0.0.0.0/0" }]`, `"dst": "0.0.0.0/0" }],`, 1))
	_, _ = l.cni.AddNetworkList(l.ctx(), outer, pod)
	time.Sleep(1100 * time.Millisecond)
	broken := picture("check") + "\n" + picture("status") + "\n" + picture("probe")
	l.write("10-bridge.conflist", good)
	broken += "\n" + "Another node, whose plugin for ports was not installed:\n\n"
	l.run("sh", "-c", "mkdir /opt/cni/aside && for f in "+binDir+"/*; do case $f in */bridge|*/cni-shim|*/host-local|*/loopback) ;; *) mv $f /opt/cni/aside;; esac; done")
	broken += picture("probe")
	l.run("sh", "-c", "mv /opt/cni/aside/* "+binDir+" && rmdir /opt/cni/aside")

	b, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for name, want := range map[string]string{"healthy": healthy, "broken": broken} {
		begin, end := fmt.Sprintf("<!-- %s: written by make readme -->\n", name), fmt.Sprintf("<!-- end of %s -->\n", name)
		before, rest, ok := strings.Cut(text, begin)
		have, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("README.md has no place for %s", name)
		}
		if *update {
			text = before + begin + want + end + after
		} else if steady(have) != steady(want) {
			t.Errorf("README.md shows of a %s node\n%s\nand it is\n%s\nmake readme", name, steady(have), steady(want))
		}
	}
	if *update {
		if err := os.WriteFile(readme, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// steady takes out of a picture what differs from run to run.
func steady(s string) string {
	for _, r := range [][2]string{
		{`\b[0-9.]+(µs|ms|s)\b|\b[0-9]+m[0-9]+s\b`, "T"},
		{`\b[0-9]{2}:[0-9]{2}:[0-9]{2}\b`, "TIME"},
		{`\bfe80::[0-9a-f:]+/64`, "LINK-LOCAL"},
		{`\b(amd64|arm64)\b`, "CPU"},
		{` +`, " "},
		{`ago (bridge|portmap) `, "ago PLUGIN "}, // whichever took longer
	} {
		s = regexp.MustCompile(r[0]).ReplaceAllString(s, r[1])
	}
	return s
}
