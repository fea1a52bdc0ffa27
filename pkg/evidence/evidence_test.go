package evidence

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/pkg/failure"
	"github.com/cni-shim/cni-shim/pkg/reason"
)

// node is the root of a node made for a test.
type node struct {
	*testing.T
	root string
}

func newNode(t *testing.T) *node { return &node{t, t.TempDir()} }

// write makes a file of the node, of a given age.
func (n *node) write(path, text string, age time.Duration) {
	n.Helper()
	p := filepath.Join(n.root, path)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		n.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		n.Fatal(err)
	}
	then := time.Now().Add(-age)
	if err := os.Chtimes(p, then, then); err != nil {
		n.Fatal(err)
	}
}

// collect gives all facts, one "key: text" a line.
// patience is a budget for tests of what is seen: a busy machine takes its time.
const patience = 20 * time.Second

func (n *node) collect(r *reason.Reason, f failure.Facts, in Input) string {
	n.Helper()
	in.Root = n.root
	var b strings.Builder
	for _, fact := range collect(context.Background(), &f, failure.Verdict{Reason: r}, in, patience) {
		if strings.Contains(fact.Text, "\n") || fact.Key == "" {
			n.Errorf("fact %q: %q", fact.Key, fact.Text)
		}
		fmt.Fprintf(&b, "%s: %s\n", fact.Key, fact.Text)
	}
	return b.String()
}

func (n *node) want(got string, parts ...string) {
	n.Helper()
	for _, p := range parts {
		if !strings.Contains(got, p) {
			n.Errorf("no %q in\n%s", p, got)
		}
	}
}

func TestReservations(t *testing.T) {
	n := newNode(t)
	dir := "/var/lib/cni/networks/cbr0/"
	n.write(dir+"last_reserved_ip.0", "10.1.0.6", 0)
	n.write(dir+"lock", "", 0)
	n.write(dir+"10.1.0.2", "aaaa\r\neth0", time.Hour)   // alive: a result and its namespace
	n.write(dir+"10.1.0.3", "bbbb\r\neth0", 2*time.Hour) // gone: no result
	n.write(dir+"10.1.0.4", "cccc\r\neth0", time.Hour)   // gone: its namespace is not there
	n.write(dir+"10.1.0.5", "dddd\r\neth0", time.Second) // young: its ADD may still run
	n.write(dir+"10.1.0.6", "eeee\r\neth0", 3*time.Hour) // alive: a result of an older libcni, without netns
	n.write("/etc/secret", "root:hash:1:2", time.Hour)
	if err := os.Symlink("/etc/secret", n.root+dir+"10.1.0.7"); err != nil { // no reservation, whatever it leads to
		t.Fatal(err)
	}
	n.write("/var/lib/cni/results/cbr0-aaaa-eth0", `{"netns":"/run/netns/a"}`, 0)
	n.write("/run/netns/a", "", 0)
	n.write("/var/lib/cni/results/cbr0-cccc-eth0", `{"netns":"/run/netns/c"}`, 0)
	n.write("/var/lib/cni/results/cbr0-eeee-eth0", `{"kind":"cniCacheV1"}`, 0)
	got := n.collect(reason.IPAMExhausted, failure.Facts{}, Input{Network: "cbr0",
		Config: []byte(`{"ipam":{"type":"host-local","ranges":[[{"subnet":"10.1.0.0/29"}]]}}`)})
	n.want(got, "range: host-local gives out 10.1.0.0/29", "taken: 6 addresses", "at least 2 of the 5", "10.1.0.3 of container bbbb")
	if strings.Contains(got, "hash") {
		t.Errorf("a foreign file is told: %s", got)
	}
	if got := n.collect(reason.IPAMExhausted, failure.Facts{}, Input{Network: "../../../etc"}); got != "" {
		t.Errorf("a network that climbs: %s", got)
	}
	if got := n.collect(reason.IPAMExhausted, failure.Facts{}, Input{Network: "cbr0", Config: []byte(`{"ipam":{"type":"whereabouts"}}`)}); got != "" {
		t.Errorf("another IPAM's addresses: %s", got)
	}
}

