package integration

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
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
		{"blocks", []string{"/run/cni-shim"}}, {"blocks", []string{stateDir, "/run/cni-shim"}},
		{"inodes", []string{"/run/cni-shim"}}, {"inodes", []string{stateDir, "/run/cni-shim"}},
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
			l.journal(1, func(e entry) bool { return strings.Contains(e.get("MESSAGE"), "no space left on device") })
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
	l.run("mkdir", "-p", entries)
	if err := unix.Mount("tmpfs", entries, "tmpfs", 0, "mode=700"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Unmount(entries, unix.MNT_DETACH) }()
	if out, code := l.plugin("ADD", conf, env...); code != 0 {
		t.Fatal(out)
	}
	l.run("ip", "netns", "del", pod.ContainerID) // so that the older one is not up
	l.run("ip", "netns", "add", pod.ContainerID)
	if err := unix.Mount("", entries, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
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
	path := entries + "/k8s-pod-network/" + pod.ContainerID + "@eth0"
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
	if err := errors.Join(os.Chmod(confDir+"/10-lab.conflist", 0o666), os.Chmod(confDir, 0o777), os.MkdirAll(entries, 0o700), os.Chmod(entries, 0o777)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Chmod(entries, 0o700); _ = os.Chmod(confDir, 0o755) }()
	if out, code := l.plugin("ADD", `{"cniVersion":"1.0.0","name":"lab","type":"cni-shim"}`, "CNI_NETNS="+l.pod().NetNS); code != 0 {
		t.Fatal(out)
	}
	l.journal(3, func(e entry) bool {
		return strings.Contains(e.get("MESSAGE"), "10-lab.conflist can be written by anybody") || strings.Contains(e.get("MESSAGE"), "/etc/cni/net.d can be written by anybody") || strings.Contains(e.get("MESSAGE"), entries+": writable by others")
	})
}

// Nothing to write to, and nobody to log to: pods come and go all the same, and what still works says what does not.
func TestReadOnly(t *testing.T) {
	for name, dirs := range map[string][]string{"run": {"/run/cni-shim"}, "both": {stateDir, "/run/cni-shim"}} {
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
