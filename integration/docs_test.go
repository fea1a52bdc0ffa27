package integration

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// standIns are programs that need a cluster, a service manager or much time. Each checks what it is given and writes it down.
const standIns = `
paths() { for a in "$@"; do case $a in conf/*|*/conf/*) [ -e "$a" ] || { echo "$0: $a: no such file" >&2; exit 1; } ;; esac; done; }
`

var standInFor = map[string]string{
	// The kustomizations and manifests themselves are built and decoded in integration/kubernetes.
	"kubectl": standIns + `case "$*" in
"get nodes -o name") echo node/web-1; echo node/web-2; exit 0 ;;
"apply -f -") grep -q "^kind: " || exit 1 ;;
"apply -k "*|"delete -k "*) [ -f "$3/kustomization.yaml" ] || exit 1 ;;
"-n kube-system rollout status daemonset/cni-shim") ;;
*) echo "no stand-in for kubectl $*" >&2; exit 1 ;;
esac`,
	"systemctl": `case "$1" in enable|restart|stop|status|daemon-reload) ;; *) echo "no stand-in for systemctl $*" >&2; exit 1 ;; esac`,
	// That the target is there and what it would run is expanded; the targets are what CI runs.
	"make": `case $1 in build) exit 0 ;; esac; exec /usr/bin/make -n "$@" >/dev/null`,
	// A follower is left after a moment; kubelet has no unit here.
	"journalctl": `case " $* " in
*" -f "*) timeout 1 /usr/bin/journalctl "$@" || [ $? = 124 ]; exit ;;
*" -u kubelet "*) echo 'kubelet: failed to find plugin "portmap" in path [/opt/cni/bin]'; exit ;;
esac
exec /usr/bin/journalctl "$@"`,
	"cni-shim": `case "$*" in
tail*|"status --watch"*|watch|"watch --conf"*) timeout 1 /opt/cni/bin/cni-shim "$@" || [ $? = 124 ]; exit ;;
install*|uninstall*|explain*) exec "$PROGRAM" "$@" ;; # of a page that shows them alone
esac
exec /opt/cni/bin/cni-shim "$@"`,
}

var shBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// Every command that README, CONTRIBUTING and docs show is run, in the order of the page, on a node with a chain that works and
// without the shim, from a copy of the clone. The generated pages (reasons, rules, failures) show what to do on a node that is ill.
func TestDocs(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, "../README.md", "../CONTRIBUTING.md")
	blocks := 0
	for _, page := range pages {
		switch filepath.Base(page) {
		case "reasons.md", "rules.md", "failures.md":
			continue
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		found := shBlock.FindAllSubmatchIndex(text, -1)
		if blocks += len(found); len(found) == 0 {
			continue
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			l := newLab(t)
			l.runtimeRuns()
			program := l.barren()
			os.Remove(filepath.Join(confDir, "10-lab.conflist"))
			os.Remove(filepath.Join(confDir, "87-podman.conflist"))
			l.write("10-calico.conflist", installLab)
			clone := l.clone(program)
			for _, b := range found {
				l.block(clone, program, fmt.Sprintf("%s:%d", page, 1+bytes.Count(text[:b[0]], []byte("\n"))), string(text[b[2]:b[3]]))
			}
			if exists(shimPath) {
				l.command(program, "uninstall")
			}
		})
	}
	if blocks < 15 {
		t.Errorf("%d blocks", blocks)
	}
}

// clone copies what the commands use of this clone; the program is built already.
func (l *lab) clone(program string) string {
	l.Helper()
	dir := filepath.Join(l.TempDir(), "cni-shim")
	l.run("mkdir", "-p", dir+"/bin", dir+"/stand-ins")
	l.run("cp", "-r", "../conf", "../install.sh", "../Makefile", "../go.mod", "../plugin", "../release", dir)
	l.run("cp", program, dir+"/bin/cni-shim")
	for name, script := range standInFor {
		if err := os.WriteFile(dir+"/stand-ins/"+name, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			l.Fatal(err)
		}
	}
	return dir
}

// block runs one block line by line as a shell does that stops at the first failure.
func (l *lab) block(clone, program, place, script string) {
	l.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*patience)
	defer cancel()
	if !exists(shimPath) && strings.Contains(script, "cni-shim ") && !strings.Contains(script, "install") {
		l.command(program, "install") // a page that begins where the shim is installed
		l.command(shimPath, "watch", "--once")
	}
	c := exec.CommandContext(ctx, "sh", "-e", "-c", script)
	c.Dir = clone
	c.Env = append(os.Environ(), "PATH="+clone+"/stand-ins:"+os.Getenv("PATH"), "PROGRAM="+program, "PAGER=cat", "SYSTEMD_PAGER=cat")
	c.WaitDelay = patience
	if out, err := c.CombinedOutput(); err != nil {
		l.Errorf("%s: %v\n%s\nprints\n%s", place, err, script, out)
	}
}
