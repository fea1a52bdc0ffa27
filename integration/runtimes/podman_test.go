package runtimes

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/integration/runtimes/node"
)

// Podman 4 with its CNI backend: a container with a published port is reached over IPv4 and IPv6, and leaves nothing.
func TestPodman(t *testing.T) {
	for _, leg := range []string{"without", "with"} {
		t.Run(leg, func(t *testing.T) {
			if !onNode(t) {
				return
			}
			p := &play{T: t, Node: here, shim: leg == "with"}
			p.network(main, p.Sample(main))
			podman(p)
			p.podman("load", "-q", "-i", p.Path("images/httpd.tar"))
			id := strings.TrimSpace(p.podman("run", "-d", "--network", usual, "-p", "18080:80", "--pull", "never", node.HTTPDImage))
			for _, url := range []string{"http://127.0.0.1:18080", "http://10.244.0.1:18080", "http://[fd00:10:244::1]:18080"} {
				if page, err := get(url); err != nil || page != "a page of the pod's\n" {
					t.Errorf("%s: %v %q", url, err, page)
				}
			}
			p.podman("rm", "-f", "-t", "0", id)
			p.left()
			if r := p.rows[len(p.rows)-1]; !r.Works {
				t.Error(r)
			}
			if p.shim && !strings.Contains(p.Journal("info"), "ADD ok") {
				t.Error("podman did not go through the shim:\n" + p.Journal("info"))
			}
		})
	}
}

// podman prepares podman's configuration: the CNI backend, no control groups of systemd's, Debian's libraries from beside the system.
func podman(p *play) {
	must(os.MkdirAll("/etc/containers", 0o755))
	for file, text := range map[string]string{
		"containers.conf": `[network]
network_backend = "cni"
network_config_dir = "` + node.ConfDir + `"
cni_plugin_dirs = ["` + node.BinDir + `"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
conmon_path = ["` + p.Path("debian/usr/bin/conmon") + `"]
[engine.runtimes]
runc = ["` + p.Path("debian/usr/sbin/runc") + `"]
[containers]
cgroups = "enabled"
pids_limit = 0
oom_score_adj = 0
`,
		"policy.json":     `{"default": [{"type": "insecureAcceptAnything"}]}`,
		"registries.conf": "",
		"storage.conf":    "[storage]\ndriver = \"overlay\"\nrunroot = \"/run/containers/storage\"\ngraphroot = \"/var/lib/containers/storage\"\n",
	} {
		must(os.WriteFile("/etc/containers/"+file, []byte(text), 0o644))
	}
}

// podman runs podman and returns what it prints on stdout.
func (p *play) podman(args ...string) string {
	p.Helper()
	c := p.Command(p.Path("debian/usr/bin/podman"), args...)
	c.Env = append(c.Env, "LD_LIBRARY_PATH="+p.Path("debian/usr/lib/x86_64-linux-gnu")+":"+p.Path("debian/lib/x86_64-linux-gnu"))
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		p.Fatalf("podman %s: %v: %s", args[0], err, &stderr)
	}
	return string(out)
}

// get reads a page, once its server is up.
func get(url string) (page string, err error) {
	client := &http.Client{Timeout: 10 * time.Second}
	here.Wait(node.Patience, func() bool {
		var r *http.Response
		if r, err = client.Get(url); err != nil {
			return false
		}
		defer r.Body.Close()
		var b []byte
		b, err = io.ReadAll(r.Body)
		page = string(b)
		return true
	})
	return page, err
}
