package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
)

const againChain = `{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"bridge","bridge":"lab0","isGateway":true,"ipam":{"type":"host-local","subnet":"10.9.0.0/24"}}]}`

// again is a lab with a bridge chain, a pod that is up, and what is compared of it.
type again struct {
	*lab
	outer *libcni.NetworkConfigList
	pod   *libcni.RuntimeConf
	file  string // of its entry
}

func newAgain(t *testing.T) *again {
	l := newLab(t)
	l.write("10-lab.conflist", againChain)
	a := &again{lab: l, outer: l.outer("lab", ""), pod: l.pod()}
	a.pod.CapabilityArgs = nil
	a.file = entries + "/lab/" + a.pod.ContainerID + "@eth0"
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "lab0").Run() })
	return a
}

// add runs ADD with environment of its own through the shim, and natively where native.
func (a *again) add(native bool, env ...string) (msg string, code int) {
	a.Helper()
	conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":"/etc/cni/net.d"}`
	env = append([]string{"CNI_CONTAINERID=" + a.pod.ContainerID, "CNI_NETNS=" + a.pod.NetNS}, env...)
	var out string
	if native {
		c := exec.Command(binDir + "/bridge")
		c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "CNI_COMMAND=ADD", "CNI_PATH=" + binDir, "CNI_IFNAME=eth0"}, env...)
		c.Stdin = strings.NewReader(`{"cniVersion":"1.1.0","name":"lab","type":"bridge","bridge":"lab0","isGateway":true,"ipam":{"type":"host-local","subnet":"10.9.0.0/24"}}`)
		b, _ := c.Output()
		out, code = string(b), c.ProcessState.ExitCode()
	} else {
		out, code = a.plugin("ADD", conf, env...)
	}
	var e types.Error
	_ = json.Unmarshal([]byte(out), &e)
	return regexp.MustCompile(`"veth\w+"`).ReplaceAllString(e.Msg, "VETH"), code // a random name
}

// up fails where the pod's network is not as its ADD left it: interface, address that nobody else gets, gateway that answers.
func (a *again) up(lease, entry string) {
	a.Helper()
	if got := strings.Join(a.leases("lab"), " "); !strings.Contains(got, lease) {
		a.Errorf("leases %q, the pod's %q is gone", got, lease)
	}
	if b, _ := os.ReadFile(a.file); entry != "" && string(b) != entry {
		a.Errorf("the entry is another:\n%s\nwas\n%s", b, entry)
	}
	out, err := exec.Command("ip", "-n", a.pod.ContainerID, "-4", "-o", "addr", "show", "eth0").CombinedOutput()
	if err != nil || !strings.Contains(string(out), lease+"/") {
		a.Errorf("the pod's interface: %v: %s", err, out)
	}
}

// A second ADD of a pod that is up fails as it does natively, and harms nothing: in the same namespace, in another, when the chain
// was edited meanwhile, and for a pod that is older than the shim.
func TestSecondAdd(t *testing.T) {
	for name, how := range map[string]struct {
		older bool // the pod was added without the shim
		env   func(a *again) []string
		fails bool
	}{
		"same namespace":        {false, func(*again) []string { return nil }, true},
		"older than the shim":   {true, func(*again) []string { return nil }, true},
		"another interface's":   {false, func(a *again) []string { return []string{"CNI_NETNS=" + a.lab.pod().NetNS} }, true},
		"namespace that is not": {false, func(*again) []string { return []string{"CNI_NETNS=/run/netns/none"} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAgain(t)
			list := a.outer
			if how.older {
				list = a.load("10-lab.conflist")
			}
			if _, err := a.cni.AddNetworkList(a.ctx(), list, a.pod); err != nil {
				t.Fatal(err)
			}
			lease := a.leases("lab")[0]
			had, _ := os.ReadFile(a.file)
			native, nativeCode := a.add(true, how.env(a)...)
			shimmed, code := a.add(false, how.env(a)...)
			if again, _ := a.add(false, how.env(a)...); again != shimmed {
				t.Errorf("then %q", again)
			}
			if code != nativeCode || code != 1 || !strings.Contains(shimmed, native) {
				t.Errorf("exit %d, %q; natively %d, %q", code, shimmed, nativeCode, native)
			}
			a.up(lease, string(had))
			if !how.older {
				a.journal(1, func(e entry) bool {
					return strings.HasPrefix(e.get("MESSAGE"), "the failed ADD is not undone: the attachment is up")
				})
			}
			if err := a.cni.DelNetworkList(a.ctx(), list, a.pod); err != nil {
				t.Error(err)
			}
			if left := a.leases("lab"); len(left) != 0 {
				t.Errorf("host-local still holds %v", left)
			}
		})
	}
}

