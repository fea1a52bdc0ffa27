package integration

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	gocni "github.com/containerd/go-cni"
	"github.com/containernetworking/cni/libcni"
	"github.com/fsnotify/fsnotify"
)

// containerdTree is a node's configuration of containerd 2, in parts, as distributions have it.
var containerdTree = map[string]string{
	"/etc/containerd/config.toml":         "version = 3\nimports = ['/etc/containerd/conf.d/*.toml']\n[plugins.'io.containerd.cri.v1.runtime'.cni]\n  conf_dir = '/nowhere'\n",
	"/etc/containerd/conf.d/10-cni.toml":  "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\n  bin_dirs = ['/opt/cni/bin']\n  conf_dir = '/etc/cni/net.d'\n  max_conf_num = 1\n",
	"/etc/cni/net.d/README":               "words\n",
	"/etc/cni/net.d/87-podman.conflist":   `{"cniVersion":"1.0.0","name":"podman","plugins":[{"type":"loopback"}]}`,
	"/run/containerd/containerd.sock":     "",
	"/etc/cni/net.d/calico-kubeconfig":    "secret\n",
	"/usr/local/bin/kubectl":              "somebody's\n",
	"/etc/systemd/system/kubelet.service": "[Service]\nExecStart=/usr/bin/kubelet\n",
}

const installLab = `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"bridge","bridge":"lab0","isGateway":true,"ipam":{"type":"host-local","subnet":"10.9.0.0/16"}},{"type":"portmap","capabilities":{"portMappings":true}}]}`

// barren makes the lab a node without the shim, and puts the program back afterwards. It returns where the program is meanwhile.
func (l *lab) barren() (program string) {
	l.Helper()
	program = filepath.Join(l.TempDir(), "release-1")
	l.run("mv", shimPath, program)
	l.Cleanup(func() { l.run("cp", program, shimPath) })
	for _, d := range []string{"/run/cni-shim", "/var/lib/cni-shim"} {
		if err := os.RemoveAll(d); err != nil {
			l.Fatal(err)
		}
	}
	for path, text := range containerdTree {
		l.run("mkdir", "-p", filepath.Dir(path))
		if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
			l.Fatal(err)
		}
		l.Cleanup(func() { os.Remove(path) })
	}
	l.write("10-lab.conflist", installLab)
	return program
}

// files tells names, modes, owners, contents, links and, of files, mtimes of all that an install could touch.
func (l *lab) files() map[string]string {
	l.Helper()
	all := map[string]string{}
	for _, root := range []string{"/etc", "/opt", "/usr/local", "/run", "/var/lib"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			switch path {
			case "/usr/local/go", "/run/netns", "/run/log", "/run/systemd/journal", "/var/lib/cni", "/run/xtables.lock":
				return skip(d)
			}
			fi, err := d.Info()
			if err != nil {
				return err
			}
			st := fi.Sys().(*syscall.Stat_t)
			says := fmt.Sprintf("%s %d:%d", fi.Mode(), st.Uid, st.Gid)
			switch {
			case fi.Mode().IsRegular():
				text, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				says += fmt.Sprintf(" %v %d bytes %x", fi.ModTime(), len(text), sha256.Sum256(text))
			case fi.Mode()&fs.ModeSymlink != 0:
				target, err := os.Readlink(path)
				if err != nil {
					return err
				}
				says += " -> " + target
			}
			all[path] = says
			return nil
		})
		if err != nil {
			l.Fatal(err)
		}
	}
	return all
}

func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// equal compares two states of the files.
func (l *lab) equal(when string, before, after map[string]string) {
	l.Helper()
	for path, says := range before {
		if after[path] != says {
			l.Errorf("%s: %s was %s and is %q", when, path, says, after[path])
		}
	}
	for path, says := range after {
		if before[path] == "" {
			l.Errorf("%s: %s is new: %s", when, path, says)
		}
	}
}

// containerd is what containerd does of CNI: its own client, the directory of configurations watched, read anew at each event.
type containerd struct {
	*lab
	gocni.CNI
	watcher *fsnotify.Watcher
}

func (l *lab) containerd() *containerd {
	l.Helper()
	client, err := gocni.New(gocni.WithMinNetworkCount(1), gocni.WithPluginConfDir(confDir), gocni.WithPluginMaxConfNum(1), gocni.WithPluginDir([]string{binDir}), gocni.WithInterfacePrefix("eth"))
	if err != nil {
		l.Fatal(err)
	}
	w, err := fsnotify.NewWatcher()
	if err == nil {
		err = w.Add(confDir)
	}
	if err == nil {
		err = client.Load(gocni.WithDefaultConf)
	}
	if err != nil {
		l.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for e := range w.Events {
			if e.Op != fsnotify.Chmod && e.Op != fsnotify.Create {
				_ = client.Load(gocni.WithDefaultConf) // STATUS tells
			}
		}
	})
	l.Cleanup(func() { w.Close(); done.Wait() })
	return &containerd{l, client, w}
}

