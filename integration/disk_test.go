package integration

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A full disk, by blocks and by inodes: pods come and go, and what is not recorded is told.
func TestDiskFull(t *testing.T) {
	options := map[string]string{"blocks": "mode=700,size=64k", "inodes": "mode=700,nr_inodes=2"}
	for _, c := range []struct {
		kind string
		dirs []string
	}{
		{"blocks", []string{stateDir}}, {"blocks", []string{"/run/cni-shim"}}, {"blocks", []string{stateDir, "/run/cni-shim"}},
		{"inodes", []string{stateDir}}, {"inodes", []string{"/run/cni-shim"}}, {"inodes", []string{stateDir, "/run/cni-shim"}},
	} {
		t.Run(c.kind+" of "+strings.Join(c.dirs, " and "), func(t *testing.T) {
			l := newLab(t)
			l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
			outer, pod := l.outer("k8s-pod-network", ""), l.pod()
			for _, d := range c.dirs {
				l.run("mkdir", "-p", d)
				if err := unix.Mount("tmpfs", d, "tmpfs", 0, options[c.kind]); err != nil {
					t.Fatal(err)
				}
				defer func() { _ = unix.Unmount(d, unix.MNT_DETACH) }()
				_ = exec.Command("dd", "if=/dev/zero", "of="+d+"/full", "bs=4k", "count=64").Run()
			}
			if _, err := l.cni.AddNetworkList(l.ctx(), outer, pod); err != nil {
				t.Fatal(err)
			}
			l.journal(len(c.dirs), func(e entry) bool { return strings.Contains(e.get("MESSAGE"), "no space left on device") })
			if err := l.cni.DelNetworkList(l.ctx(), outer, pod); err != nil {
				t.Error(err)
			}
			if left := l.leases("k8s-pod-network"); len(left) != 0 {
				t.Errorf("host-local still holds %v", left)
			}
			l.run("ip", "link", "del", "cni0")
		})
	}
}

