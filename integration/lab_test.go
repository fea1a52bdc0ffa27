package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/plugins/pkg/ns"
)

const (
	confDir    = "/etc/cni/net.d"
	statusFile = "/run/cni-shim/status.json"
	stateDir   = "/var/lib/cni-shim"
	entries    = "/run/cni-shim/attachments" // of calls, in memory
)

var serial atomic.Int64

// lab is a fresh node: nothing in net.d, no state, and a cursor in the journal from which this test reads.
type lab struct {
	*testing.T
	since      time.Time
	cni        *libcni.CNIConfig
	lastResult string
}

func newLab(t *testing.T) *lab {
	t.Helper()
	for _, d := range []string{confDir, filepath.Dir(statusFile), stateDir, "/var/lib/cni"} {
		entries, _ := os.ReadDir(d)
		for _, e := range entries {
			if err := os.RemoveAll(filepath.Join(d, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	return &lab{T: t, since: time.Now(), cni: libcni.NewCNIConfig([]string{binDir}, nil)}
}

// write puts a file into net.d.
func (l *lab) write(name, text string) {
	l.Helper()
	if err := os.WriteFile(filepath.Join(confDir, name), []byte(text), 0o644); err != nil {
		l.Fatal(err)
	}
}

// sample reads a file of conf/.
func (l *lab) sample(path string) string {
	l.Helper()
	b, err := os.ReadFile(filepath.Join("..", "conf", path))
	if err != nil {
		l.Fatal(err)
	}
	return string(b)
}

// outer installs the sample outer list for a network of another name, with more keys for the shim's entry.
func (l *lab) outer(network, more string) *libcni.NetworkConfigList {
	l.Helper()
	text := strings.Replace(l.sample("00-cni-shim.conflist"), `"k8s-pod-network"`, `"`+network+`"`, 1)
	if more != "" {
		text = strings.Replace(text, `"chain": "/etc/cni/net.d",`, more+`,`, 1)
	}
	l.write("00-cni-shim.conflist", text)
	return l.load("00-cni-shim.conflist")
}

func (l *lab) load(name string) *libcni.NetworkConfigList {
	l.Helper()
	list, err := libcni.NetworkConfFromFile(filepath.Join(confDir, name))
	if err != nil {
		l.Fatal(err)
	}
	return list
}

// pod makes a network namespace and the call of a pod in it.
func (l *lab) pod() *libcni.RuntimeConf {
	l.Helper()
	id := "pod" + time.Now().Format("150405") + "n" + itoa(serial.Add(1))
	l.run("ip", "netns", "add", id)
	l.Cleanup(func() { _ = exec.Command("ip", "netns", "del", id).Run() })
	return &libcni.RuntimeConf{
		ContainerID: id, NetNS: "/run/netns/" + id, IfName: "eth0",
		Args:           [][2]string{{"IgnoreUnknown", "1"}, {"K8S_POD_NAMESPACE", "default"}, {"K8S_POD_NAME", "web-" + id}, {"K8S_POD_UID", "u-1"}},
		CapabilityArgs: map[string]any{"portMappings": []any{map[string]any{"HostPort": 18080, "ContainerPort": 80, "Protocol": "tcp"}}},
	}
}

func itoa(n int64) string { b, _ := json.Marshal(n); return string(b) }

func (l *lab) run(name string, args ...string) string {
	l.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		l.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// patience is how long tests wait for what has to happen: no machine is as busy as that.
const patience = time.Minute

// within waits until something is so, and is false where that takes longer than limit.
func within(limit time.Duration, is func() bool) bool {
	for end := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
		late := time.Now().After(end) // before asking: who is stopped in between has not been late
		if is() {
			return true
		}
		if late {
			return false
		}
	}
}

// wait fails where something is not so within patience, and returns how long it took.
func (l *lab) wait(what string, is func() bool) time.Duration {
	l.Helper()
	start := time.Now()
	if !within(patience, is) {
		l.Fatalf("waited in vain for %s", what)
	}
	return time.Since(start)
}

// soon fails unless a call takes at most so long once in ten: a fault delays every call, a busy machine only some. The call returns
// what it took.
func (l *lab) soon(most time.Duration, call func() time.Duration) {
	l.Helper()
	took := make([]time.Duration, 10)
	for i := range took {
		if took[i] = call(); took[i] <= most {
			return
		}
	}
	l.Errorf("it took %v, never at most %s", took, most)
}

// ctx bounds a call, so that a hang is a failure with a name.
func (l *lab) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	l.Cleanup(cancel)
	return ctx
}

// entry is one journal entry as `journalctl -o json` prints it.
type entry map[string]any

func (e entry) get(k string) string { s, _ := e[k].(string); return s }

// journal reads this test's entries, waiting until at least n match the filter.
func (l *lab) journal(n int, match func(entry) bool, args ...string) []entry {
	l.Helper()
	var found []entry
	ok := within(patience, func() bool {
		found = nil
		args := append([]string{"-t", "cni-shim", "-o", "json", "--since", "@" + itoa(l.since.Unix())}, args...)
		out, _ := exec.Command("journalctl", args...).Output()
		for _, line := range bytes.Split(out, []byte("\n")) {
			var e entry
			if json.Unmarshal(line, &e) == nil && match(e) && after(e, l.since) {
				found = append(found, e)
			}
		}
		return len(found) >= n
	})
	if !ok {
		l.Fatalf("%d journal entries match, want %d", len(found), n)
	}
	return found
}

func after(e entry, t time.Time) bool {
	var usec int64
	_ = json.Unmarshal([]byte(e.get("__REALTIME_TIMESTAMP")), &usec)
	return usec >= t.UnixMicro()
}

// plugin calls the shim as a runtime would, with stdin and environment of the test's own.
func (l *lab) plugin(verb, stdin string, env ...string) (stdout string, code int) {
	l.Helper()
	c := exec.Command(shimPath)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "CNI_COMMAND=" + verb, "CNI_PATH=" + binDir, "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0", "CNI_NETNS=/run/netns/none"}, env...)
	if dir := os.Getenv("GOCOVERDIR"); dir != "" {
		c.Env = append(c.Env, "GOCOVERDIR="+dir)
	}
	c.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	c.Stdout = &out
	_ = c.Run()
	return out.String(), c.ProcessState.ExitCode()
}

// start makes a call of the shim and does not wait for it: for calls that are to be killed, or to run beside another.
func (l *lab) start(verb, stdin string, env ...string) *exec.Cmd {
	l.Helper()
	c := exec.Command(shimPath)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "CNI_COMMAND=" + verb, "CNI_IFNAME=eth0"}, env...)
	c.Stdin = strings.NewReader(stdin)
	if err := c.Start(); err != nil {
		l.Fatal(err)
	}
	return c
}

// leases are the addresses that host-local holds for a network.
func (l *lab) leases(network string) []string {
	var out []string
	entries, _ := os.ReadDir("/var/lib/cni/networks/" + network)
	for _, e := range entries {
		if strings.ContainsAny(e.Name(), ".:") && !strings.HasPrefix(e.Name(), "last_reserved") {
			out = append(out, e.Name())
		}
	}
	return out
}

// hasInterface tells whether a pod has an interface.
func (l *lab) hasInterface(netns, name string) bool {
	found := false
	err := ns.WithNetNSPath(netns, func(ns.NetNS) error {
		_, err := net.InterfaceByName(name)
		found = err == nil
		return nil
	})
	if err != nil {
		l.Fatal(err)
	}
	return found
}