// uses tells whether it runs pods through the shim, as it has read the directory.
func (c *containerd) uses() bool {
	for _, n := range c.GetConfig().Networks {
		if strings.Contains(n.Config.Source, `"cni-shim"`) {
			return true
		}
	}
	return false
}

func (c *containerd) waits(shim bool) {
	c.Helper()
	c.wait(fmt.Sprintf("a runtime that uses the shim: %v", shim), func() bool { return c.uses() == shim })
}

// add adds pods at once and returns them; no ADD may fail.
func (c *containerd) add(n int, what string) []*libcni.RuntimeConf {
	c.Helper()
	pods := make([]*libcni.RuntimeConf, n)
	var all sync.WaitGroup
	for i := range pods {
		pods[i] = c.pod()
		pods[i].CapabilityArgs = nil
		if i == 0 { // the lock of iptables would make one queue of all
			pods[i].CapabilityArgs = map[string]any{"portMappings": []gocni.PortMapping{{HostPort: int32(20000 + serial.Add(1)), ContainerPort: 80, Protocol: "tcp"}}}
		}
		all.Go(func() {
			if _, err := c.Setup(c.ctx(), pods[i].ContainerID, pods[i].NetNS, gocni.WithCapability("portMappings", pods[i].CapabilityArgs["portMappings"])); err != nil {
				c.Errorf("%s: ADD: %v", what, err)
			}
		})
	}
	all.Wait()
	return pods
}

// install runs a program's command and returns what it prints.
func (l *lab) command(program string, args ...string) string {
	l.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		l.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// A node is taken over, upgraded while 50 pods are added at once, and given back while ten are: no call fails, every pod is deleted,
// whoever added it, no address leaks, and the node is what it was.
func TestInstallUpgradeUninstall(t *testing.T) {
	l := newLab(t)
	// What other tests leave in these namespaces is none of this one's.
	_ = os.RemoveAll("/var/lib/systemd/catalog")
	l.run("sh", "-c", "for t in iptables ip6tables; do $t -t nat -F; $t -t nat -X; done")
	one := l.barren()
	two := filepath.Join(l.TempDir(), "release-2")
	text, err := os.ReadFile(one)
	if err == nil {
		err = os.WriteFile(two, append(text, 0), 0o755) // another program to every eye, and the same to the kernel
	}
	if err != nil {
		t.Fatal(err)
	}
	node := l.containerd()
	before := l.files()

	pods := node.add(3, "before")
	if out := l.command(one, "install", "--dry-run"); !strings.Contains(out, "write: /opt/cni/bin/cni-shim\n") {
		t.Errorf("dry run: %s", out)
	}
	l.equal("a dry run", before, l.files())
	out := l.command(one, "install")
	t.Logf("install:\n%s", out)
	node.waits(true)
	if err := node.Status(); err != nil {
		t.Errorf("STATUS: %v", err)
	}
	installed := l.files()
	if out := l.command(one, "install"); !strings.HasSuffix(out, "nothing to change\n") {
		t.Errorf("a second install: %s", out)
	}
	after := l.files()
	for _, m := range []map[string]string{installed, after} { // STATUS has been asked meanwhile
		for path := range m {
			if strings.HasPrefix(path, "/run/cni-shim") {
				delete(m, path)
			}
		}
	}
	l.equal("a second install", installed, after)

	pods = append(pods, node.add(5, "through the shim")...)
	done := make(chan struct{})
	var upgrades sync.WaitGroup
	upgraded := 0
	upgrades.Go(func() {
		for {
			l.command([]string{two, one}[upgraded%2], "install")
			if upgraded++; upgraded%2 == 0 {
				select {
				case <-done:
					return
				default:
				}
			}
		}
	})
	pods = append(pods, node.add(50, "during upgrades")...)
	close(done)
	upgrades.Wait()
	t.Logf("%d upgrades under 50 ADDs", upgraded)
	if n := len(l.leases("lab")); n != len(pods) {
		t.Errorf("%d addresses for %d pods", n, len(pods))
	}

	var during []*libcni.RuntimeConf
	var adds sync.WaitGroup
	adds.Go(func() { during = node.add(10, "during the uninstall") })
	t.Logf("uninstall:\n%s", l.command(two, "uninstall"))
	adds.Wait()
	pods = append(pods, during...)
	node.waits(false)
	pods = append(pods, node.add(2, "after")...)
	for i, pod := range pods {
		if err := node.Remove(l.ctx(), pod.ContainerID, pod.NetNS, gocni.WithCapability("portMappings", pod.CapabilityArgs["portMappings"])); err != nil {
			t.Errorf("DEL of pod %d: %v", i, err)
		}
	}
	if left := l.leases("lab"); len(left) != 0 {
		t.Errorf("%d addresses leak", len(left))
	}
	if cached, _ := filepath.Glob("/var/lib/cni/results/*"); len(cached) != 0 {
		t.Errorf("the runtime's cache keeps %v", cached)
	}
	l.run("ip", "link", "del", "lab0")
	if rules := l.run("sh", "-c", "iptables-save -t nat; ip6tables-save -t nat"); strings.Contains(rules, "CNI-DN-") {
		t.Errorf("rules are left: %d lines", strings.Count(rules, "CNI-DN-"))
	}
	l.equal("there and back", before, l.files())
}

// CRI-O deletes by what its cache says, which is the shim's list: an uninstall puts the chain in its place, to be checked and
// deleted by, and what a service mesh had appended to that list stays behind it.
func TestUninstallUnderCRIO(t *testing.T) {
	l := newLab(t)
	program := l.barren()
	record := filepath.Join(l.TempDir(), "calls")
	l.write("10-lab.conflist", fmt.Sprintf(`{"cniVersion":"0.4.0","name":"lab","plugins":[{"type":"rec0","record":%q},{"type":"rec1","record":%[1]q,"capabilities":{"portMappings":true}}]}`, record))
	l.run("mkdir", "-p", confDir+"/lab")
	l.write("lab/10-more.conf", fmt.Sprintf(`{"cniVersion":"0.4.0","name":"lab","type":"rec2","record":%q,"big":9007199254740993}`, record))
	l.command(program, "install")
	b, err := os.ReadFile(confDir + "/00-cni-shim.conflist")
	if err != nil {
		t.Fatal(err)
	}
	l.write("00-cni-shim.conflist", strings.Replace(string(b), "\n    }\n  ]", fmt.Sprintf("\n    }, {\"type\": \"rec3\", \"record\": %q}\n  ]", record), 1))
	list := l.load("00-cni-shim.conflist")
	pod := l.pod()
	if _, err := l.cni.AddNetworkList(l.ctx(), list, pod); err != nil {
		t.Fatal(err)
	}
	l.command(program, "uninstall")
	bytesOf, args, err := l.cni.GetNetworkListCachedConfig(list, pod)
	if err != nil || bytesOf == nil {
		t.Fatalf("%s %v", bytesOf, err)
	}
	cached, err := libcni.NetworkConfFromBytes(bytesOf)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(record); err != nil {
		t.Fatal(err)
	}
	if err := l.cni.CheckNetworkList(l.ctx(), cached, args); err != nil {
		t.Errorf("CHECK: %v", err)
	}
	if err := l.cni.DelNetworkList(l.ctx(), cached, args); err != nil {
		t.Errorf("DEL: %v", err)
	}
	var got []string
	text, _ := os.ReadFile(record)
	for _, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		var r recorded
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		var stdin struct {
			PrevResult    json.RawMessage
			RuntimeConfig json.RawMessage
		}
		_ = json.Unmarshal(r.Stdin, &stdin)
		got = append(got, fmt.Sprintf("%s prevResult=%v runtimeConfig=%v", r.Plugin, stdin.PrevResult != nil, stdin.RuntimeConfig != nil))
	}
	want := `rec0 prevResult=true runtimeConfig=false
rec1 prevResult=true runtimeConfig=true
rec2 prevResult=true runtimeConfig=false
rec3 prevResult=true runtimeConfig=false
rec3 prevResult=true runtimeConfig=false
rec2 prevResult=true runtimeConfig=false
rec1 prevResult=true runtimeConfig=true
rec0 prevResult=true runtimeConfig=false`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if !bytes.Contains(text, []byte("9007199254740992")) && !bytes.Contains(text, []byte("9007199254740993")) {
		t.Error("a key of the sub-directory's plugin is lost")
	}
	l.run("rm", "-r", confDir+"/lab")
}

