package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// probeConf is a node's usual chain, with IPv4 alone: an IPv6 address cannot be used in its first second.
const probeConf = `{"cniVersion":"1.1.0","name":"lab","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":true,"ipam":{"type":"host-local","ranges":[[{"subnet":"10.77.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}`

// host is all that a network plugin could change on a node, byte for byte; counters, and times that pass, left out. Of mounts and
// processes it is what these namespaces have made: what the machine had mounted before may be gone at any time.
func (l *lab) host() string {
	l.Helper()
	var b strings.Builder
	for _, c := range [][]string{
		{"ip", "-details", "address"}, {"ip", "route", "show", "table", "all"}, {"ip", "-6", "route", "show", "table", "all"}, {"ip", "rule"}, {"ip", "-6", "rule"},
		{"ip", "netns"}, {"nft", "-s", "list", "ruleset"}, {"iptables-save"}, {"ip6tables-save"},
	} {
		out := l.run(c[0], c[1:]...)
		if strings.HasSuffix(c[0], "-save") {
			out = regexp.MustCompile(`(?m)^#.*\n|\[\d+:\d+\]`).ReplaceAllString(out, "")
		}
		out = regexp.MustCompile(`(hello|tcn|topology_change|gc|forward_delay)_?timer +[0-9.]+`).ReplaceAllString(out, "")
		fmt.Fprintf(&b, "== %s\n%s", strings.Join(c, " "), out)
	}
	lines, err := mounted()
	if err != nil {
		l.Fatal(err)
	}
	lines = slices.DeleteFunc(lines, func(line string) bool { return inherited[line] })
	fmt.Fprintf(&b, "== mounts\n%s\n== processes\n%s\n", strings.Join(lines, "\n"), strings.Join(l.processes(), "\n"))
	// Of /etc what this namespace changed: the layer below belongs to the machine.
	upper := regexp.MustCompile(`(?m)^overlay /etc overlay .*upperdir=([^, ]+)`).FindStringSubmatch(l.run("cat", "/proc/mounts"))
	if upper == nil {
		l.Fatal("/etc is no overlay")
	}
	for _, dir := range []string{upper[1], "/var/lib", "/run", "/opt"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || strings.HasPrefix(path, "/run/log") || strings.HasPrefix(path, "/run/systemd") || path == "/run/xtables.lock" {
				return err
			}
			fi, err := d.Info()
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s %s", fi.Mode(), path)
			if d.Type().IsRegular() && fi.Size() < 64<<10 {
				text, _ := os.ReadFile(path)
				fmt.Fprintf(&b, " %q", text)
			}
			b.WriteByte('\n')
			return nil
		})
		if err != nil {
			l.Fatal(err)
		}
	}
	return b.String()
}

// processes are the number and name of each that lives in these namespaces.
func (l *lab) processes() (lines []string) {
	l.Helper()
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if end := bytes.LastIndexByte(b, ')'); err == nil && !bytes.HasPrefix(b[end+1:], []byte(" Z")) {
			lines = append(lines, string(b[:end+1]))
		}
	}
	return lines
}

// alone ends what earlier tests have left running: children of killed plugins, which nobody waits for.
func (l *lab) alone() {
	l.Helper()
	keep := []int{1, os.Getpid(), journald.Pid}
	l.wait("nobody else to run", func() bool {
		others := 0
		for _, line := range l.processes() {
			number, _, _ := strings.Cut(line, " ")
			if pid, err := strconv.Atoi(number); err == nil && !slices.Contains(keep, pid) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				others++
			}
		}
		return others == 0
	})
}

