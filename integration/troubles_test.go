package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// trouble is one fault of a node, and what is to be said of it.
type trouble struct {
	name     string
	plugins  string       // of the chain, JSON
	version  string       // cniVersion of the chain; "" for 1.0.0
	verb     string       // that fails; "" for ADD
	arrange  func(*scene) // makes the fault; nil where the chain is the fault
	reason   string
	plugin   string   // that is blamed
	cause    string   // stands with it in the first 80 bytes
	evidence []string // what journal and status file tell beside
	unseen   bool     // libcni alone reports success
	hangs    bool     // until somebody loses patience
}

// bridgeChain is a bridge with host-local addresses and more keys.
func bridgeChain(subnet, more string) string {
	return `{"type":"bridge","bridge":"lab1","isGateway":true,` + more + `"ipam":{"type":"host-local","subnet":"` + subnet + `"}}`
}

const (
	plainBridge  = `{"type":"bridge","bridge":"lab1","isGateway":true,"ipam":{"type":"host-local","subnet":"10.7.0.0/24"}}`
	mapped       = plainBridge + `,{"type":"portmap","capabilities":{"portMappings":true}}`
	multusSocket = "/run/multus/multus.sock"
	agentChain   = `{"type":"agentclient","socket":"` + multusSocket + `"}`
	apiChain     = `{"type":"apiclient","kubeconfig":"/etc/cni/net.d/lab.kubeconfig"}`
	reserved     = "/var/lib/cni/networks/lab"
)