func TestSockets(t *testing.T) {
	n := newNode(t)
	f := failure.Facts{Msg: `dial unix /run/agent/agent.sock: connect: connection refused`}
	n.want(n.collect(reason.AgentUnreachable, f, Input{}), "/run/agent/agent.sock is not there, nor is its directory")
	n.write("/run/agent/x", "", 0)
	n.want(n.collect(reason.AgentUnreachable, f, Input{}), "/run/agent/agent.sock is not there; its directory changed last")
	listener, err := net.Listen("unix", n.root+"/run/agent/agent.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	n.write("/proc/net/unix", "Num RefCount Protocol Flags Type St Inode Path\nffff: 00000002 00000000 00010000 0001 01 1 /var/run/agent/agent.sock\n", 0)
	n.want(n.collect(reason.AgentUnreachable, f, Input{}), "somebody listens on it")
	n.write("/proc/net/unix", "Num RefCount Protocol Flags Type St Inode Path\nffff: 00000002 00000000 00000000 0001 01 1 /run/agent/agent.sock\n", 0)
	n.want(n.collect(reason.AgentUnreachable, f, Input{}), "nobody in this network namespace listens")

	n.write("/proc/net/tcp", "sl local_address rem_address st\n 0: 0100007F:C383 00000000:0000 0A\n", 0)
	n.want(n.collect(reason.AgentUnreachable, failure.Facts{Msg: "dial tcp 127.0.0.1:50051: connection refused"}, Input{}), "port: somebody listens on port 50051")
	n.want(n.collect(reason.AgentUnreachable, failure.Facts{Msg: "dial tcp 127.0.0.1:6784: connection refused"}, Input{}), "port: nobody listens on port 6784")
}

func TestFilesAndPrograms(t *testing.T) {
	n := newNode(t)
	n.want(n.collect(reason.AgentStateMissing, failure.Facts{Stderr: "open /run/flannel/subnet.env: no such file or directory"}, Input{}),
		"/run/flannel/subnet.env is not there; its directory is not there either; flanneld")
	n.write("/run/flannel/subnet.env", "x", 0)
	n.want(n.collect(reason.AgentStateMissing, failure.Facts{Msg: "open /run/flannel/subnet.env: no such file"}, Input{}), "is there by now")

	n.write("/opt/cni/bin/portmap", "x", 0)
	n.want(n.collect(reason.PluginNotFound, failure.Facts{Plugin: "portmab"}, Input{Paths: []string{"/opt/cni/bin", "/none"}}),
		"directory: /opt/cni/bin holds portmap", "directory: /none cannot be read", `nearest: the name nearest to "portmab" is "portmap"`)

	foreign := make([]byte, 64)
	copy(foreign, "\x7fELF\x02\x02\x01")
	foreign[17], foreign[19] = 2, 22 // executable, s390x
	n.write("/opt/cni/bin/host-local", string(foreign), 0)
	got := n.collect(reason.PluginNotExecutable, failure.Facts{Path: "/opt/cni/bin/bridge", Msg: "fork/exec /opt/cni/bin/host-local: exec format error"}, Input{})
	n.want(got, "program: /opt/cni/bin/host-local is built for s390x", "mode: /opt/cni/bin/host-local: -rw-r--r--")
	n.want(n.collect(reason.StateCorrupt, failure.Facts{Msg: "/opt/cni/bin/portmap: unexpected end of JSON input"}, Input{}), "has 1 bytes")
}

func TestNetworkAndKernel(t *testing.T) {
	n := newNode(t)
	n.want(n.collect(reason.BridgeAddressConflict, failure.Facts{Msg: `failed to set bridge addr: "lo" already has an IP address different from 10.1.0.1/24`}, Input{}),
		"bridge: lo has", "wanted: the configuration wants 10.1.0.1/24")
	n.want(n.collect(reason.NetnsGone, failure.Facts{}, Input{Netns: "/run/netns/x"}), "/run/netns/x is not there")
	n.write("/run/netns/x", "", 0)
	n.want(n.collect(reason.NetnsGone, failure.Facts{}, Input{Netns: "/run/netns/x"}), "no namespace is mounted on it")
	n.want(n.collect(reason.NetnsGone, failure.Facts{}, Input{}), "no path")
	n.want(n.collect(reason.IPv6Disabled, failure.Facts{}, Input{}), "the kernel has no IPv6")
	n.write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1\n", 0)
	n.write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "0\n", 0)
	n.write("/proc/sys/net/ipv6/conf/br7/disable_ipv6", "1\n", 0)
	if got, want := n.collect(reason.IPv6Disabled, failure.Facts{}, Input{Config: []byte(`{"bridge":"br7"}`)}),
		"sysctl: net.ipv6.conf.all.disable_ipv6 is 1\nsysctl: net.ipv6.conf.br7.disable_ipv6 is 1\n"; got != want {
		t.Errorf("%q", got)
	}
	n.write("/proc/sys/fs/inotify/max_user_instances", "128\n", 0)
	n.write("/proc/sys/fs/inotify/max_user_watches", "8192\n", 0)
	n.want(n.collect(reason.HostResourceExhausted, failure.Facts{Msg: "failed to create fsnotify watcher: no space left on device"}, Input{}), "128 inotify instances and 8192 watches")
	n.write("/proc/self/cgroup", "0::/kubelet.slice\n3:memory:/v1\n", 0)
	n.write("/sys/fs/cgroup/kubelet.slice/memory.events", "oom 1\noom_kill 3\n", 0)
	n.write("/sys/fs/cgroup/memory/v1/memory.oom_control", "oom_kill_disable 0\noom_kill 5\n", 0)
	n.want(n.collect(reason.PluginKilled, failure.Facts{Signal: syscall.SIGKILL}, Input{}), "signal: signal 9 (killed)", "/kubelet.slice counts 3 kills", "/memory/v1 counts 5 kills")
}

