package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocni "github.com/containerd/go-cni"
	types100 "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/plugins/pkg/ns"
)

// A real chain under the one outer list, at every version: addresses of both families, reachable from the host, gone after.
func TestRealChain(t *testing.T) {
	for _, version := range []string{"0.3.1", "0.4.0", "1.0.0", "1.1.0"} {
		t.Run(version, func(t *testing.T) {
			l := newLab(t)
			network := "k8s-pod-network"
			l.write("10-bridge.conflist", strings.Replace(l.sample("chains/10-bridge.conflist"), `"1.0.0"`, `"`+version+`"`, 1))
			outer := l.outer(network, "")
			if outer.CNIVersion != "1.1.0" {
				t.Fatalf("the outer list runs at %s", outer.CNIVersion)
			}
			pod := l.pod()
			result, err := l.cni.AddNetworkList(l.ctx(), outer, pod)
			if err != nil {
				t.Fatal(err)
			}
			r, err := types100.NewResultFromResult(result)
			if err != nil || r.CNIVersion != "1.1.0" || len(r.IPs) != 2 {
				t.Fatalf("result %v: %v", result, err)
			}
			if n := len(l.leases(network)); n != 2 {
				t.Errorf("host-local holds %d addresses, want one of each family", n)
			}
			for _, ip := range r.IPs {
				l.reach(pod.NetNS, ip.Address.IP)
			}
			if err := l.cni.CheckNetworkList(l.ctx(), outer, pod); err != nil {
				t.Errorf("CHECK: %v", err)
			}
			if err := l.cni.GetStatusNetworkList(l.ctx(), outer); err != nil {
				t.Errorf("STATUS: %v", err)
			}
			for range 2 { // DEL may come twice
				if err := l.cni.DelNetworkList(l.ctx(), outer, pod); err != nil {
					t.Errorf("DEL: %v", err)
				}
			}
			if l.hasInterface(pod.NetNS, "eth0") {
				t.Error("eth0 is still there after DEL")
			}
			if left := l.leases(network); len(left) != 0 {
				t.Errorf("host-local still holds %v", left)
			}
			e := l.journal(1, func(e entry) bool {
				return strings.HasPrefix(e.get("MESSAGE"), "chain k8s-pod-network from 10-bridge.conflist")
			})
			if len(e) != 1 || !strings.Contains(e[0].get("MESSAGE"), "portmap (/opt/cni/bin/portmap") || !strings.Contains(e[0].get("MESSAGE"), "host-local (/opt/cni/bin/host-local") {
				t.Errorf("the chain is told %d times: %v", len(e), e)
			}
			var chain struct{ Plugins []struct{ Type, Path string } }
			if json.Unmarshal([]byte(e[0].get("CNI_CHAIN")), &chain) != nil || len(chain.Plugins) != 3 {
				t.Errorf("CNI_CHAIN: %s", e[0].get("CNI_CHAIN"))
			}
			l.run("ip", "link", "del", "cni0")
		})
	}
}

// reach connects from the host side to a listener in the pod. IPv6 addresses need a moment to settle.
func (l *lab) reach(netns string, ip net.IP) {
	l.Helper()
	var listener net.Listener
	err := ns.WithNetNSPath(netns, func(ns.NetNS) (err error) {
		within(patience, func() bool {
			listener, err = net.Listen("tcp", net.JoinHostPort(ip.String(), "8080"))
			return err == nil
		})
		return err
	})
	if err != nil {
		l.Fatalf("listen on %s in the pod: %v", ip, err)
	}
	defer listener.Close()
	reached := within(patience, func() bool {
		var c net.Conn
		if c, err = net.DialTimeout("tcp", listener.Addr().String(), 5*time.Second); err == nil {
			c.Close()
		}
		return err == nil
	})
	if reached {
		return
	}
	l.Errorf("%s cannot be reached from the host: %v", ip, err)
}