// 32 second ADDs at once: none is told of a recursion, none harms the first.
func TestManySecondAdds(t *testing.T) {
	a := newAgain(t)
	if _, err := a.cni.AddNetworkList(a.ctx(), a.outer, a.pod); err != nil {
		t.Fatal(err)
	}
	lease := a.leases("lab")[0]
	had, _ := os.ReadFile(a.file)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if msg, code := a.add(false); code != 1 || strings.Contains(msg, "leads back") {
				t.Errorf("exit %d: %s", code, msg)
			}
		})
	}
	wg.Wait()
	a.up(lease, string(had))
}

// 32 first ADDs at once: at most one succeeds, and what it set up stays; where none does nothing is left but what their DEL takes.
func TestManyFirstAdds(t *testing.T) {
	a := newAgain(t)
	won := make(chan string, 32)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			switch msg, code := a.add(false); {
			case code == 0:
				won <- ""
			case strings.Contains(msg, "leads back"):
				t.Error(msg)
			}
		})
	}
	wg.Wait()
	switch len(won) {
	case 0:
		t.Error("no ADD succeeded")
	case 1:
		out, _ := exec.Command("ip", "-n", a.pod.ContainerID, "-4", "-o", "addr", "show", "eth0").CombinedOutput()
		fields := strings.Fields(string(out))
		if len(fields) < 4 {
			t.Fatalf("the winner's interface is gone: %s", out)
		}
		a.up(strings.Split(fields[3], "/")[0], "")
	default:
		t.Errorf("%d ADDs succeeded", len(won))
	}
	if b, _ := os.ReadFile(a.file); bytes.Count(b, []byte("\n")) != 2 {
		t.Errorf("the winner's entry: %q", b)
	}
	if out, code := a.plugin("DEL", `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim"}`, "CNI_CONTAINERID="+a.pod.ContainerID, "CNI_NETNS="+a.pod.NetNS); code != 0 {
		t.Error(out)
	}
	if left := a.leases("lab"); len(left) != 0 {
		t.Errorf("host-local still holds %v", left)
	}
}