func TestKubeconfig(t *testing.T) {
	n := newNode(t)
	from, to := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2021, 1, 2, 3, 4, 5, 0, time.UTC)
	ca := base64.StdEncoding.EncodeToString(certificate(t, from, to))
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1609556645,"sub":"s3cr3t-subject"}`))
	n.write("/etc/cni/net.d/calico-kubeconfig", "apiVersion: v1\nclusters:\n- name: local\n  cluster:\n    certificate-authority-data: "+ca+
		"\nusers:\n- name: calico\n  user:\n    token: \"h."+claims+".s3cr3t\"\n", time.Hour)
	in := Input{Config: []byte(`{"kubernetes":{"kubeconfig":"/etc/cni/net.d/calico-kubeconfig"}}`)}
	tls, auth := n.collect(reason.APITLSError, failure.Facts{}, in), n.collect(reason.APIUnauthorized, failure.Facts{}, in)
	n.want(tls, "certificate-authority of /etc/cni/net.d/calico-kubeconfig expired 2021-01-02T03:04:05Z", "was written")
	n.want(auth, "the token in /etc/cni/net.d/calico-kubeconfig expired 2021-01-02T03:04:05Z")
	for _, secret := range []string{"s3cr3t", ca[:20], claims[:10]} {
		if strings.Contains(tls+auth, secret) {
			t.Errorf("a secret is told: %s%s", tls, auth)
		}
	}
	n.want(n.collect(reason.APITLSError, failure.Facts{}, Input{Config: []byte(`{"kubeconfig":"/none"}`)}), "/none, which the configuration names, is not there")
}

func TestValidity(t *testing.T) {
	for _, years := range []int{1, 100} { // UTCTime, and GeneralizedTime from 2050 on
		from := time.Now().UTC().Truncate(time.Second)
		to := from.AddDate(years, 0, 0)
		der := pemBlocks(string(certificate(t, from, to)))
		if len(der) != 1 {
			t.Fatal("no PEM block")
		}
		if f, u, ok := validity(der[0]); !ok || !f.Equal(from) || !u.Equal(to) {
			t.Errorf("%v to %v, %v; want %v to %v", f, u, ok, from, to)
		}
		for i := range der[0] { // cut short it is no certificate
			if _, _, ok := validity(der[0][:i]); ok {
				t.Fatalf("%d of %d bytes are a certificate", i, len(der[0]))
			}
		}
	}
}

func certificate(t *testing.T, from, to time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "kubernetes"}, NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// TestNothingToSee: an empty node, empty facts and every reason: no fault, and in time.
func TestNothingToSee(t *testing.T) {
	n := newNode(t)
	for _, r := range reason.All() {
		n.collect(r, failure.Facts{}, Input{})
		n.collect(r, failure.Facts{Msg: strings.Repeat("/run/x.sock ", 1<<15), Path: "/\x00"}, Input{Config: []byte("{"), Netns: "\x00", Network: "..", Paths: []string{"", "\x00"}})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := Collect(ctx, &failure.Facts{}, failure.Verdict{Reason: reason.IPAMExhausted}, Input{Root: n.root}); len(got) != 0 {
		t.Errorf("an ended context sees %v", got)
	}
}

// TestBudget: eight thousand reservations, and time to look at a few of them: what was seen is told as a part, and it ends.
func TestBudget(t *testing.T) {
	n := newNode(t)
	dir := filepath.Join(n.root, "/var/lib/cni/networks/big")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 8000 {
		if err := os.WriteFile(fmt.Sprintf("%s/10.0.%d.%d", dir, i/256, i%256), []byte("a\r\neth0"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	n.write("/var/lib/cni/results/x", "", 0)
	facts := &failure.Facts{}
	for budget := time.Microsecond; budget < patience; budget *= 4 {
		var got string
		for _, f := range collect(context.Background(), facts, failure.Verdict{Reason: reason.IPAMExhausted}, Input{Root: n.root, Network: "big"}, budget) {
			got += f.Key + ": " + f.Text + "\n"
		}
		whole := strings.Contains(got, "taken: 8000 addresses") && strings.Contains(got, "gone: none is known")
		if part := got == "" || strings.Contains(got, "at least") || !strings.Contains(got, "gone: "); part == whole {
			t.Errorf("in %v, part and whole: %s", budget, got)
		}
		if whole {
			return
		}
	}
	t.Error("never seen whole")
}

// What blocks host-local's files is looked for only where the plugin has just had an answer about them.
func TestBrokenStore(t *testing.T) {
	const conf = `{"name":"lab","ipam":{"type":"host-local"}}`
	for name, c := range map[string]struct {
		file, conf string
		facts      failure.Facts
		found      bool
	}{
		"its directory":         {"/var/lib/cni/networks/lab", conf, failure.Facts{Msg: "mkdir /var/lib/cni/networks/lab: not a directory"}, true},
		"one above it":          {"/var/lib/cni", conf, failure.Facts{Details: "mkdir /var/lib/cni: not a directory"}, true},
		"on stderr":             {"/var/lib/cni/networks", conf, failure.Facts{Stderr: "mkdir /var/lib/cni/networks: file exists"}, true},
		"a file in it":          {"/var/lib/cni/networks", conf, failure.Facts{Msg: "open /var/lib/cni/networks/lab/lock: not a directory"}, true},
		"another network's":     {"/var/lib/cni/networks", conf, failure.Facts{Msg: "mkdir /var/lib/cni/networks/lab2: not a directory"}, false},
		"no path":               {"/var/lib/cni/networks", conf, failure.Facts{Msg: "exchange failed"}, false},
		"a path in a timeout":   {"/var/lib/cni/networks", conf, failure.Facts{Timeout: true, Stderr: "open /var/lib/cni/networks/lab/lock"}, false},
		"an IPAM of other kind": {"/var/lib/cni/networks", `{"name":"lab","ipam":{"type":"dhcp"}}`, failure.Facts{Msg: "mkdir /var/lib/cni/networks: not a directory"}, false},
	} {
		n := newNode(t)
		n.write(c.file, "", 0)
		cause, fix := BrokenStore(&c.facts, Input{Root: n.root, Config: []byte(c.conf)})
		if found := strings.HasPrefix(cause, c.file+" is a file"); found != c.found || found != strings.HasPrefix(fix, "remove "+c.file) {
			t.Errorf("%s: %q, %q", name, cause, fix)
		}
	}
}

// After a timeout, which may be a disk's that hangs, only what is in memory is read, whatever is looked for.
func TestNoDiskAfterTimeout(t *testing.T) {
	n := newNode(t)
	for _, dir := range []string{"/var/lib", "/run"} {
		n.write(dir+"/agent.sock", "", 0)
	}
	facts := failure.Facts{Timeout: true, Stderr: "dial /var/lib/agent.sock, dial /run/agent.sock"}
	got := n.collect(reason.PluginTimeout, facts, Input{})
	if n.want(got, "/run/agent.sock is there"); strings.Contains(got, "/var/lib") {
		t.Errorf("the disk is read: %s", got)
	}
	n.write("/var/lib/cni/networks/lab/10.1.0.2", "gone", time.Hour)
	for _, r := range []*reason.Reason{reason.IPAMExhausted, reason.StateCorrupt, reason.AgentStateMissing} {
		if got := n.collect(r, facts, Input{Network: "lab", Config: []byte(`{"name":"lab","ipam":{"type":"host-local"}}`)}); strings.Contains(got, "/var/lib") {
			t.Errorf("%s: the disk is read: %s", r.Name, got)
		}
	}
}
