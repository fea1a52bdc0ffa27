package release

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// bareDebian is a tarball of this machine's own release without anything that can be done without, made once.
func bareDebian(t *testing.T) string {
	t.Helper()
	suite := strings.TrimSpace(run(t, ".", "sh", "-c", `. /etc/os-release; echo "$VERSION_CODENAME"`))
	cache, err := filepath.Abs(cmp.Or(os.Getenv("CNI_SHIM_CACHE"), top+"/.cache"))
	if err != nil {
		t.Fatal(err)
	}
	tarball := filepath.Join(cache, "debootstrap-"+suite+"-"+runtime.GOARCH+".tar")
	if _, err := os.Stat(tarball); err == nil {
		return tarball
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	mirror := strings.TrimSpace(run(t, ".", "sh", "-c", `apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' | awk -v s="$0" '$1 == s { print $2; exit }'`, suite))
	root := filepath.Join(t.TempDir(), "root")
	run(t, ".", "debootstrap", "--variant=minbase", suite, root, mirror)
	run(t, ".", "sh", "-c", `tar -C "$0" -cf "$1.part" . && mv "$1.part" "$1"`, root, tarball)
	return tarball
}

// The deb in a bare Debian: it changes no network by itself, takes over when told, is upgraded while a pod has its network through
// it, and purged with the pod still there; the pod is then deleted, and the system is what it was.
func TestDeb(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, ".", "tar", "-C", root, "-xf", bareDebian(t))
	later := build(t, top, "v0.1.0", "amd64")
	run(t, ".", "cp", filepath.Join(release(t), "cni-shim_0.1.0~rc.1_amd64.deb"), root+"/one.deb")
	run(t, ".", "cp", filepath.Join(later, "cni-shim_0.1.0_amd64.deb"), root+"/two.deb")
	run(t, ".", "mkdir", "-p", root+"/opt/cni/bin", root+"/etc/cni/net.d", root+"/etc/containerd")
	const plugins = "github.com/containernetworking/plugins/plugins/"
	c := exec.Command("go", "build", "-o", root+"/opt/cni/bin/", "github.com/containernetworking/cni/cnitool", plugins+"main/bridge", plugins+"ipam/host-local")
	c.Dir, c.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for path, text := range map[string]string{
		"/etc/containerd/config.toml":    "version = 3\n",
		"/etc/cni/net.d/10-lab.conflist": `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"bridge","bridge":"lab0","isGateway":true,"ipam":{"type":"host-local","subnet":"10.9.0.0/24"}}]}`,
	} {
		if err := os.WriteFile(root+path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	script, err := filepath.Abs("deb.sh")
	if err != nil {
		t.Fatal(err)
	}
	out := run(t, ".", "unshare", "--mount", "--net", "--propagation", "private", "sh", script, root)
	t.Log(out)
	if !strings.HasSuffix(out, "the same\n") {
		t.Error("the test's script did not come to its end")
	}
}
