package integration

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
)

// Attachments that nobody will ask for are listed, stay, and are deleted on request, through their own chain.
func TestStale(t *testing.T) {
	l := newLab(t)
	l.runtimeRuns()
	l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
	pod, kept := l.pod(), l.pod()
	conf := `{"cniVersion":"1.0.0","name":"k8s-pod-network","type":"cni-shim"}`
	for _, id := range []string{pod.ContainerID, kept.ContainerID} {
		if out, code := l.plugin("ADD", conf, "CNI_CONTAINERID="+id, "CNI_NETNS=/run/netns/"+id); code != 0 {
			t.Fatal(out)
		}
	}
	l.run("ip", "netns", "del", pod.ContainerID)
	l.write("10-bridge.conflist", "broken")
	tool := func(args ...string) string {
		out, _ := l.later(11*time.Minute, append([]string{shimPath}, args...)...)
		return out
	}
	want := "stale attachment: k8s-pod-network " + pod.ContainerID + " eth0 (remove it: cni-shim forget k8s-pod-network " + pod.ContainerID + " eth0)"
	for range 2 {
		if out := tool("status"); !strings.Contains(out, want) || strings.Contains(out, kept.ContainerID) {
			t.Errorf("status:\n%s", out)
		}
	}
	if n := len(l.leases("k8s-pod-network")); n != 4 {
		t.Errorf("%d addresses, want 4: nothing goes before it is asked for", n)
	}
	if out := tool("forget", "k8s-pod-network", pod.ContainerID, "eth0"); !strings.HasSuffix(out, "deleted\n") {
		t.Errorf("forget: %s", out)
	}
	if out := tool("status"); strings.Contains(out, "stale") || len(l.leases("k8s-pod-network")) != 2 {
		t.Errorf("status:\n%s", out)
	}
	if out, code := l.plugin("DEL", conf, "CNI_CONTAINERID="+kept.ContainerID, "CNI_NETNS="+kept.NetNS); code != 0 {
		t.Error(out)
	}
	l.run("ip", "link", "del", "cni0")
}

// GC removes what the runtime no longer lists, through the chain it was added with, and nothing where it lists nothing. What libcni
// still has in its cache is libcni's: it runs those DELs itself before GC.
func TestGC(t *testing.T) {
	l := newLab(t)
	l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
	outer := l.outer("k8s-pod-network", "")
	kept, gone := l.pod(), l.pod()
	gone.CapabilityArgs = nil
	if _, err := l.cni.AddNetworkList(l.ctx(), outer, kept); err != nil {
		t.Fatal(err)
	}
	if _, err := l.cni.AddNetworkList(l.ctx(), outer, gone); err != nil {
		t.Fatal(err)
	}
	l.write("10-bridge.conflist", strings.Replace(l.sample("chains/10-bridge.conflist"), "host-local", "static", 1))
	conf := func(list string) string {
		return `{"cniVersion":"1.1.0","name":"k8s-pod-network","type":"cni-shim","chain":"/etc/cni/net.d"` + list + `}`
	}
	for _, none := range []string{"", `,"cni.dev/valid-attachments":null`} {
		l.plugin("GC", conf(none))
		if n := len(l.leases("k8s-pod-network")); n != 4 {
			t.Fatalf("%d addresses after GC%s, want 4", n, none)
		}
	}
	for _, want := range []int{4, 2} {
		l.plugin("GC", conf(`,"cni.dev/valid-attachments":[{"containerID":"`+kept.ContainerID+`","ifname":"eth0"}]`))
		if n := len(l.leases("k8s-pod-network")); n != want {
			t.Errorf("%d addresses after GC, want %d", n, want)
		}
		_ = os.Remove(results + "/k8s-pod-network-" + gone.ContainerID + "-eth0")
	}
	if err := l.cni.DelNetworkList(l.ctx(), outer, kept); err != nil {
		t.Error(err)
	}
	if left := l.leases("k8s-pod-network"); len(left) != 0 {
		t.Errorf("host-local still holds %v", left)
	}
	l.run("ip", "link", "del", "cni0")
}