// An ADD that was killed, that failed, or whose namespace is gone is not up: a retry that fails is undone in full.
func TestRetryIsUndone(t *testing.T) {
	for _, before := range []string{"killed", "failed", "namespace gone", "namespace made anew"} {
		t.Run(before, func(t *testing.T) {
			l := newLab(t)
			path := l.plant("[ $CNI_COMMAND = ADD ] || exit 0\n[ -e /run/sick.ok ] && { sed 's/.*\"prevResult\":\\({.*}\\),\"type\".*/\\1/'; exit 0; }\n" +
				"[ -e /run/sick.hang ] && { echo $$ >/run/sick.pid; sleep 60; }\necho '{\"code\":99,\"msg\":\"no\"}'; exit 1\n")
			for _, f := range []string{"/run/sick.ok", "/run/sick.hang", "/run/sick.pid"} {
				_ = os.Remove(f)
			}
			conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"bridge","bridge":"lab0","ipam":{"type":"host-local","subnet":"10.9.0.0/24"}},{"type":"sick"}]}}`
			pod := l.pod()
			env := []string{path + ":" + binDir, "CNI_CONTAINERID=" + pod.ContainerID, "CNI_NETNS=" + pod.NetNS}
			defer func() { _ = exec.Command("ip", "link", "del", "lab0").Run() }()
			switch before {
			case "killed":
				l.run("touch", "/run/sick.hang")
				c := l.start("ADD", conf, env...)
				l.pid("/run/sick.pid")
				_ = c.Process.Kill()
				_ = c.Wait()
				l.run("rm", "/run/sick.hang")
			case "failed":
				if out, code := l.plugin("ADD", conf, env...); code != 1 {
					t.Fatal(out)
				}
			default:
				l.run("touch", "/run/sick.ok")
				if out, code := l.plugin("ADD", conf, env...); code != 0 {
					t.Fatal(out)
				}
				l.run("rm", "/run/sick.ok")
				l.run("ip", "netns", "del", pod.ContainerID)
				time.Sleep(time.Second) // the kernel gives the number of one that is gone to the next
				if before == "namespace made anew" {
					l.run("ip", "netns", "add", pod.ContainerID)
				} else {
					other := l.pod()
					env[2] = "CNI_NETNS=" + other.NetNS
				}
			}
			if out, code := l.plugin("ADD", conf, env...); code != 1 {
				t.Errorf("exit %d: %s", code, out)
			}
			if left := l.leases("lab"); len(left) != 0 {
				t.Errorf("host-local still holds %v", left)
			}
			if out, code := l.plugin("ADD", conf, env...); code != 1 || len(l.leases("lab")) != 0 {
				t.Errorf("the next retry: exit %d, leases %v: %s", code, l.leases("lab"), out)
			}
			l.run("touch", "/run/sick.ok")
			if out, code := l.plugin("ADD", conf, env...); code != 0 {
				t.Errorf("after the undoing: %s", out)
			}
			if out, code := l.plugin("DEL", conf, env...); code != 0 {
				t.Error(out)
			}
		})
	}
}

// A second ADD that its plugins take, as some do, replaces the entry; its DEL runs the chain that it ran.
func TestSecondAddSucceeds(t *testing.T) {
	l := newLab(t)
	record := filepath.Join(t.TempDir(), "calls")
	conf := func(plugin string) string {
		return fmt.Sprintf(`{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":%q,"record":%q}]}}`, plugin, record)
	}
	pod := l.pod()
	env := []string{"CNI_CONTAINERID=" + pod.ContainerID, "CNI_NETNS=" + pod.NetNS}
	for _, plugin := range []string{"rec0", "rec1"} {
		if out, code := l.plugin("ADD", conf(plugin), env...); code != 0 {
			t.Fatal(out)
		}
	}
	if out, code := l.plugin("DEL", conf("rec2"), env...); code != 0 {
		t.Fatal(out)
	}
	if got := l.calls(record); got != "rec0 ADD rec1 ADD rec1 DEL" {
		t.Errorf("ran %q", got)
	}
	l.clean()
}