// containerd's own client, with a directory of configurations as on a node.
func TestGoCNI(t *testing.T) {
	l := newLab(t)
	l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
	l.outer("k8s-pod-network", "")
	client, err := gocni.New(gocni.WithMinNetworkCount(1), gocni.WithPluginConfDir(confDir), gocni.WithPluginDir([]string{binDir}), gocni.WithInterfacePrefix("eth"))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Load(gocni.WithConfListFile(confDir + "/00-cni-shim.conflist")); err != nil {
		t.Fatal(err)
	}
	pod := l.pod()
	result, err := client.Setup(l.ctx(), pod.ContainerID, pod.NetNS, gocni.WithCapabilityPortMap([]gocni.PortMapping{{HostPort: 18081, ContainerPort: 8080, Protocol: "tcp"}}))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(result.Interfaces["eth0"].IPConfigs); n != 2 {
		t.Errorf("eth0 has %d addresses", n)
	}
	if err := client.Status(); err != nil {
		t.Errorf("STATUS: %v", err)
	}
	l.write("10-bridge.conflist", strings.Replace(l.sample("chains/10-bridge.conflist"), `"name": "k8s`, `"name": "k8s`+"\n", 1))
	err = client.Status()
	if err == nil || !strings.HasPrefix(err.Error(), `10-bridge.conflist:3:15: a raw line break inside the string "k8s`) {
		t.Errorf("STATUS of a broken chain: %v", err)
	}
	// Pods must go although the configuration broke while they ran.
	if err := client.Remove(l.ctx(), pod.ContainerID, pod.NetNS); err != nil {
		t.Errorf("DEL with a broken chain: %v", err)
	}
	if err := client.Remove(l.ctx(), pod.ContainerID, ""); err != nil {
		t.Errorf("second DEL with a broken chain and no namespace: %v", err)
	}
	if left := l.leases("k8s-pod-network"); len(left) != 0 {
		t.Errorf("host-local still holds %v", left)
	}
	l.run("ip", "link", "del", "cni0")
}

// DEL runs the chain that ADD ran, whatever became of the configuration, for pods of the shim and for pods before it.
func TestDelAfterChange(t *testing.T) {
	changes := map[string]func(l *lab){
		"edited": func(l *lab) {
			l.write("10-bridge.conflist", strings.Replace(strings.Replace(l.sample("chains/10-bridge.conflist"), "10.244.0", "10.77.0", 1), "host-local", "static", 1))
		},
		"broken":  func(l *lab) { l.write("10-bridge.conflist", `{"name": "k8s-pod-network",}`) },
		"removed": func(l *lab) { l.run("rm", confDir+"/10-bridge.conflist") },
	}
	for name, change := range changes {
		for _, before := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s,older=%v", name, before), func(t *testing.T) {
				l := newLab(t)
				l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
				pod := l.pod()
				list := l.load("10-bridge.conflist")
				if !before {
					list = l.outer("k8s-pod-network", "")
				}
				if _, err := l.cni.AddNetworkList(l.ctx(), list, pod); err != nil {
					t.Fatal(err)
				}
				if before {
					list = l.outer("k8s-pod-network", "")
				}
				change(l)
				if err := l.cni.DelNetworkList(l.ctx(), list, pod); err != nil {
					t.Fatal(err)
				}
				if left := l.leases("k8s-pod-network"); len(left) != 0 {
					t.Errorf("host-local still holds %v", left)
				}
				if l.hasInterface(pod.NetNS, "eth0") {
					t.Error("eth0 is still there")
				}
				l.run("ip", "link", "del", "cni0")
			})
		}
	}
}

// A network that is renamed while a pod runs: the pod is deleted as it was added, under the name of then, by which plugins keep their state.
func TestDelAfterRename(t *testing.T) {
	l := newLab(t)
	l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
	outer, pod := l.outer("k8s-pod-network", ""), l.pod()
	if _, err := l.cni.AddNetworkList(l.ctx(), outer, pod); err != nil {
		t.Fatal(err)
	}
	l.write("10-bridge.conflist", strings.Replace(l.sample("chains/10-bridge.conflist"), "k8s-pod-network", "other", 1))
	renamed := l.outer("other", "")
	if err := l.cni.DelNetworkList(l.ctx(), renamed, pod); err != nil {
		t.Fatal(err)
	}
	if left := l.leases("k8s-pod-network"); len(left) != 0 {
		t.Errorf("host-local still holds %v", left)
	}
	if l.hasInterface(pod.NetNS, "eth0") {
		t.Error("eth0 is still there")
	}
	l.clean()
	l.run("ip", "link", "del", "cni0")
}