// What others unmount and mount while the tests run is not what these namespaces have; what is mounted in them is.
func TestStrangersMount(t *testing.T) {
	l := newLab(t)
	left := exec.Command("sleep", "600") // of an earlier test
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = left.Wait() }()
	l.alone()
	before := l.host()
	if out := l.run("cat", "/proc/mounts"); !strings.Contains(out, stranger()) {
		t.Fatalf("no mount was inherited:\n%s", out)
	}
	l.run("nsenter", "-t", "1", "-m", "sh", "-ec", `umount "$0" && rmdir "$0" && mkdir "$0.2" && mount -t tmpfs tmpfs "$0.2"`, stranger())
	if out := l.run("cat", "/proc/mounts"); strings.Contains(out, stranger()) {
		t.Fatalf("the mount stays, or a new one is seen:\n%s", out)
	}
	l.same("after a stranger's mounts", before, l.host())
	own := t.TempDir()
	if err := unix.Mount("tmpfs", own, "tmpfs", 0, ""); err != nil { // mount(8) keeps a list of its own
		t.Fatal(err)
	}
	if l.host() == before {
		t.Error("a mount of our own is not seen")
	}
	if err := unix.Unmount(own, 0); err != nil {
		t.Fatal(err)
	}
	sleep := exec.Command("sleep", "600")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	if l.host() == before {
		t.Error("a process of our own is not seen")
	}
	_ = sleep.Process.Kill()
	_ = sleep.Wait()
	l.same("at the end", before, l.host())
}

// settled waits until every IPv6 address is known to be nobody else's.
func (l *lab) settled() {
	l.Helper()
	l.wait("addresses that are not tentative", func() bool { return !strings.Contains(l.run("ip", "address"), "tentative") })
}

// same fails with the lines that differ.
func (l *lab) same(when, before, after string) {
	l.Helper()
	if before == after {
		return
	}
	dir := l.TempDir()
	_ = os.WriteFile(dir+"/before", []byte(before), 0o644)
	_ = os.WriteFile(dir+"/after", []byte(after), 0o644)
	out, _ := exec.Command("diff", "-U0", dir+"/before", dir+"/after").Output()
	l.Fatalf("%s the host is another:\n%s", when, out)
}

// Forty probes, eight of them interrupted at any point, leave the host as it was: one on which pods run, and one on which
// the probe is the first to need a bridge and chains.
func TestProbeLeavesNothing(t *testing.T) {
	const runs = 40 // make soak repeats them
	for _, warm := range []bool{true, false} {
		t.Run(fmt.Sprintf("pods run %v", warm), func(t *testing.T) {
			l := newLab(t)
			l.write("10-lab.conflist", probeConf)
			outer := l.outer("lab", "")
			if pod := l.pod(); warm {
				if _, err := l.cni.AddNetworkList(l.ctx(), outer, pod); err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := l.cni.DelNetworkList(l.ctx(), outer, pod); err != nil {
						t.Error(err)
					}
					l.run("ip", "link", "del", "cni0")
				}()
			}
			l.settled()
			l.alone()
			before := l.host()
			took, interrupted := 3*time.Second, 0
			n := runs * 3 / 5
			if !warm {
				n = runs - n
			}
			for i := range n {
				var out bytes.Buffer
				c := exec.Command(shimPath, "probe")
				c.Stdout, c.Stderr = &out, &out
				start := time.Now()
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				when := time.Duration(0)
				if i%5 == 4 {
					when = time.Duration(rand.Int63n(int64(took)))
					time.Sleep(when)
					if err := c.Process.Signal([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}[i%3]); err == nil {
						interrupted++
					}
				}
				err := c.Wait()
				said := out.String()
				if when == 0 {
					took = time.Since(start)
				}
				// One that the signal met before it had begun says nothing, and one that it met at its end has ended well.
				if when == 0 && err != nil || said != "" && !strings.Contains(said, "  left    nothing\n") {
					t.Fatalf("probe %d, interrupted after %s: %v\n%s", i, when, err, said)
				}
				l.same(fmt.Sprintf("after probe %d, interrupted after %s (%s)", i, when, strings.TrimSpace(said)), before, l.host())
			}
			t.Logf("%d probes, %d interrupted", n, interrupted)
		})
	}
}