// A DEL while the ADD of the same attachment runs takes its entry from nobody: a later DEL runs the chain that ADD ran.
func TestDelDuringAdd(t *testing.T) {
	for _, ends := range []string{"succeeds", "is killed"} {
		t.Run("ADD "+ends, func(t *testing.T) {
			l := newLab(t)
			record := filepath.Join(t.TempDir(), "calls")
			path := l.plant("[ $CNI_COMMAND = ADD ] || { echo >>" + record + ".del; exit 0; }\necho $$ >/run/sick.pid\nwhile ! [ -e /run/sick.go ]; do sleep 0.05; done\necho '{\"cniVersion\":\"1.1.0\"}'\n")
			_, _ = os.Remove("/run/sick.pid"), os.Remove("/run/sick.go")
			pod := l.pod()
			l.write("10-lab.conflist", `{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"sick"}]}`)
			conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":"/etc/cni/net.d"}`
			env := []string{path + ":" + binDir, "CNI_CONTAINERID=" + pod.ContainerID, "CNI_NETNS=" + pod.NetNS}
			c := l.start("ADD", conf, env...)
			l.pid("/run/sick.pid")
			if out, code := l.plugin("DEL", conf, env...); code != 0 {
				t.Error(out)
			}
			l.write("10-lab.conflist", `{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"rec0","record":"`+record+`"}]}`)
			if ends == "succeeds" {
				l.run("touch", "/run/sick.go")
				if err := c.Wait(); err != nil {
					t.Error(err)
				}
			} else {
				_ = c.Process.Kill()
				_ = c.Wait()
			}
			if out, code := l.plugin("DEL", conf, env...); code != 0 {
				t.Error(out)
			}
			if b, _ := os.ReadFile(record + ".del"); len(b) != 2 {
				t.Errorf("%d DELs of the plugin that ADD ran, want 2", len(b))
			}
			if _, err := os.Stat(record); err == nil {
				t.Error("a DEL ran today's chain")
			}
			l.clean()
		})
	}
}

// A DEL while a second ADD of an attachment that is up runs keeps the entry as well, and the second ADD may be killed: a later DEL runs
// what was added.
func TestDelDuringSecondAdd(t *testing.T) {
	l := newLab(t)
	path := l.plant("case $CNI_COMMAND in DEL) echo >>/run/sick.del;; ADD) [ -e /run/sick.hang ] && { echo $$ >/run/sick.pid; sleep 60; }; echo '{\"cniVersion\":\"1.1.0\"}';; esac\nexit 0\n")
	for _, f := range []string{"/run/sick.del", "/run/sick.hang", "/run/sick.pid"} {
		_ = os.Remove(f)
	}
	record := filepath.Join(t.TempDir(), "calls")
	pod := l.pod()
	l.write("10-lab.conflist", `{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"sick"}]}`)
	conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":"/etc/cni/net.d"}`
	env := []string{path + ":" + binDir, "CNI_CONTAINERID=" + pod.ContainerID, "CNI_NETNS=" + pod.NetNS}
	if out, code := l.plugin("ADD", conf, env...); code != 0 {
		t.Fatal(out)
	}
	l.run("touch", "/run/sick.hang")
	c := l.start("ADD", conf, env...)
	l.pid("/run/sick.pid")
	if out, code := l.plugin("DEL", conf, env...); code != 0 {
		t.Error(out)
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	l.write("10-lab.conflist", `{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"rec0","record":"`+record+`"}]}`)
	if out, code := l.plugin("DEL", conf, env...); code != 0 {
		t.Error(out)
	}
	if b, _ := os.ReadFile("/run/sick.del"); len(b) != 2 || exists(record) {
		t.Errorf("%d DELs of the plugin that ADD ran, want 2; today's chain ran: %v", len(b), exists(record))
	}
	l.clean()
}

// The time that the entry gives a verb bounds the shim's own work too, and the words name what used it up.
func TestOwnWorkIsBounded(t *testing.T) {
	l := newLab(t)
	l.plant("")
	if err := os.WriteFile(sick+"/sick", []byte("#!/bin/sh\n[ $CNI_COMMAND = VERSION ] && sleep 60\necho ran >>/run/sick.ran\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove("/run/sick.ran")
	began := time.Now()
	out, code := l.plugin("ADD", fmt.Sprintf(sickConf, `,"timeouts":{"ADD":"300ms"}`), "CNI_PATH="+sick, "CNI_NETNS="+l.pod().NetNS)
	var e types.Error
	if _ = json.Unmarshal([]byte(out), &e); code != 1 || e.Code != types.ErrTryAgainLater || e.Msg != "cni-shim: ADD was over its time of 300ms (timeouts.ADD) before its first plugin ran" {
		t.Errorf("exit %d after %s: %s", code, time.Since(began), out)
	}
	if exists("/run/sick.ran") {
		t.Error("the plugin ran")
	}
}
