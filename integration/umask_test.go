package integration

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// modes are those of all that the shim makes, by the verbs of the plugin and of the tool, under one umask.
func (l *lab) modes(umask string) map[string]fs.FileMode {
	l.Helper()
	l.run("rm", "-rf", "/run/cni-shim", stateDir, "/run/umask", confDir+"/20-broken.conflist.bak")
	l.run("mkdir", "-p", "/run/umask/root/etc/cni/net.d", "/run/umask/root/opt/cni/bin")
	under := func(args ...string) *exec.Cmd {
		c := exec.Command("sh", append([]string{"-c", `umask ` + umask + `; exec "$0" "$@"`, shimPath}, args...)...)
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "CNI_PATH=" + binDir, "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0", "CNI_NETNS=/run/netns/none"}
		return c
	}
	more := ""
	call := func(verb, network string) {
		c := under()
		c.Env = append(c.Env, "CNI_COMMAND="+verb)
		c.Stdin = strings.NewReader(`{"cniVersion":"1.1.0","name":"` + network + `","type":"cni-shim",` + more + `"cni.dev/valid-attachments":[{"containerID":"c1","ifname":"eth0"}]}`)
		_ = c.Run()
	}
	l.file(confDir+"/10-lab.conflist", `{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"rec0","record":"/run/rec"}]}`, 0o640, 0)
	for _, verb := range []string{"ADD", "CHECK", "STATUS", "GC", "FAULT"} {
		call(verb, "lab")
	}
	call("ADD", "other")
	call("DEL", "other")
	more = `"statusFile":"/run/umask/run/deep/status.json","stateDir":"/run/umask/lib/deep",`
	call("ADD", "lab")
	more = ""
	broken := confDir + "/20-broken.conflist"
	l.file(broken, `{"cniVersion":"1.1.0","name":"other","plugins":[{"type":"rec0","record":"/run/rec"},]}`, 0o640, 0)
	l.file("/run/umask/root/etc/cni/net.d/10-lab.conflist", goodChain, 0o640, 0)
	for _, args := range [][]string{
		{"check", "--fix", broken}, {"bundle", "/run/umask/bundle.tar.gz"}, {"status"}, {"status", "--write", "/run/umask/status.prom", "-o", "prom"},
		{"install", "--force", "--root", "/run/umask/root", "--conf-dir", "/etc/cni/net.d", "--bin-dir", "/opt/cni/bin"},
	} {
		if out, err := under(args...).CombinedOutput(); err != nil {
			l.Errorf("%s: %v: %s", args[0], err, out)
		}
	}
	w := under("watch", "--ready-file", "/run/umask/ready", "--textfile", "/run/umask/watch.prom")
	if err := w.Start(); err != nil {
		l.Fatal(err)
	}
	l.wait("the first look, and attachments that are saved", func() bool {
		return exists("/run/umask/ready") && exists("/run/umask/watch.prom") && exists(stateDir+"/attachments/lab/c1@eth0") && exists("/run/cni-shim/attachments/.restored")
	})
	modes := map[string]fs.FileMode{}
	number := regexp.MustCompile(`\d{3,}`)
	for _, root := range []string{"/run/cni-shim", stateDir, "/run/umask", confDir} {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				l.Error(err)
				return nil
			}
			if fi, err := d.Info(); err == nil {
				modes[number.ReplaceAllString(path, "N")] = fi.Mode()
			}
			return nil
		})
	}
	_ = w.Process.Kill()
	_ = w.Wait()
	return modes
}

// What the shim makes has its own mode, whatever the umask of who calls it.
func TestUmask(t *testing.T) {
	l := newLab(t)
	t.Cleanup(func() { l.run("rm", "-rf", "/run/cni-shim", stateDir, "/run/umask") })
	usual := l.modes("0022")
	for path, want := range map[string]fs.FileMode{
		"/run/cni-shim": fs.ModeDir | 0o755, "/run/cni-shim/status.json": 0o644, "/run/cni-shim/records": fs.ModeDir | 0o700, "/run/cni-shim/records/.lock-fold": 0o600,
		"/run/cni-shim/calls": fs.ModeDir | 0o700, "/run/cni-shim/chains": fs.ModeDir | 0o700, "/run/cni-shim/chains/lab": 0o600, stateDir: fs.ModeDir | 0o700,
		"/run/umask/run": fs.ModeDir | 0o755, "/run/umask/run/deep": fs.ModeDir | 0o755, "/run/umask/run/deep/status.json": 0o644, "/run/umask/bundle.tar.gz": 0o600, "/run/umask/ready": 0o644, "/run/umask/watch.prom": 0o644, "/run/umask/status.prom": 0o644, confDir + "/20-broken.conflist": 0o640,
		confDir + "/20-broken.conflist.bak": 0o640, "/run/umask/root/opt/cni/bin/cni-shim": 0o755, "/run/umask/root/var/lib/cni-shim": fs.ModeDir | 0o700,
	} {
		if usual[path] != want {
			t.Errorf("%s: mode %v, want %v", path, usual[path], want)
		}
	}
	if len(usual) < 40 {
		t.Errorf("%d files seen only: %v", len(usual), usual)
	}
	for _, umask := range []string{"0777", "0077", "0000"} {
		got := l.modes(umask)
		for path := range got {
			if got[path] != usual[path] {
				t.Errorf("umask %s: %s: mode %v, with 0022 %v", umask, path, got[path], usual[path])
			}
		}
		if !reflect.DeepEqual(got, usual) {
			t.Errorf("umask %s: %d files, with 0022 %d", umask, len(got), len(usual))
		}
	}
}

// A lock file that nobody may open, as an earlier version left it, is given its mode back by a root that is held to file modes, as a
// service's is.
func TestLockOfModeZero(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", goodChain)
	conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim"}`
	held := []string{"setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search", "--"}
	for range 2 {
		if out, _, code := l.under(held, "STATUS", conf); code != 0 {
			t.Fatal(out)
		}
		const lock = "/run/cni-shim/records/.lock-fold" // which every call takes
		fi, err := os.Stat(lock)
		if err != nil || fi.Mode() != 0o600 {
			t.Fatalf("%s: %v, %v", lock, fi, err)
		}
		if err := os.Chmod(lock, 0); err != nil {
			t.Fatal(err)
		}
	}
	l.write("10-lab.conflist", badChain)
	if out, _, code := l.under(held, "STATUS", conf); code != 1 {
		t.Fatal(out)
	}
	var file struct {
		Verdict struct{ Ready bool }
		Calls   map[string]struct{ Total, Failed int }
	}
	l.status(&file)
	if c := file.Calls["STATUS"]; file.Verdict.Ready || c.Total != 3 || c.Failed != 1 {
		t.Errorf("the status file is not kept: %+v", file)
	}
}
