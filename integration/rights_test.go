package integration

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// nobody runs a program as a user without rights.
func (l *lab) nobody(args ...string) (out string, code int) {
	l.Helper()
	c := exec.Command("setpriv", append([]string{"--reuid=65534", "--regid=65534", "--clear-groups"}, args...)...)
	c.Dir = "/"
	b, _ := c.CombinedOutput()
	return string(b), c.ProcessState.ExitCode()
}

// A command that lacks the rights it needs says so in one line and changes nothing; one that only reads says what it could not read.
func TestRights(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0","record":"/run/rec"},]}`)
	l.run("chmod", "644", confDir+"/10-lab.conflist")
	l.outer("lab", "")
	pod := l.attach("/run/rec")
	before := l.files()
	const root = "this needs root, and runs as uid 65534; nothing was changed\n"
	for args, want := range map[string]string{
		"forget lab " + pod.ContainerID + " eth0":           "cni-shim forget: " + root,
		"forget lab " + pod.ContainerID + " eth0 --force":   "cni-shim forget: " + root,
		"forget lab " + pod.ContainerID + " eth0 --dry-run": "cni-shim forget: " + root,
		"forget --stale":              "cni-shim forget: " + root,
		"uninstall":                   "cni-shim uninstall: " + root,
		"uninstall --dry-run":         "cni-shim uninstall: " + root,
		"install":                     "cni-shim install: " + root,
		"probe":                       "cni-shim probe: " + root,
		"watch":                       "cni-shim watch: this writes to /etc/cni/net.d, and may not: permission denied (uid 65534); nothing was changed\n",
		"watch --once":                "cni-shim watch: this writes to /etc/cni/net.d, and may not: permission denied (uid 65534); nothing was changed\n",
		"watch --once --dry-run":      "cni-shim watch: " + root,
		"watch --once --no-restore":   "cni-shim watch: this writes to /run/cni-shim, and may not: permission denied (uid 65534); nothing was changed\n",
		"check --fix /etc/cni/net.d":  "cni-shim check: this writes to /etc/cni/net.d, and may not: permission denied (uid 65534); nothing was changed\n",
		"status --write /run/metrics": "cni-shim status: this writes to /run, and may not: permission denied (uid 65534); nothing was changed\n",
		"bundle":                      "cni-shim bundle: this writes to /, and may not: permission denied (uid 65534); nothing was changed\n",
	} {
		exit := 1
		if strings.HasPrefix(args, "check") || strings.HasPrefix(args, "status") { // their 1 is an answer
			exit = 2
		}
		if out, code := l.nobody(append([]string{shimPath}, strings.Fields(args)...)...); code != exit || out != want {
			t.Errorf("%s: exit %d: %swant %s", args, code, out, want)
		}
	}
	out, code := l.nobody(shimPath, "install", "--dry-run")
	if code != 1 || !strings.Contains(out, "error: not root") {
		t.Errorf("install --dry-run: exit %d: %s", code, out)
	}
	// A container's root without capabilities could run plugins, and they could do nothing.
	c := exec.Command("setpriv", "--bounding-set=-net_admin", shimPath, "forget", "--stale")
	if out, _ := c.CombinedOutput(); c.ProcessState.ExitCode() != 1 || !regexp.MustCompile(`^cni-shim forget: this needs CAP_NET_ADMIN, .*; nothing was changed\n$`).Match(out) {
		t.Errorf("%s", out)
	}
	l.equal("refusals", before, l.files())

	l.run("chmod", "600", confDir+"/10-lab.conflist")
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"status":                {2, "network unknown\n  10-lab.conflist: cannot be opened: permission denied\n  cure: run this as root\n"},
		"status -o npd":         {2, "10-lab.conflist: cannot be opened: permission denied\n"},
		"check /etc/cni/net.d":  {1, "10-lab.conflist cannot be read: permission denied (this check runs as uid 65534) [file-unreadable]\n  fix: run the check as root"},
		"bundle /tmp/rights.gz": {0, "left out: net.d/10-lab.conflist: open /etc/cni/net.d/10-lab.conflist: permission denied\n"},
	} {
		if out, code := l.nobody(append([]string{shimPath}, strings.Fields(args)...)...); code != want.code || !strings.Contains(out, want.text) {
			t.Errorf("%s: exit %d: %s", args, code, out)
		}
	}
	l.run("rm", "/tmp/rights.gz")
}
