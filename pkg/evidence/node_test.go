package evidence

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/pkg/failure"
	"github.com/cni-shim/cni-shim/pkg/reason"
)

// A kernel's number is given to the first read only: the whole of it must be told, on the real /proc.
func TestKernelNumbers(t *testing.T) {
	want, err := os.ReadFile("/proc/sys/kernel/pid_max")
	if err != nil {
		t.Fatal(err)
	}
	var got string
	for _, f := range collect(context.Background(), &failure.Facts{}, failure.Verdict{Reason: reason.HostResourceExhausted}, Input{}, patience) {
		got += f.Text + "\n"
	}
	if !strings.Contains(got, "kernel.pid_max is "+strings.TrimSpace(string(want))+", ") {
		t.Errorf("not %s in %s", want, got)
	}
}

// A directory of a hundred thousand reservations costs neither time nor memory, and what was not seen is not told as seen.
func TestCrowd(t *testing.T) {
	n := newNode(t)
	dir := filepath.Join(n.root, "/var/lib/cni/networks/big")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	first := filepath.Join(dir, "0")
	if err := os.WriteFile(first, []byte("dead\r\neth0"), 0o644); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(first, then, then); err != nil {
		t.Fatal(err)
	}
	const many = 100_000
	links := 1
	for i := range many { // links, for they are cheap; a file system allows so many of them to one file
		name := fmt.Sprintf("%s/10.%d.%d.%d", dir, i>>16, i>>8&255, i&255)
		if os.Link(first, name) != nil {
			first = name
			if err := os.WriteFile(first, []byte("dead\r\neth0"), 0o644); err != nil {
				t.Fatal(err)
			}
			_ = os.Chtimes(first, then, then)
			links++
		}
	}
	n.write("/var/lib/cni/results/big-alive-eth0", "", 0)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	got := n.collect(reason.IPAMExhausted, failure.Facts{}, Input{Network: "big"})
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 16<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	n.want(got, "taken: ")
	if strings.Contains(got, "at least") == strings.Contains(got, fmt.Sprintf("gone: %d of them", many)) {
		t.Errorf("part and whole: %s", got)
	}
	t.Logf("%s, %d inodes\n%s", took, links, got)
}

// What the pod's namespace has switched off is seen there, and the thread that went there is never left in it.
func TestPodNamespace(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("making a network namespace needs root")
		}
		t.Skip("making a network namespace needs root")
	}
	home, err := os.Readlink("/proc/thread-self/ns/net") // not of the process's first thread: that may be the one that leaves
	if err != nil {
		t.Fatal(err)
	}
	path, done := make(chan string), make(chan bool)
	defer close(done)
	go func() {
		runtime.LockOSThread() // and ends with the goroutine
		if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
			path <- err.Error()
			return
		}
		_ = os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0)
		path <- fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), syscall.Gettid())
		<-done
	}()
	p := <-path
	if !filepath.IsAbs(p) {
		t.Fatal(p)
	}
	before := strangers(home) // the thread that made it, and what earlier runs left: the process's first thread does not end
	var got string
	for _, f := range collect(context.Background(), &failure.Facts{}, failure.Verdict{Reason: reason.IPv6Disabled}, Input{Netns: p, IfName: "lo"}, patience) {
		got += f.Text + "\n"
	}
	if !strings.Contains(got, "in the pod's namespace net.ipv6.conf.all.disable_ipv6 is 1") {
		t.Errorf("got %q", got)
	}
	if after := strangers(home); after > before {
		t.Errorf("%d threads are in another namespace, want at most %d as before", after, before)
	}
}

// strangers counts the threads of this process that are in another network namespace than home.
func strangers(home string) (n int) {
	tasks, _ := filepath.Glob("/proc/self/task/*/ns/net")
	for _, task := range tasks {
		if at, err := os.Readlink(task); err == nil && at != home {
			n++
		}
	}
	return n
}