// Over an older attachment that can be neither replaced nor removed, ADD stops before its first plugin: DEL would run the older
// one's chain, and leak.
func TestOlderAttachmentStays(t *testing.T) {
	l := newLab(t)
	record := filepath.Join(t.TempDir(), "calls")
	conf := `{"cniVersion":"1.0.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"rec0","record":"` + record + `"}]}}`
	pod := l.pod()
	env := []string{"CNI_CONTAINERID=" + pod.ContainerID, "CNI_NETNS=" + pod.NetNS}
	l.run("mkdir", "-p", stateDir)
	if err := unix.Mount("tmpfs", stateDir, "tmpfs", 0, "mode=700"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Unmount(stateDir, unix.MNT_DETACH) }()
	if out, code := l.plugin("ADD", conf, env...); code != 0 {
		t.Fatal(out)
	}
	if err := unix.Mount("", stateDir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if out, code := l.plugin("ADD", conf, env...); code != 1 || !strings.Contains(out, "an older attachment of this container cannot be replaced") {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, _ := exec.Command("grep", "-c", "", record).Output(); strings.TrimSpace(string(out)) != "1" {
		t.Errorf("%s calls of the plugin, want the first ADD's alone", out)
	}
}

// A corrupt attachment is told and counts as none: DEL runs what else is known, and never succeeds by itself.
func TestCorruptAttachment(t *testing.T) {
	l := newLab(t)
	l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
	outer, pod := l.outer("k8s-pod-network", ""), l.pod()
	if _, err := l.cni.AddNetworkList(l.ctx(), outer, pod); err != nil {
		t.Fatal(err)
	}
	path := stateDir + "/attachments/k8s-pod-network/" + pod.ContainerID + "@eth0"
	if err := os.WriteFile(path, []byte("\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.write("10-bridge.conflist", "broken")
	if err := l.cni.DelNetworkList(l.ctx(), outer, pod); err == nil {
		t.Error("DEL succeeds with a corrupt attachment and a broken chain")
	}
	l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
	if err := l.cni.DelNetworkList(l.ctx(), outer, pod); err != nil {
		t.Error(err)
	}
	l.journal(2, func(e entry) bool {
		return strings.HasPrefix(e.get("MESSAGE"), "the stored attachment is not used: corrupt attachment")
	})
	if left := l.leases("k8s-pod-network"); len(left) != 0 {
		t.Errorf("host-local still holds %v", left)
	}
	l.run("ip", "link", "del", "cni0")
}

// Files that anybody can write to are told: what they say runs as root.
func TestWritableByAnybody(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0","record":"/run/rec"}]}`)
	if err := errors.Join(os.Chmod(confDir+"/10-lab.conflist", 0o666), os.Chmod(confDir, 0o777), os.MkdirAll(stateDir, 0o700), os.Chmod(stateDir, 0o777)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Chmod(stateDir, 0o700); _ = os.Chmod(confDir, 0o755) }()
	if out, code := l.plugin("ADD", `{"cniVersion":"1.0.0","name":"lab","type":"cni-shim"}`, "CNI_NETNS="+l.pod().NetNS); code != 0 {
		t.Fatal(out)
	}
	l.journal(3, func(e entry) bool {
		return strings.Contains(e.get("MESSAGE"), "10-lab.conflist can be written by anybody") || strings.Contains(e.get("MESSAGE"), "/etc/cni/net.d can be written by anybody") || strings.Contains(e.get("MESSAGE"), stateDir+": writable by others")
	})
}

// Nothing to write to, and nobody to log to: pods come and go all the same, and what still works says what does not.
func TestReadOnly(t *testing.T) {
	for name, dirs := range map[string][]string{"state": {stateDir}, "run": {"/run/cni-shim"}, "both": {stateDir, "/run/cni-shim"}} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
			outer, pod := l.outer("k8s-pod-network", ""), l.pod()
			for _, d := range dirs {
				l.run("mkdir", "-p", d)
				if err := unix.Mount("tmpfs", d, "tmpfs", unix.MS_RDONLY, "mode=700"); err != nil {
					t.Fatal(err)
				}
				defer func() { _ = unix.Unmount(d, unix.MNT_DETACH) }()
			}
			if _, err := l.cni.AddNetworkList(l.ctx(), outer, pod); err != nil {
				t.Fatal(err)
			}
			l.journal(1, func(e entry) bool {
				return e.get("PRIORITY") == "4" && strings.Contains(e.get("MESSAGE"), "read-only file system")
			})
			if err := l.cni.DelNetworkList(l.ctx(), outer, pod); err != nil {
				t.Error(err)
			}
			if left := l.leases("k8s-pod-network"); len(left) != 0 {
				t.Errorf("host-local still holds %v", left)
			}
			l.run("ip", "link", "del", "cni0")
		})
	}
}

// A power cut at any moment leaves the old attachment or the new one: what is written is on the disk before its name is, and its
// name is before the first plugin runs.
func TestAttachmentIsDurable(t *testing.T) {
	l := newLab(t)
	l.run("rm", "-rf", stateDir) // made by the call itself, whatever test ran before
	conf := `{"cniVersion":"1.0.0","name":"lab","type":"cni-shim","chain":{"plugins":[{"type":"rec0","record":"/run/rec"}]}}`
	pod := l.pod()
	log := filepath.Join(t.TempDir(), "strace")
	c := exec.Command("strace", "-qq", "-f", "-y", "-o", log, "-e", "trace=mkdirat,mkdir,openat,write,fsync,renameat,renameat2,rename,execve", shimPath)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "CNI_PATH=" + binDir, "CNI_COMMAND=ADD", "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0", "CNI_NETNS=" + pod.NetNS}
	c.Stdin = strings.NewReader(conf)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	// In this order, whatever stands between: each is a pattern of one line.
	const dir = `/var/lib/cni-shim/attachments/lab`
	steps := []string{
		`write\(\d+<` + dir + `/\.tmp/c1@eth0\.\d+>, .*`,
		`fsync\(\d+<` + dir + `/\.tmp/c1@eth0\.\d+>\) += 0`,
		`renameat\(.*` + dir + `/\.tmp/c1@eth0\.\d+", .*"` + dir + `/c1@eth0".*\) += 0`,
		`fsync\(\d+<` + dir + `>\) += 0`,
		`fsync\(\d+</var/lib/cni-shim/attachments>\) += 0`,
		`fsync\(\d+</var/lib/cni-shim>\) += 0`,
		`fsync\(\d+</var/lib>\) += 0`,
		`execve\("` + binDir + `/rec0", .*`,
	}
	lines := strings.Split(string(b), "\n")
	for _, s := range steps {
		want := regexp.MustCompile(`^\d+ +` + s)
		at := slices.IndexFunc(lines, want.MatchString)
		if strings.HasPrefix(s, "execve") { // the VERSION before it needs no attachment
			at = -1
			for i, l := range lines {
				if want.MatchString(l) {
					at = i
				}
			}
		}
		if at < 0 {
			t.Fatalf("no %s in its place:\n%s", s, b)
		}
		lines = lines[at+1:]
	}
}