// GC spares an attachment whose ADD runs now, and gives a stored namespace's path to no plugin when another namespace is there by now.
func TestGCOfRunningAndReused(t *testing.T) {
	l := newLab(t)
	record := filepath.Join(t.TempDir(), "calls")
	conf := func(list string) string {
		return `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"rec0","record":"` + record + `"},{"type":"slow"}]}` + list + `}`
	}
	script := "#!/bin/sh\n" + versionAnswer + "[ $CNI_COMMAND = ADD ] || exit 0\n[ $CNI_CONTAINERID = running ] && { echo $$ >/run/slow.pid; sleep 60; }\necho '{\"cniVersion\":\"1.1.0\"}'\n"
	if err := os.WriteFile(binDir+"/slow", []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(binDir + "/slow")
	_ = os.Remove("/run/slow.pid")
	first, other := l.pod(), l.pod()
	path := filepath.Join(t.TempDir(), "ns") // a path that leads to another namespace later, as /proc/PID/ns/net may
	if err := os.Symlink(first.NetNS, path); err != nil {
		t.Fatal(err)
	}
	if out, code := l.plugin("ADD", conf(""), "CNI_CONTAINERID=reused", "CNI_NETNS="+path); code != 0 {
		t.Fatal(out)
	}
	_ = os.Remove(path)
	if err := os.Symlink(other.NetNS, path); err != nil {
		t.Fatal(err)
	}
	running := exec.Command(shimPath)
	running.Env = []string{"PATH=" + os.Getenv("PATH"), "CNI_COMMAND=ADD", "CNI_PATH=" + binDir, "CNI_CONTAINERID=running", "CNI_IFNAME=eth0", "CNI_NETNS=" + first.NetNS}
	running.Stdin = strings.NewReader(conf(""))
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = running.Process.Kill(); _ = running.Wait() }()
	l.pid("/run/slow.pid")
	if out, code := l.plugin("GC", conf(`,"cni.dev/valid-attachments":[]`)); code != 0 {
		t.Fatal(out)
	}
	b, _ := os.ReadFile(record)
	var deleted []string
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		var r recorded
		if json.Unmarshal([]byte(line), &r) == nil && verbOf(r.Env) == " DEL" {
			for _, v := range r.Env {
				if strings.HasPrefix(v, "CNI_CONTAINERID=") || strings.HasPrefix(v, "CNI_NETNS=") {
					deleted = append(deleted, v)
				}
			}
		}
	}
	slices.Sort(deleted)
	if want := []string{"CNI_CONTAINERID=reused", "CNI_NETNS="}; !slices.Equal(deleted, want) {
		t.Errorf("deleted %q, want %q", deleted, want)
	}
	if _, err := os.Stat(entries + "/lab/running@eth0"); err != nil {
		t.Error(err)
	}
}

// An attachment whose date lies in the future, since the clock was set back, is kept by GC where the runtime lists it or its namespace
// lives, and deleted else.
func TestGCAfterTheClockWasSetBack(t *testing.T) {
	l := newLab(t)
	record := filepath.Join(t.TempDir(), "calls")
	conf := func(more string) string {
		return `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"rec0","record":"` + record + `"}]}` + more + `}`
	}
	listed, lives, gone := l.pod(), l.pod(), l.pod()
	for _, pod := range []*libcni.RuntimeConf{listed, lives, gone} {
		if out, code := l.plugin("ADD", conf(""), "CNI_CONTAINERID="+pod.ContainerID, "CNI_NETNS="+pod.NetNS); code != 0 {
			t.Fatal(out)
		}
		path := entries + "/lab/" + pod.ContainerID + "@eth0"
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, regexp.MustCompile(`"created":"[^"]*"`).ReplaceAll(b, []byte(`"created":"2999-01-01T00:00:00Z"`)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l.run("ip", "netns", "del", listed.ContainerID)
	l.run("ip", "netns", "del", gone.ContainerID)
	if out, code := l.plugin("GC", conf(`,"cni.dev/valid-attachments":[{"containerID":"`+listed.ContainerID+`","ifname":"eth0"}]`)); code != 0 {
		t.Fatal(out)
	}
	for _, c := range []struct {
		pod  *libcni.RuntimeConf
		kept bool
	}{{listed, true}, {lives, true}, {gone, false}} {
		if kept := exists(entries + "/lab/" + c.pod.ContainerID + "@eth0"); kept != c.kept {
			t.Errorf("%s: kept %v", c.pod.ContainerID, kept)
		}
	}
	if got := l.calls(record); got != "rec0 ADD rec0 ADD rec0 ADD rec0 DEL rec0 GC" {
		t.Errorf("ran %q", got)
	}
}