// What a chain that cannot work shows, line by line; and nothing of it stays.
func TestProbeBroken(t *testing.T) {
	for name, c := range map[string]struct{ conf, want string }{
		"no such program": {
			`{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"bridge"},{"type":"gone"}]}`,
			`probe of lab, cniVersion 1.0.0, from /etc/cni/net.d/10-lab.conflist
  load    gone (2/2)           FAILED: no such program in /opt/cni/bin [PluginNotFound]
          seen: /opt/cni/bin holds PROGRAMS
          cure: install the binary in the directory shown, or remove the configuration that names it
  left    nothing
the chain does NOT work (T)
`},
		"a used-up range": {
			`{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"bridge","bridge":"cni0","ipam":{"type":"host-local","ranges":[[{"subnet":"10.77.0.0/24","rangeStart":"10.77.0.9","rangeEnd":"10.77.0.9","gateway":"10.77.0.9"}]]}},{"type":"portmap"}]}`,
			`probe of lab, cniVersion 1.0.0, from /etc/cni/net.d/10-lab.conflist
  ADD     bridge (1/2)         FAILED in T: failed to allocate for range 0: no IP addresses available in range set: 10.77.0.9-10.77.0.9 [IPAMExhausted]
          seen: host-local gives out 10.77.0.0/24 10.77.0.9-10.77.0.9
          seen: 0 addresses are reserved in /var/lib/cni/networks/lab
          cure: free reservations of pods that are gone, or enlarge the range, the subnet or the node's limit
  DEL     the ADD is undone
  tidied  /var/lib/cni/networks/lab, in which nobody has an address
  tidied  bridge cni0, which was made for the probe and has no ports
  left    nothing
the chain does NOT work (T)
`},
		"a comma": {
			`{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"bridge"},]}`,
			`  load    FAILED 10-lab.conflist:1:64: trailing comma after an element of "plugins" [ConfigInvalid]
          cure: delete the comma
`},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.write("10-lab.conflist", c.conf)
			l.alone()
			before := l.host()
			out, code := l.tool("probe")
			out = regexp.MustCompile(`\b[0-9.]+[mµ]?s\b`).ReplaceAllString(out, "T")
			out = regexp.MustCompile(`/opt/cni/bin holds .*`).ReplaceAllString(out, "/opt/cni/bin holds PROGRAMS")
			if code != 1 || out != c.want {
				t.Errorf("exit %d:\n%s", code, out)
			}
			l.same("after the probe", before, l.host())
		})
	}
}