var troubles = []*trouble{
	// Addresses.
	{name: "every address of the range is in use", plugins: bridgeChain("10.7.0.0/30", ""),
		arrange: func(s *scene) { s.addOther() },
		reason:  "IPAMExhausted", plugin: "bridge", cause: "no IP addresses available in range",
		evidence: []string{"gives out 10.7.0.0/30", "1 address is reserved in " + reserved, "none is known to belong to a container that is gone"}},
	{name: "every address of the range is reserved for pods that are gone", plugins: bridgeChain("10.7.0.0/29", ""),
		arrange: func(s *scene) {
			s.addOther()
			for i, age := range []time.Duration{time.Hour, 50 * time.Hour, 3 * time.Hour, 4 * time.Hour} {
				s.file(fmt.Sprintf("%s/10.7.0.%d", reserved, 3+i), fmt.Sprintf("dead%d\r\neth0", i), 0o644, age)
			}
		},
		reason: "IPAMExhausted", plugin: "bridge", cause: "no IP addresses available in range",
		evidence: []string{"5 addresses are reserved", "4 of them belong to containers that are gone", "the oldest of those is 10.7.0.4 of container dead1, since ", "(50h0m0s ago)"}},
	{name: "the range does not lie in its subnet", plugins: `{"type":"bridge","bridge":"lab1","ipam":{"type":"host-local","ranges":[[{"subnet":"10.7.0.0/24","rangeStart":"10.8.0.5"}]]}}`,
		reason: "IPAMPoolInvalid", plugin: "bridge", cause: "10.8.0.5 not in network"},
	{name: "the address is reserved already: ADD comes twice", plugins: plainBridge,
		arrange: func(s *scene) { s.add(); s.inPod("ip", "link", "del", "eth0"); s.since = time.Now() },
		reason:  "IPAMAddressConflict", plugin: "bridge", cause: "the address asked for is taken"},
	{name: "the daemon of the dhcp plugin does not run", plugins: `{"type":"bridge","bridge":"lab1","ipam":{"type":"dhcp"}}`,
		reason: "DHCPUnavailable", plugin: "bridge", cause: "dhcp.sock",
		evidence: []string{"/run/cni/dhcp.sock is not there, nor is its directory"}},

	// Interfaces and routes.
	{name: "the bridge has another address", plugins: bridgeChain("10.7.0.0/24", ""),
		arrange: func(s *scene) {
			s.run("ip", "link", "add", "lab1", "type", "bridge")
			s.run("ip", "addr", "add", "10.99.0.1/24", "dev", "lab1")
		},
		reason: "BridgeAddressConflict", plugin: "bridge", cause: `"lab1" already has an IP address`,
		evidence: []string{"lab1 has 10.99.0.1/24", "the configuration wants 10.7.0.1/24"}},
	{name: "the pod has an eth0 already", plugins: plainBridge,
		arrange: func(s *scene) { s.inPod("ip", "link", "add", "eth0", "type", "bridge") },
		reason:  "InterfaceExists", plugin: "bridge", cause: "eth0"},
	{name: "the pod's namespace was deleted", plugins: plainBridge,
		arrange: func(s *scene) { s.run("ip", "netns", "del", s.pod.ContainerID) },
		reason:  "NetnsGone", plugin: "bridge", cause: "failed to open netns",
		evidence: []string{"is not there"}},
	{name: "the master interface is missing", plugins: `{"type":"macvlan","master":"ens77","ipam":{"type":"host-local","subnet":"10.7.0.0/24"}}`,
		reason: "DeviceUnavailable", plugin: "macvlan", cause: "Link not found",
		evidence: []string{"ens77 is not there; this node has lo"}},
	{name: "the host's device is missing", plugins: `{"type":"host-device","device":"ens78"}`,
		reason: "DeviceUnavailable", plugin: "host-device", cause: "Link not found",
		evidence: []string{"ens78 is not there; this node has lo"}},
	{name: "the MTU is more than a link can have", plugins: bridgeChain("10.7.0.0/24", `"mtu":70000,`),
		reason: "InterfaceSetupFailed", plugin: "bridge", cause: "invalid argu",
		evidence: []string{"the configuration's mtu is 70000, a link takes at most 65535"}},
	{name: "a route leads to a gateway that no link reaches", plugins: `{"type":"bridge","bridge":"lab1","ipam":{"type":"host-local","subnet":"10.7.0.0/24","routes":[{"dst":"0.0.0.0/0","gw":"192.0.2.1"}]}}`,
		reason: "RouteConflict", plugin: "bridge", cause: "failed to add route"},
	{name: "IPv6 is switched off on the node", plugins: bridgeChain("2001:db8:7::/64", ""),
		arrange: func(s *scene) { s.sysctl("all", "1"); s.sysctl("default", "1") },
		reason:  "IPv6Disabled", plugin: "bridge", cause: "IPv6",
		evidence: []string{"net.ipv6.conf.all.disable_ipv6 is 1", "net.ipv6.conf.lab1.disable_ipv6 is 1"}},
	{name: "IPv6 is switched off on the bridge", plugins: bridgeChain("2001:db8:7::/64", ""),
		arrange: func(s *scene) {
			s.run("ip", "link", "add", "lab1", "type", "bridge")
			s.sysctl("lab1", "1")
		},
		reason: "IPv6Disabled", plugin: "bridge", cause: "IPv6",
		evidence: []string{"net.ipv6.conf.lab1.disable_ipv6 is 1"}},
	{name: "a sysctl that the kernel does not have", plugins: plainBridge + `,{"type":"tuning","sysctl":{"net.ipv4.conf.eth0.no_such_switch":"1"}}`,
		reason: "KernelSupportMissing", plugin: "tuning", cause: "/proc/sys"},

	// Programs.
	{name: "the plugin is missing", plugins: `{"type":"portmab"}`,
		reason: "PluginNotFound", plugin: "portmab", cause: `no such program in /opt/cni/bin (there is "portmap")`,
		evidence: []string{"/opt/cni/bin holds ", `the name nearest to "portmab" is "portmap"`}},
	{name: "the IPAM plugin is missing", plugins: `{"type":"bridge","bridge":"lab1","ipam":{"type":"host-locale","subnet":"10.7.0.0/24"}}`,
		reason: "PluginNotFound", plugin: "host-locale", cause: `no such program in /opt/cni/bin (there is "host-local")`,
		evidence: []string{`the name nearest to "host-locale" is "host-local"`}},
	{name: "the plugin is built for another CPU", plugins: `{"type":"foreign"}`,
		reason: "PluginNotExecutable", plugin: "foreign", cause: "is built for " + foreignArch(),
		evidence: []string{"/opt/cni/bin/foreign: -rwxr-xr-x"}},
	{name: "the plugin's interpreter is missing", plugins: `{"type":"scripted"}`,
		arrange: func(s *scene) { s.file(binDir+"/scripted", "#!/usr/bin/python2 -E\n", 0o755, 0) },
		reason:  "PluginNotExecutable", plugin: "scripted", cause: `is a script, and its interpreter`,
		evidence: []string{"/opt/cni/bin/scripted: -rwxr-xr-x", "/usr/bin/python2 is not there"}},
	{name: "the plugin's loader is missing", plugins: `{"type":"loaderless"}`,
		reason: "PluginNotExecutable", plugin: "loaderless", cause: "is linked against a loader",
		evidence: []string{"/opt/cni/bin/loaderless: -rwxr-xr-x", strayLoader + " is not there"}},
	{name: "the plugin lies on a noexec mount", plugins: `{"type":"static"}`,
		arrange: func(s *scene) {
			s.tmpfs("/opt/noexec", "mode=755,noexec")
			s.run("cp", binDir+"/static", "/opt/noexec/")
			s.cni.Path = []string{"/opt/noexec", binDir}
		},
		reason: "PermissionDenied", plugin: "static", cause: "denies running it",
		evidence: []string{"the file system of /opt/noexec/static is mounted noexec"}},
	{name: "neither iptables nor nft is installed", plugins: mapped,
		arrange: func(s *scene) { s.path = "/opt/nothing" },
		reason:  "HostToolMissing", plugin: "portmap", cause: `exec: "iptables": executable`,
		evidence: []string{"iptables is in none of /opt/nothing"}},
	{name: "nft is not installed", plugins: plainBridge + `,{"type":"portmap","backend":"nftables","capabilities":{"portMappings":true}}`,
		arrange: func(s *scene) { s.path = "/opt/nothing" },
		reason:  "HostToolMissing", plugin: "portmap", cause: "could not find nftables binary",
		evidence: []string{"nft is in none of /opt/nothing"}},
	{name: "another program holds the xtables lock", plugins: `{"type":"rules"}`,
		arrange: func(s *scene) { s.holdXtables() },
		reason:  "FirewallFailed", plugin: "rules", cause: "a firewall change failed",
		evidence: []string{"/run/xtables.lock is held by process "}},
	{name: "another program holds the xtables lock, and the plugin waits for ever", plugins: mapped, hangs: true,
		arrange: func(s *scene) { s.legacyIptables(); s.holdXtables() },
		reason:  "PluginTimeout", plugin: "portmap", cause: "no answer after",
		evidence: []string{"/run/xtables.lock is held by process "}},

	// How plugins end and what they print.
	{name: "the plugin is killed", plugins: `{"type":"suicide"}`,
		reason: "PluginKilled", plugin: "suicide", cause: "killed by signal 9",
		evidence: []string{"signal 9 (killed)"}},
	{name: "the plugin's control group is out of memory", plugins: `{"type":"hog"}`,
		arrange: func(s *scene) { s.cage(128 << 20) },
		reason:  "PluginKilled", plugin: "hog", cause: "killed by signal 9",
		evidence: []string{"signal 9 (killed)", "counts 1 kill for want of memory", "its memory is limited to 134217728 bytes"}},
	{name: "the plugin hangs", plugins: `{"type":"hang"}`, hangs: true,
		reason: "PluginTimeout", plugin: "hang", cause: "no answer after"},
	{name: "the plugin panics", plugins: `{"type":"panics"}`,
		reason: "PluginCrashed", plugin: "panics", cause: "panic: assignment to entry in nil map"},
	{name: "the plugin succeeds and prints nothing", plugins: `{"type":"silent"}`,
		reason: "InvalidPluginOutput", plugin: "silent", cause: "reported success and printed no result"},
	{name: "the plugin prints a log instead of a result", plugins: `{"type":"babbler"}`,
		reason: "InvalidPluginOutput", plugin: "babbler", cause: "what it printed is no JSON"},
	{name: "the plugin prints a result and an error behind it", plugins: `{"type":"twice"}`,
		reason: "InvalidPluginOutput", plugin: "twice", cause: "printed something after its result"},
	{name: "the result has a null interface", plugins: `{"type":"nullface"}`, unseen: true,
		reason: "InvalidPluginOutput", plugin: "nullface", cause: "null as interface 0, which crashes runtimes"},

	// Agents.
	{name: "flanneld has not written subnet.env", plugins: `{"type":"flannel"}`,
		reason: "AgentStateMissing", plugin: "flannel", cause: "/run/flannel/subnet.env",
		evidence: []string{"/run/flannel/subnet.env is not there; its directory is not there either; flanneld"}},
	{name: "the agent's socket is not there", plugins: agentChain,
		reason: "AgentUnreachable", plugin: "agentclient", cause: "agent",
		evidence: []string{multusSocket + " is not there, nor is its directory"}},
	{name: "nobody listens on the agent's socket", plugins: agentChain,
		arrange: func(s *scene) {
			l := s.listen(multusSocket)
			l.SetUnlinkOnClose(false)
			_ = l.Close()
		},
		reason: "AgentUnreachable", plugin: "agentclient", cause: "agent",
		evidence: []string{multusSocket + " is there since ", "nobody in this network namespace listens on it"}},
	{name: "the agent does not answer", plugins: agentChain,
		arrange: func(s *scene) { s.listen(multusSocket) },
		reason:  "AgentTimeout", plugin: "agentclient", cause: "agent",
		evidence: []string{multusSocket + " is there since ", "somebody listens on it"}},
	{name: "DEL after the agent is gone", plugins: agentChain, verb: "DEL",
		reason: "AgentUnreachable", plugin: "agentclient", cause: "agent",
		evidence: []string{multusSocket + " is not there"}},
	{name: "DEL after the plugin was removed", plugins: plainBridge + `,{"type":"removed"}`, verb: "DEL",
		arrange: func(s *scene) {
			s.run("cp", "-L", binDir+"/rec0", binDir+"/removed")
			s.Cleanup(func() { _ = os.Remove(binDir + "/removed") })
			s.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[`+plainBridge+`,{"type":"removed","record":"/run/rec"}]}`)
			if s.list.Plugins[0].Network.Type == "bridge" {
				s.list = s.load("10-lab.conflist")
			}
			s.rename("removed", "rec1") // poses by that name
			s.add()
			s.run("rm", binDir+"/removed")
			s.since = time.Now()
		},
		reason: "PluginNotFound", plugin: "removed", cause: "no such program in /opt/cni/bin",
		evidence: []string{"/opt/cni/bin holds "}},

	// The API server.
	{name: "the API server refuses the connection", plugins: apiChain,
		arrange: func(s *scene) { s.apiServer(0, "").Close() },
		reason:  "APIUnreachable", plugin: "apiclient", cause: "the API server or datastore",
		evidence: []string{"nobody listens on port 16443", "lab.kubeconfig names the server https://127.0.0.1:16443"}},
	{name: "the API server's certificate is another CA's", plugins: apiChain,
		arrange: func(s *scene) { s.apiServer(200, "stray") },
		reason:  "APITLSError", plugin: "apiclient", cause: "certificate",
		evidence: []string{"certificate-authority of /etc/cni/net.d/lab.kubeconfig is valid from ", "was written"}},
	{name: "the API server's certificate has expired", plugins: apiChain,
		arrange: func(s *scene) { s.apiServer(200, "expired") },
		reason:  "APITLSError", plugin: "apiclient", cause: "certificate",
		evidence: []string{"certificate-authority of /etc/cni/net.d/lab.kubeconfig expired 20"}},
	{name: "the API server answers 401", plugins: apiChain,
		arrange: func(s *scene) { s.apiServer(401, "") },
		reason:  "APIUnauthorized", plugin: "apiclient", cause: "Unauthorized",
		evidence: []string{"the token in /etc/cni/net.d/lab.kubeconfig expired 2020-"}},
	{name: "the API server answers 403", plugins: apiChain,
		arrange: func(s *scene) { s.apiServer(403, "") },
		reason:  "APIForbidden", plugin: "apiclient", cause: "is forbidden"},

	// State and limits.
	{name: "a file stands where host-local keeps its addresses", plugins: `{"type":"bridge","bridge":"lab1","ipam":{"type":"host-local","dataDir":"/run/lab-addresses","subnet":"10.7.0.0/24"}}`,
		arrange: func(s *scene) { s.file("/run/lab-addresses", "", 0o644, 0) },
		reason:  "StateCorrupt", plugin: "bridge", cause: "mkdir /run/lab-addresses: not a directory",
		evidence: []string{"/run/lab-addresses is a file, where host-local needs a directory"}},
	{name: "host-local's directory is a link that leads nowhere", plugins: plainBridge,
		arrange: func(s *scene) {
			s.run("ln", "-s", "/run/nowhere", "/var/lib/cni/networks")
			s.Cleanup(func() { _ = os.Remove("/var/lib/cni/networks") })
		},
		reason: "StateCorrupt", plugin: "bridge", cause: "mkdir /var/lib/cni/networks: file exists",
		evidence: []string{"/var/lib/cni/networks is a link that leads nowhere"}},
	{name: "the runtime names the host's own network namespace", plugins: plainBridge,
		arrange: func(s *scene) {
			drop := func() { _ = exec.Command("ip", "link", "del", "eth0").Run() } // libcni alone leaves it behind
			drop()
			s.Cleanup(drop)
			s.pod.NetNS = "/proc/self/ns/net"
		},
		reason: "InvalidCallerInput", plugin: "bridge", cause: "CNI_NETNS is the host's own network namespace: ",
		evidence: []string{"/proc/self/ns/net is the network namespace of the host itself"}},
	{name: "the runtime names the host's own network namespace, which has that interface", plugins: plainBridge,
		arrange: func(s *scene) {
			s.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "lab1peer")
			s.Cleanup(func() { _ = exec.Command("ip", "link", "del", "eth0").Run() })
			s.pod.NetNS = "/proc/self/ns/net"
		},
		reason: "InvalidCallerInput", plugin: "bridge", cause: "CNI_NETNS is the host's own network namespace: ",
		evidence: []string{"/proc/self/ns/net is the network namespace of the host itself"}},
	{name: "the runtime names a namespace of another kind", plugins: plainBridge,
		arrange: func(s *scene) { s.pod.NetNS = "/proc/self/ns/mnt" },
		reason:  "InvalidCallerInput", plugin: "bridge", cause: "the caller's input is incomplete or refused",
		evidence: []string{"/proc/self/ns/mnt is a namespace of another kind than network"}},
	{name: "the runtime names the host's own network namespace in a DEL", plugins: plainBridge, verb: "DEL",
		arrange: func(s *scene) { s.add(); s.since = time.Now(); s.pod.NetNS = "/proc/self/ns/net" },
		reason:  "InvalidCallerInput", plugin: "bridge", cause: "CNI_NETNS is the host's own network namespace: "},
	{name: "host-local's directory is read-only", plugins: plainBridge,
		arrange: func(s *scene) { s.tmpfs("/var/lib/cni/networks", "ro") },
		reason:  "PermissionDenied", plugin: "bridge", cause: "read-only file system",
		evidence: []string{"the file system of /var/lib/cni/networks is mounted read-only"}},
	{name: "host-local's directory is full", plugins: plainBridge,
		arrange: func(s *scene) {
			s.tmpfs(reserved, "size=16k")
			_ = os.WriteFile(reserved+"/stuff", make([]byte, 1<<20), 0o644) // as much as fits
		},
		reason: "HostResourceExhausted", plugin: "bridge", cause: "no space left on device",
		evidence: []string{"the file system of " + reserved, "is 100% full"}},
	{name: "the host port is taken", plugins: `{"type":"hostport"}`,
		arrange: func(s *scene) {
			l, err := net.Listen("tcp4", ":18080")
			if err != nil {
				s.Fatal(err)
			}
			s.Cleanup(func() { l.Close() })
		},
		reason: "HostPortConflict", plugin: "hostport", cause: "the host port cannot be had",
		evidence: []string{"somebody listens on port 18080"}},

	// Callers and configurations.
	{name: "the plugin does not speak the chain's version", plugins: `{"type":"ancient"}`,
		reason: "VersionIncompatible", plugin: "ancient", cause: "incompatible CNI versions"},
	{name: "CNI_ARGS that the plugin does not know", plugins: plainBridge,
		arrange: func(s *scene) { s.pod.Args = s.pod.Args[1:] }, // without IgnoreUnknown
		reason:  "InvalidCallerInput", plugin: "bridge", cause: "ARGS: unknown args"},
	{name: "portmap stands first in the chain", plugins: `{"type":"portmap","capabilities":{"portMappings":true}}`,
		reason: "ConfigInvalid", plugin: "portmap", cause: "must be called as chained plugin"},
}

// rename lets a copy of the recorder pose under another name: the recorder goes by the name it is called by.
func (s *scene) rename(name, recorder string) {
	s.Helper()
	s.run("rm", "-f", binDir+"/"+name)
	s.file(binDir+"/"+name, "#!/bin/sh\nexec "+binDir+"/"+recorder+"\n", 0o755, 0)
}

// holdXtables takes the lock that iptables takes.
func (s *scene) holdXtables() {
	s.Helper()
	f, err := os.OpenFile("/run/xtables.lock", os.O_CREATE|os.O_RDONLY, 0o600)
	if err == nil {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { f.Close() })
}

// legacyIptables makes iptables the one that takes the lock.
func (s *scene) legacyIptables() {
	s.Helper()
	dir := s.TempDir()
	for _, name := range []string{"iptables", "ip6tables"} {
		if err := os.Symlink("/usr/sbin/"+name+"-legacy", dir+"/"+name); err != nil {
			s.Fatal(err)
		}
	}
	s.path = dir + ":" + s.path
}

// listen makes an agent that takes connections and never answers.
func (s *scene) listen(path string) *net.UnixListener {
	s.Helper()
	s.run("mkdir", "-p", filepath.Dir(path))
	s.Cleanup(func() { _ = os.RemoveAll(filepath.Dir(path)) })
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { l.Close() })
	return l
}

// apiServer answers every request with a status, at the address that the kubeconfig names. kind of certificate: "" for one that the
// kubeconfig's CA signed, "expired" for such a one of yesterday, "stray" for another CA's.
func (s *scene) apiServer(status int, kind string) *httptest.Server {
	s.Helper()
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if kind == "expired" {
		from, to = from.Add(-48*time.Hour), to.Add(-48*time.Hour)
	}
	certificate, ca := selfSigned(s, from, to)
	if kind == "stray" {
		_, ca = selfSigned(s, from, to)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:16443")
	if err != nil {
		s.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}, Config: &http.Server{
		ErrorLog: log.New(&strings.Builder{}, "", 0), // bad handshakes are wanted
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			message := map[int]string{401: "Unauthorized",
				403: `pods "web" is forbidden: User "system:serviceaccount:kube-system:lab" cannot get resource "pods" in API group "" in the namespace "default"`}[status]
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":%q,"code":%d}`, message, status)
		}),
	}}
	server.StartTLS()
	s.Cleanup(server.Close)
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1600000000}`))
	s.write("lab.kubeconfig", fmt.Sprintf(`{"clusters":[{"cluster":{"server":"https://127.0.0.1:16443","certificate-authority-data":%q}}],"users":[{"user":{"token":"x.%s.y"}}]}`,
		base64.StdEncoding.EncodeToString(ca), claims))
	return server
}

func selfSigned(s *scene, from, to time.Time) (tls.Certificate, []byte) {
	s.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kubernetes"}, NotBefore: from, NotAfter: to,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		s.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// cage moves this process into a control group with little memory, and back when the test ends: what it starts is born there,
// as plugins are born in the group of the runtime.
func (s *scene) cage(limit int) {
	s.Helper()
	groups, err := os.ReadFile("/proc/self/cgroup")
	s.need("control groups", err)
	parent, file := "", "memory.max"
	for line := range strings.Lines(string(groups)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 && f[1] == "memory" {
			parent, file = "/sys/fs/cgroup/memory"+f[2], "memory.limit_in_bytes"
			break
		} else if len(f) == 3 && f[1] == "" {
			parent = "/sys/fs/cgroup" + f[2]
		}
	}
	dir, err := os.MkdirTemp(parent, "cni-shim-test-") // others may run these tests on this machine
	s.need("a control group of memory", err)
	self := []byte(fmt.Sprint(os.Getpid()))
	s.Cleanup(func() {
		if err := os.WriteFile(filepath.Join(parent, "cgroup.procs"), self, 0); err != nil {
			s.Error(err)
		}
		s.wait("the control group to be empty", func() bool { return os.Remove(dir) == nil })
	})
	s.need("a limit of memory", os.WriteFile(filepath.Join(dir, file), []byte(fmt.Sprint(limit)), 0))
	s.need("moving into a control group", os.WriteFile(filepath.Join(dir, "cgroup.procs"), self, 0))
}

// sysctl switches IPv6 on an interface of the node off ("1"), and on again after.
func (s *scene) sysctl(name, value string) {
	s.Helper()
	p := "/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6"
	if err := os.WriteFile(p, []byte(value), 0); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.WriteFile(p, []byte("0"), 0) })
}