// A stored attachment outranks what its list has become: bare now, and DEL still runs what ADD ran.
func TestBareAfterAdd(t *testing.T) {
	l := newLab(t)
	l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
	outer, pod := l.outer("k8s-pod-network", ""), l.pod()
	if _, err := l.cni.AddNetworkList(l.ctx(), outer, pod); err != nil {
		t.Fatal(err)
	}
	l.run("rm", confDir+"/10-bridge.conflist")
	l.write("00-cni-shim.conflist", `{"cniVersion":"1.0.0","name":"k8s-pod-network","plugins":[{"type":"cni-shim"},{"type":"loopback"}]}`)
	if out, code := l.plugin("DEL", `{"cniVersion":"1.0.0","name":"k8s-pod-network","type":"cni-shim"}`, "CNI_CONTAINERID="+pod.ContainerID, "CNI_NETNS="+pod.NetNS); code != 0 {
		t.Error(out)
	}
	if left := l.leases("k8s-pod-network"); len(left) != 0 {
		t.Errorf("host-local still holds %v", left)
	}
	l.clean()
	l.run("ip", "link", "del", "cni0")
}

// An entry with a key of the wrong type costs no pod its DEL: neither one that was stored nor one that was never set up.
func TestDelWithBrokenEntry(t *testing.T) {
	l := newLab(t)
	pod := l.pod()
	broken := `{"cniVersion":"1.0.0","name":"lab","type":"cni-shim","chain":5}`
	env := []string{"CNI_CONTAINERID=" + pod.ContainerID, "CNI_NETNS=" + pod.NetNS}
	if out, code := l.plugin("ADD", broken, env...); code != 1 {
		t.Error(out)
	}
	if out, code := l.plugin("DEL", broken, env...); code != 0 {
		t.Errorf("DEL of what was never set up: %s", out)
	}
	if out, code := l.plugin("ADD", `{"cniVersion":"1.0.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"rec0","record":"/run/rec"}]}}`, env...); code != 0 {
		t.Fatal(out)
	}
	if out, code := l.plugin("DEL", broken, env...); code != 0 {
		t.Errorf("DEL of what was stored: %s", out)
	}
	l.clean()
}

// A pod older than the shim is deleted with the plugins of its list's sub-directory, which the runtime's cache does not keep, whatever
// became of the list; where they cannot be read the DEL fails and is asked for again.
func TestOlderPodOfSubDirectory(t *testing.T) {
	l := newLab(t)
	record := filepath.Join(t.TempDir(), "calls")
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0","record":"`+record+`"}]}`)
	l.run("mkdir", confDir+"/lab")
	more := `{"type":"rec1","record":"` + record + `"}`
	l.write("lab/10-more.conf", more)
	list, pod := l.load("10-lab.conflist"), l.pod()
	if _, err := l.cni.AddNetworkList(l.ctx(), list, pod); err != nil {
		t.Fatal(err)
	}
	outer := l.outer("lab", "")
	l.write("10-lab.conflist", "broken")
	l.write("lab/10-more.conf", "{,}")
	if err := l.cni.DelNetworkList(l.ctx(), outer, pod); err == nil || !strings.Contains(err.Error(), "10-more.conf:1:2: ") {
		t.Errorf("DEL without the second plugin: %v", err)
	}
	l.write("lab/10-more.conf", more)
	if err := l.cni.DelNetworkList(l.ctx(), outer, pod); err != nil {
		t.Fatal(err)
	}
	if got := l.calls(record); got != "rec0 ADD rec1 ADD rec1 DEL rec0 DEL" {
		t.Error(got)
	}
}

// calls are those that recorders wrote, in their order: "rec0 ADD rec1 ADD".
func (l *lab) calls(record string) string {
	var all []recorded
	b, _ := os.ReadFile(record)
	for line := range bytes.Lines(b) {
		var r recorded
		if json.Unmarshal(line, &r) == nil {
			all = append(all, r)
		}
	}
	return calls(all)
}

// A plugin that does not mind working on the namespace it stands in works through the shim as well: libcni passes such a path, and
// only plugins built on skel refuse it.
func TestOwnNamespace(t *testing.T) {
	l := newLab(t)
	conf := `{"cniVersion":"1.0.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"rec0","record":"/run/rec"}]}}`
	for _, verb := range []string{"ADD", "CHECK", "DEL"} {
		if out, code := l.plugin(verb, conf, "CNI_NETNS=/proc/self/ns/net"); code != 0 {
			t.Errorf("%s: %s", verb, out)
		}
	}
	l.clean()
}