// A dry run shows what would be run, in order, and changes nothing; it fails where the chain could not begin.
func TestProbeDryRun(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", probeConf)
	before := l.host()
	out, code := l.tool("probe", "--dry-run")
	want := `probe of lab, cniVersion 1.1.0, from /etc/cni/net.d/10-lab.conflist
  plan    /opt/cni/bin/bridge would be run, for bridge (1/2)
  plan    /opt/cni/bin/host-local would be run, for bridge (1/2)
  plan    /opt/cni/bin/portmap would be run, for portmap (2/2)
dry run: nothing was changed
`
	if code != 0 || out != want {
		t.Errorf("exit %d:\n%s", code, out)
	}
	if out, code := l.tool("probe", "--dry-run", "-o", "json"); code != 0 || !strings.Contains(out, `"dryRun": true`) {
		t.Errorf("exit %d:\n%s", code, out)
	}
	l.same("after the dry run", before, l.host())
	l.write("10-lab.conflist", strings.Replace(probeConf, "portmap", "nosuch", 1))
	if out, code := l.tool("probe", "--dry-run"); code != 1 || !strings.Contains(out, "[PluginNotFound]") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

// A probe that is kept can be looked at and is removed by the command that it prints; so is one that was killed outright.
func TestProbeKept(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", probeConf)
	out, code := l.tool("probe", "--keep")
	m := regexp.MustCompile(`remove it: cni-shim (probe --remove (\S+))\n`).FindStringSubmatch(out)
	if code != 0 || m == nil {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	if !l.hasInterface("/run/netns/"+m[2], "eth0") || len(l.leases("lab")) != 1 {
		t.Error("nothing is kept")
	}
	if out, code := l.tool("probe", "--remove", m[2]+"x"); code == 0 || !strings.Contains(out, "no such probe; there is "+m[2]) {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, code := l.tool("probe", "--remove", m[2], "--dry-run"); code != 0 || out != m[2]+": would be removed\ndry run: nothing was changed\n" ||
		!l.hasInterface("/run/netns/"+m[2], "eth0") {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, code := l.tool(strings.Fields(m[1])...); code != 0 || out != m[2]+": removed\n" {
		t.Errorf("exit %d: %s", code, out)
	}
	gone := func() {
		t.Helper()
		netns, _ := os.ReadDir("/run/netns")
		kept, _ := os.ReadDir("/run/cni-shim-probe")
		if len(netns) != 0 || len(kept) != 0 || len(l.leases("lab")) != 0 {
			t.Errorf("left: netns %v, %v, addresses %v", netns, kept, l.leases("lab"))
		}
	}
	gone()

	// Killed between ADD and DEL.
	c := exec.Command(shimPath, "probe")
	pipe, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	for said := ""; !strings.Contains(said, "gateway"); {
		n, err := pipe.Read(buf)
		if err != nil {
			t.Fatal(err, said)
		}
		said += string(buf[:n])
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	kept, _ := os.ReadDir("/run/cni-shim-probe")
	if len(kept) != 1 {
		t.Fatalf("%v", kept)
	}
	if out, code := l.tool("probe", "--remove", kept[0].Name()); code != 0 {
		t.Errorf("exit %d: %s", code, out)
	}
	gone()
	l.run("ip", "link", "del", "cni0")
}

// A file is tried before it is put in place, with the arguments of a pod, and told to machines.
func TestProbeConfig(t *testing.T) {
	l := newLab(t)
	record := filepath.Join(t.TempDir(), "calls")
	file := filepath.Join(t.TempDir(), "10-new.conflist")
	conf := `{"cniVersion":"1.1.0","name":"new","plugins":[{"type":"rec0","record":"` + record + `","capabilities":{"portMappings":true,"dns":true}}]}`
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ := l.tool("probe", "--config", file, "--pod", "shop/cart-0", "-o", "json")
	var r struct {
		Works, Clean bool
		Network      string
		Steps        []struct {
			Do, Plugin, Text string
			OK               bool
		}
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err, out)
	}
	var did []string
	for _, s := range r.Steps {
		did = append(did, fmt.Sprint(s.Do, " ", s.Plugin, " ", s.OK))
	}
	// The recorder makes no interface, and so the pod would have no network.
	if want := "ADD rec0 (1/1) true;pod  false;CHECK rec0 (1/1) true;STATUS rec0 (1/1) true;DEL rec0 (1/1) true"; strings.Join(did, ";") != want || r.Works || !r.Clean || r.Network != "new" {
		t.Errorf("%q %+v\n%s", did, r, out)
	}
	calls, _ := os.ReadFile(record)
	for _, want := range []string{"K8S_POD_NAMESPACE=shop;K8S_POD_NAME=cart-0;", "hostPort", "runtimeConfig"} {
		if !strings.Contains(string(calls), want) {
			t.Errorf("no %q in the plugin's calls:\n%s", want, calls)
		}
	}
	if out, code := l.tool("probe", "--pod", "cart-0"); code != 2 || !strings.Contains(out, "--pod wants NAMESPACE/NAME") {
		t.Errorf("exit %d: %s", code, out)
	}
}

// A DEL that fails is told, and what it needs stays, so that it can be tried again when its cause is cured.
func TestProbeCannotDelete(t *testing.T) {
	l := newLab(t)
	dir := strings.TrimPrefix(l.plant(`case $CNI_COMMAND in
ADD) echo '{"cniVersion":"1.0.0"}' ;;
DEL) [ ! -e /run/agent-is-down ] || { echo '{"code":11,"msg":"the agent is down"}'; exit 1; } ;;
esac
exit 0
`), "CNI_PATH=")
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"sick"}]}`)
	l.run("touch", "/run/agent-is-down")
	out, code := l.tool("probe", "--bin-dir", dir)
	m := regexp.MustCompile(`(?s)  DEL     sick \(1/1\)           FAILED in .*: the agent is down .*remove it: cni-shim (probe --remove \S+)\n$`).FindStringSubmatch(out)
	if code != 1 || m == nil {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	if out, code := l.tool(strings.Fields(m[1])...); code != 1 || !strings.Contains(out, "the agent is down") {
		t.Errorf("exit %d: %s", code, out)
	}
	l.run("rm", "/run/agent-is-down")
	if out, code := l.tool(strings.Fields(m[1])...); code != 0 {
		t.Errorf("exit %d: %s", code, out)
	}
	if netns, _ := os.ReadDir("/run/netns"); len(netns) != 0 {
		t.Errorf("left: %v", netns)
	}
}
