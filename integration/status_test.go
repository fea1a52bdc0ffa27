package integration

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// tool runs the binary by hand.
func (l *lab) tool(args ...string) (out string, code int) {
	l.Helper()
	c := exec.Command(shimPath, args...)
	c.Env = append(os.Environ(), "TZ=UTC")
	b, _ := c.CombinedOutput()
	return string(b), c.ProcessState.ExitCode()
}

// One screen tells what a node's admin would otherwise collect by hand: the verdict now, failures with their pods and evidence,
// addresses and who leaked them, what runs and since when.
func TestStatusScreen(t *testing.T) {
	l := newLab(t)
	l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
	outer, pod, gone := l.outer("k8s-pod-network", ""), l.pod(), l.pod()
	for _, p := range []string{pod.ContainerID, gone.ContainerID} {
		rt := *pod
		rt.ContainerID, rt.NetNS, rt.CapabilityArgs = p, "/run/netns/"+p, nil
		if _, err := l.cni.AddNetworkList(l.ctx(), outer, &rt); err != nil {
			t.Fatal(err)
		}
	}
	rt := *pod
	rt.IfName, rt.NetNS = "eth1", "/run/netns/none"
	_, _ = l.cni.AddNetworkList(l.ctx(), outer, &rt)

	// A container that went without a DEL, some time ago.
	l.run("ip", "netns", "del", gone.ContainerID)
	for _, a := range l.leases("k8s-pod-network") {
		path := filepath.Join("/var/lib/cni/networks/k8s-pod-network", a)
		if b, _ := os.ReadFile(path); strings.HasPrefix(string(b), gone.ContainerID) {
			old := time.Now().Add(-time.Hour)
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	out, code := l.tool("status")
	if code != 0 {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{
		"network ready for ", "  the chain can take pods\n",
		"LAST FAILURES\n  ADD bridge (1/2): ", "[NetnsGone]", ", pod default/web-" + pod.ContainerID, "    cure: ",
		"ATTACHMENTS\n  addresses of bridge by host-local: 4 taken, free for ", ", 2 leaked (the oldest is ",
		"attachments of k8s-pod-network: 3 stored",
		"CHAIN\n  k8s-pod-network, cniVersion 1.0.0, from /etc/cni/net.d/10-bridge.conflist\n  bridge        /opt/cni/bin/bridge      amd64",
		"10-bridge.conflist    the shim runs it", "CALLS\n", "TOTAL  FAILED  P50", "ADD failed: 1 NetnsGone",
	} {
		if !strings.Contains(strings.ReplaceAll(out, "arm64", "amd64"), want) {
			t.Errorf("no %q", want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
	var s struct {
		Now struct {
			Latency map[string]struct {
				P50Usec       int64
				SlowestPlugin string
			}
		}
	}
	out, _ = l.tool("status", "-o", "json")
	if err := json.Unmarshal([]byte(out), &s); err != nil || s.Now.Latency["ADD"].SlowestPlugin != "bridge" || s.Now.Latency["ADD"].P50Usec < 1000 {
		t.Errorf("%v: %+v", err, s)
	}

	// What is broken meanwhile is seen without any call.
	l.write("10-bridge.conflist", "{")
	out, code = l.tool("status")
	if code != 1 || !strings.HasPrefix(out, "network NOT READY [ConfigInvalid] for ") || !strings.Contains(out, "seen just now; the last call's answer was: ready") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	if out, code = l.tool("status", "-o", "npd"); code != 1 || len(out) > 80 || strings.Count(out, "\n") != 1 {
		t.Errorf("exit %d, %d bytes: %s", code, len(out), out)
	}
	l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
	for _, id := range []string{pod.ContainerID, gone.ContainerID} {
		_, _ = l.tool("forget", "k8s-pod-network", id, "eth0", "--force")
	}
	l.run("ip", "link", "del", "cni0")
}

// A call that hangs is on the screen with the plugin that it hangs in; a watch shows that it is over, and ends when asked to.
func TestStatusRunning(t *testing.T) {
	l := newLab(t)
	const end = "/run/sick.end"
	_ = os.Remove(end)
	path := l.plant("[ $CNI_COMMAND = ADD ] && { while [ ! -e " + end + " ]; do sleep 0.05; done; echo '{\"cniVersion\":\"1.1.0\"}'; }\nexit 0\n")
	done := make(chan string)
	netns := l.pod().NetNS
	go func() {
		c := exec.Command(shimPath)
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "CNI_COMMAND=ADD", path, "CNI_CONTAINERID=slow", "CNI_IFNAME=eth0", "CNI_NETNS=" + netns, "CNI_ARGS=K8S_POD_NAMESPACE=default;K8S_POD_NAME=web"}
		c.Stdin = strings.NewReader(strings.Replace(sickConf, "%s", "", 1))
		out, _ := c.CombinedOutput()
		done <- string(out)
	}()
	running := regexp.MustCompile(`RUNNING\n  ADD of pod default/web, network .*, sick \(1/1\) for [1-9]`)
	l.wait("a screen with the call that hangs", func() bool {
		out, _ := l.tool("status")
		return running.MatchString(out)
	})
	file := filepath.Join(t.TempDir(), "watched")
	watched, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer watched.Close()
	c := exec.Command(shimPath, "status", "--watch")
	c.Stdout = watched
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	screens := func() []string {
		b, _ := os.ReadFile(file)
		return strings.Split(string(b), "\nnetwork ")
	}
	l.wait("the first screen", func() bool { return running.MatchString(screens()[0]) })
	l.run("touch", end)
	if out := <-done; !strings.Contains(out, "cniVersion") {
		t.Errorf("ADD: %s", out)
	}
	l.wait("a screen without the call", func() bool { s := screens(); return !strings.Contains(s[len(s)-1], "RUNNING") })
	_ = c.Process.Signal(os.Interrupt)
	_ = c.Wait()
}

// A status file that somebody has damaged is set aside by the next call, once, and told; then the command reads what calls fold.
func TestStatusFileDamaged(t *testing.T) {
	conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim"}`
	for _, c := range []struct{ old, by string }{
		{`"failures": null`, `"failures": 5`}, {`"notes": null`, `"notes": [null, 7]`}, {`"total": 1`, `"total": -1`}, {`"total": 1`, `"total": 9223372036854775807`},
		{`"STATUS": {`, `"ADD": null, "STATUS": {`}, {`"chains": [`, `"chains": [null, `}, {`"chains": [`, `"chains": [[[`}, {`"version": 1`, `"version": 2`},
		{`"ready": true`, `"ready": "yes"`}, {`"folded":`, `"folded": {}, "was":`}, {`"buckets": [`, `"buckets": [-1, `}, {`"byReason": {}`, `"byReason": []`},
	} {
		t.Run(c.by, func(t *testing.T) {
			l := newLab(t)
			l.write("10-lab.conflist", goodChain)
			if out, code := l.plugin("STATUS", conf); code != 0 {
				t.Fatal(out)
			}
			b, err := os.ReadFile(statusFile)
			if err != nil || !strings.Contains(string(b), c.old) {
				t.Fatalf("%v: no %s in %s", err, c.old, b)
			}
			if err := os.WriteFile(statusFile, []byte(strings.Replace(string(b), c.old, c.by, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if out, code := l.plugin("STATUS", conf); code != 0 {
					t.Fatal(out)
				}
			}
			var file struct {
				Calls map[string]struct{ Total int }
				Notes []struct {
					Message string
					Count   int
				}
			}
			l.status(&file)
			if len(file.Notes) != 1 || file.Notes[0].Count != 1 || !strings.Contains(file.Notes[0].Message, "was set aside as "+statusFile+".bad") || file.Calls["STATUS"].Total != 3 {
				t.Errorf("%+v", file)
			}
			for _, form := range []string{"text", "json", "prom", "npd"} {
				out, err := exec.Command(shimPath, "status", "-o", form).CombinedOutput()
				if err != nil || strings.Contains(string(out), "goroutine") {
					t.Errorf("status -o %s: %v: %s", form, err, out)
				}
			}
		})
	}
}
