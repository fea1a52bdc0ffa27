package integration

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The spec bounds neither a container's id nor a network's name. With plugins that make no file of them, both work at any length, and
// the chain of the ADD is kept: DEL and CHECK run it although the configuration is another by then.
func TestLongNames(t *testing.T) {
	for _, n := range []int{64, 240, 250, 251, 255, 256, 4096, 100_000} {
		for _, of := range []string{"id", "network"} {
			t.Run(fmt.Sprintf("%s of %d bytes", of, n), func(t *testing.T) {
				l := newLab(t)
				network, id := "lab", strings.Repeat("x", n)
				if of == "network" {
					network, id = id, "c1"
				}
				record := filepath.Join(t.TempDir(), "calls")
				conf := func(plugin string) string {
					return `{"cniVersion":"1.0.0","name":"` + network + `","type":"cni-shim","chain":{"plugins":[{"type":"` + plugin + `","record":"` + record + `"}]}}`
				}
				env := []string{"CNI_CONTAINERID=" + id, "CNI_NETNS=" + l.pod().NetNS}
				for _, call := range []struct{ verb, plugin string }{{"ADD", "rec0"}, {"CHECK", "rec1"}, {"DEL", "rec1"}} {
					if out, code := l.plugin(call.verb, conf(call.plugin), env...); code != 0 {
						t.Fatalf("%s: exit %d: %.300s", call.verb, code, out)
					}
				}
				b, _ := os.ReadFile(record)
				if strings.Count(string(b), "\n") != 3 || strings.Contains(string(b), `rec1"`) {
					t.Errorf("not the three calls of the chain that was added: %.1000s", b)
				}
				_ = filepath.WalkDir(stateDir, func(path string, d fs.DirEntry, err error) error {
					if err == nil && !d.IsDir() {
						t.Errorf("left: %s", path)
					}
					return nil
				})
				var file struct {
					Calls map[string]struct{ Total, Failed int }
				}
				l.status(&file)
				for _, verb := range []string{"ADD", "CHECK", "DEL"} {
					if c := file.Calls[verb]; c.Total != 1 || c.Failed != 0 {
						t.Errorf("status file: %s: %+v", verb, c)
					}
				}
			})
		}
	}
}

// An ADD into the host's own network namespace fails and is not undone: DEL of the bridge plugin would take the node's own interface
// of that name away.
func TestHostNamespaceIsLeftAlone(t *testing.T) {
	l := newLab(t)
	l.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "uplink")
	t.Cleanup(func() { l.run("ip", "link", "del", "eth0") })
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[`+plainBridge+`]}`)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "lab1").Run() })
	out, code := l.plugin("ADD", `{"cniVersion":"1.0.0","name":"lab","type":"cni-shim"}`, "CNI_NETNS=/proc/self/ns/net")
	if code != 1 || !strings.Contains(out, "CNI_NETNS is the host's own network namespace") {
		t.Errorf("exit %d: %s", code, out)
	}
	if !l.hasInterface("/proc/self/ns/net", "eth0") {
		t.Fatal("the node has lost its interface")
	}
	l.said("the failed ADD is not undone: its namespace is the host's own")
}
