package integration

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// blinds are ways to look at calls from where their processes cannot be seen.
var blinds = map[string][]string{
	"hidepid=1":             {"unshare", "-m", "sh", "-c", `mount -t proc -o hidepid=1 proc /proc && exec "$@"`, "sh"},
	"hidepid=2":             {"unshare", "-m", "sh", "-c", `mount -t proc -o hidepid=2 proc /proc && exec "$@"`, "sh"},
	"hidepid=4":             {"unshare", "-m", "sh", "-c", `mount -t proc -o hidepid=4 proc /proc && exec "$@"`, "sh"},
	"no /proc":              {"unshare", "-m", "sh", "-c", `mount -t tmpfs none /proc && exec "$@"`, "sh"},
	"another PID namespace": {"unshare", "-mpf", "--kill-child", "--mount-proc"},
}

// From wherever a watch looks, a call that runs is not reported as killed, and one that was killed is, once.
func TestSeenFromElsewhere(t *testing.T) {
	for name, blind := range blinds {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.write("10-lab.conflist", goodChain)
			path := l.plant("[ $CNI_COMMAND = ADD ] && { echo $$ >/run/sick.pid; sleep 60; }\nexit 0\n")
			_ = os.Remove("/run/sick.pid")
			pod := l.pod()
			c := exec.Command(shimPath)
			c.Env = []string{"PATH=" + os.Getenv("PATH"), path, "CNI_COMMAND=ADD", "CNI_CONTAINERID=" + pod.ContainerID, "CNI_IFNAME=eth0", "CNI_NETNS=" + pod.NetNS}
			c.Stdin = strings.NewReader(fmt.Sprintf(sickConf, ""))
			c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
			l.pid("/run/sick.pid")
			time.Sleep(2500 * time.Millisecond) // a mark so old is no longer one that is just being made
			look := func() {
				t.Helper()
				args := append(blind[1:len(blind):len(blind)], "setpriv", "--bounding-set=-all,+dac_read_search", "--inh-caps=-all", shimPath, "watch", "--once", "--no-restore")
				if out, err := exec.Command(blind[0], args...).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			look()
			var s struct {
				InFlight []struct{ ContainerID, Plugin string }
				Calls    map[string]struct{ Failed int }
			}
			if l.status(&s); s.Calls["ADD"].Failed != 0 || len(s.InFlight) != 1 || s.InFlight[0].Plugin != "sick (1/1)" {
				t.Errorf("a call that runs: %+v\n%s", s, l.run("journalctl", "-t", "cni-shim", "-o", "cat", "-n", "12"))
			}
			_ = c.Process.Kill()
			_ = c.Wait()
			look()
			look()
			if l.status(&s); s.Calls["ADD"].Failed != 1 {
				t.Errorf("a call that was killed: %+v", s)
			}
			l.journal(1, func(e entry) bool {
				return e.get("CNI_REASON") == "PluginTimeout" && e.get("CNI_CONTAINERID") == pod.ContainerID
			})
		})
	}
}

// Calls of another PID namespace that were killed are no recursion of the next.
func TestKilledElsewhere(t *testing.T) {
	l := newLab(t)
	path := l.plant("[ $CNI_COMMAND = ADD ] || exit 0\n[ -e /run/sick.ok ] && { echo '{\"cniVersion\":\"1.1.0\"}'; exit 0; }\necho $$ >/run/sick.pid\nsleep 60\n")
	_ = os.Remove("/run/sick.ok")
	pod := l.pod()
	env := []string{path, "CNI_CONTAINERID=" + pod.ContainerID, "CNI_NETNS=" + pod.NetNS}
	const many = 4
	for range many {
		_ = os.Remove("/run/sick.pid")
		c := exec.Command("unshare", "-mpf", "--kill-child", "--mount-proc", shimPath)
		c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "CNI_COMMAND=ADD", "CNI_IFNAME=eth0"}, env...)
		c.Stdin = strings.NewReader(fmt.Sprintf(sickConf, ""))
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		l.pid("/run/sick.pid")
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	l.run("touch", "/run/sick.ok")
	if out, code := l.plugin("ADD", fmt.Sprintf(sickConf, ""), env...); code != 0 {
		t.Errorf("exit %d: %s", code, out)
	}
	l.wait("all of them reported", func() bool {
		if out, code := l.plugin("STATUS", fmt.Sprintf(sickConf, ""), env...); code != 0 {
			t.Fatal(out)
		}
		var s struct {
			Calls map[string]struct{ Failed int }
		}
		l.status(&s)
		return s.Calls["ADD"].Failed == many
	})
}