func TestLocksPortsAndTools(t *testing.T) {
	n := newNode(t)
	n.write("/run/xtables.lock", "", 0)
	fi, err := os.Stat(n.root + "/run/xtables.lock")
	if err != nil {
		t.Fatal(err)
	}
	inode := fi.Sys().(*syscall.Stat_t).Ino
	n.write("/proc/4242/comm", "iptables-restor\n", 0)
	n.write("/proc/locks", fmt.Sprintf("1: POSIX  ADVISORY  WRITE 1 00:19:%d 0 EOF\n2: FLOCK  ADVISORY  WRITE 4242 00:19:%d 0 EOF\n2: -> FLOCK  ADVISORY  WRITE 77 00:19:%d 0 EOF\n", inode, inode, inode), 0)
	for _, r := range []*reason.Reason{reason.FirewallFailed, reason.PluginTimeout} {
		if got, want := n.collect(r, failure.Facts{}, Input{}), "lock: /run/xtables.lock is held by process 4242 (iptables-restor)\n"; got != want {
			t.Errorf("%s: %q", r.Name, got)
		}
	}
	n.write("/proc/locks", "", 0)
	if got := n.collect(reason.PluginTimeout, failure.Facts{}, Input{}); got != "" {
		t.Errorf("nobody holds it: %q", got)
	}

	n.write("/proc/net/tcp", "sl local_address rem_address st\n 0: 00000000:1F90 00000000:0000 0A\n", 0)
	got := n.collect(reason.HostPortConflict, failure.Facts{Msg: "cannot open hostport 8080 for pod x: listen tcp4 :8080: bind: address already in use"},
		Input{Config: []byte(`{"runtimeConfig":{"portMappings":[{"hostPort":9}]}}`)})
	if want := "port: somebody listens on port 8080 of this node\nport: nobody listens on port 9 of this node\n"; got != want {
		t.Errorf("got %q", got)
	}
	n.want(n.collect(reason.APIUnreachable, failure.Facts{Msg: "dial tcp 127.0.0.1:6443: connect: connection refused"}, Input{}), "port: nobody listens on port 6443")

	t.Setenv("PATH", "/sbin:/usr/sbin")
	n.write("/usr/sbin/nft", "", 0)
	n.want(n.collect(reason.HostToolMissing, failure.Facts{Msg: `exec: "iptables": executable file not found in $PATH`}, Input{}), "tool: iptables is in none of /sbin:/usr/sbin")
	n.want(n.collect(reason.HostToolMissing, failure.Facts{Msg: `exec: "nft": no such file`}, Input{}), "tool: nft is /usr/sbin/nft on the PATH")
}

func TestLinks(t *testing.T) {
	n := newNode(t)
	n.want(n.collect(reason.DeviceUnavailable, failure.Facts{}, Input{Config: []byte(`{"master":"no-such0"}`)}), "device: no-such0 is not there; this node has ")
	n.want(n.collect(reason.DeviceUnavailable, failure.Facts{}, Input{Config: []byte(`{"device":"lo"}`)}), "device: lo is there, ")
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	n.want(n.collect(reason.InterfaceSetupFailed, failure.Facts{}, Input{Config: []byte(`{"mtu":70000,"master":"lo"}`)}),
		"mtu: the configuration's mtu is 70000, a link takes at most 65535", fmt.Sprintf("that of lo is %d", lo.MTU))
	if got := n.collect(reason.InterfaceSetupFailed, failure.Facts{}, Input{Config: []byte(`{"mtu":1400}`)}); got != "" {
		t.Errorf("an MTU with nothing to say of it: %q", got)
	}
}

// A path that an error names and that is not there: what it would stand in is told.
func TestMountsAndSockets(t *testing.T) {
	n := newNode(t)
	n.want(n.collect(reason.PermissionDenied, failure.Facts{Msg: "mkdir /var/lib/cni/networks/x: read-only file system"}, Input{}), "program: /var/lib/cni/networks/x is not there")
	conf := []byte(`{"ipam":{"endpoints":["unix:///run/a/b.sock",{"socket":"/run/c.socket"}]},"daemonSocketDir":"/run/multus","token":"secret"}`)
	got := n.collect(reason.AgentTimeout, failure.Facts{Msg: "context deadline exceeded"}, Input{Config: conf})
	n.want(got, "socket: /run/a/b.sock is not there", "socket: /run/c.socket is not there", "socket: /run/multus/multus.sock is not there")
	if strings.Contains(got, "secret") {
		t.Errorf("a secret: %s", got)
	}
}