// A watch that runs, as in a container, does not bring back what an uninstall takes away; and it writes the list for an older
// runtime as soon as the chain can take pods.
func TestWatchAndInstall(t *testing.T) {
	l := newLab(t)
	program := l.barren()
	for path, text := range containerdTree {
		if strings.HasSuffix(path, ".toml") {
			text = strings.ReplaceAll(strings.ReplaceAll(text, "version = 3", "version = 2"), "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri")
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	list := filepath.Join(confDir, "00-cni-shim.conflist")
	os.Remove(filepath.Join(confDir, "87-podman.conflist"))
	l.write("10-lab.conflist", strings.Replace(installLab, `"lab",`, `"lab",,`, 1))
	if out := l.command(program, "install"); !strings.Contains(out, "wait: "+list) || exists(list) {
		t.Fatalf("install before a broken chain, with a runtime that does not ask:\n%s", out)
	}
	ctx, stop := context.WithCancel(context.Background())
	watch := exec.CommandContext(ctx, shimPath, "watch")
	watch.Cancel = func() error { return watch.Process.Signal(syscall.SIGTERM) }
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stop(); _ = watch.Wait() }()
	time.Sleep(500 * time.Millisecond)
	if exists(list) {
		t.Error("a list before a broken chain")
	}
	l.write("10-lab.conflist", installLab)
	l.wait("the list, for the chain is whole", func() bool { return exists(list) })
	l.command(program, "uninstall")
	l.write("10-lab.conflist", installLab+"\n") // an event for the watch
	time.Sleep(1500 * time.Millisecond)
	if exists(list) || exists(shimPath) {
		t.Error("the list or the program is back")
	}
}
