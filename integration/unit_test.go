package integration

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const unitFile = "../conf/systemd/cni-shim-watch.service"

// The unit is one that systemd takes, and what it leaves open to the service is little.
func TestWatchUnit(t *testing.T) {
	l := newLab(t)
	l.run("systemd-analyze", "verify", "--man=no", unitFile)
	out := l.run("systemd-analyze", "security", "--offline=true", "--threshold=30", unitFile) // 3.0
	t.Log(strings.TrimSpace(out[strings.LastIndex(strings.TrimSpace(out), "\n"):]))
}

// Within the bounds that the unit sets (all is read-only but its own directories and /etc/cni, one capability, no network) the watch
// does its work, and it makes no system call that the unit forbids.
func TestWatchWithinUnit(t *testing.T) {
	l := newLab(t)
	unit, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"ProtectSystem=strict", "ReadWritePaths=-/etc/cni", "RuntimeDirectory=cni-shim", "StateDirectory=cni-shim", "PrivateNetwork=yes",
		"CapabilityBoundingSet=CAP_DAC_READ_SEARCH", "NoNewPrivileges=yes", "UMask=0022", "SystemCallFilter=@system-service", "SystemCallFilter=~@privileged @resources"} {
		if !slices.Contains(strings.Split(string(unit), "\n"), line) {
			t.Errorf("this test stands for %s, which the unit does not say", line)
		}
	}
	const trace = stateDir + "/trace"
	l.write("10-lab.conflist", goodChain)
	l.run("chown", "4242", confDir+"/10-lab.conflist") // and nobody else's
	l.run("chmod", "600", confDir+"/10-lab.conflist")
	l.run("mkdir", "-p", stateDir, "/run/cni-shim")
	c := exec.Command("unshare", "-mn", "sh", "-c", `set -e
for d in /etc/cni /run/cni-shim `+stateDir+`; do mount --bind $d $d; done
for d in / /etc /run /var/lib /opt; do mount -o remount,bind,ro $d; done
umask 0022
exec strace -f -qq -o `+trace+` setpriv --no-new-privs --bounding-set=-all,+dac_read_search --inh-caps=-all `+shimPath+` watch --state-dir `+stateDir)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	l.wait("the list", func() bool { return exists(outerList) })
	l.wait("a ready node", func() bool { v, _ := judged(); return v.Verdict.Ready })
	l.run("sh", "-c", "echo '"+badChain+"' >"+confDir+"/10-lab.conflist")
	l.wait("the fault", func() bool { v, _ := judged(); return v.Verdict.Message == badCause })
	l.said("the chain cannot take pods: " + badCause)
	pid := strings.TrimSpace(l.run("pgrep", "-P", itoa(int64(c.Process.Pid)), "cni-shim"))
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil || !strings.Contains(string(status), "CapEff:\t0000000000000004\n") {
		t.Errorf("%v: not within the bounds:\n%s", err, status)
	}
	l.run("kill", pid)
	if err := c.Wait(); err != nil {
		t.Error(err)
	}

	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	_, of, ok := strings.Cut(string(text), `execve("`+shimPath+`", `) // before, it is setpriv's
	if !ok {
		t.Fatalf("no trace of the watch:\n%.2000s", text)
	}
	allowed, denied := l.syscalls("@system-service"), append(l.syscalls("@privileged"), l.syscalls("@resources")...)
	used := map[string]bool{}
	for _, line := range strings.Split(of, "\n") {
		_, call, _ := strings.Cut(line, " ")
		if name, _, ok := strings.Cut(strings.TrimSpace(call), "("); ok && !strings.ContainsAny(name, " <+-?") { // "???" is a thread that was gone when strace asked
			used[name] = true
		}
	}
	for name := range used {
		// That the limit of open files cannot be raised is nothing to the Go runtime.
		if (!slices.Contains(allowed, name) || slices.Contains(denied, name)) && name != "prlimit64" && name != "setrlimit" {
			t.Errorf("%s is not allowed by the unit", name)
		}
	}
	if len(used) < 20 {
		t.Errorf("only %d system calls seen", len(used))
	}
	t.Logf("%d different system calls", len(used))
}

// syscalls lists those of a set of systemd's, the sets in it too.
func (l *lab) syscalls(set string) (names []string) {
	for _, line := range strings.Split(l.run("systemd-analyze", "syscall-filter", set), "\n") {
		switch name := strings.TrimSpace(line); {
		case name == "" || name == set || strings.HasPrefix(name, "#"):
		case strings.HasPrefix(name, "@"):
			names = append(names, l.syscalls(name)...)
		default:
			names = append(names, name)
		}
	}
	return names
}
