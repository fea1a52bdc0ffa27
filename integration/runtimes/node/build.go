package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// programs are built from Go modules, into sub-directories of the cache. Those that are up to date are left alone by go build.
var programs = []struct {
	module, into string // module is a directory from this module's root
	packages     []string
}{
	{"../..", "cni/cni-shim", []string{"./plugin"}},
	{"..", "cni/", []string{
		plugins + "main/bridge", plugins + "main/loopback", plugins + "main/ptp", plugins + "ipam/host-local", plugins + "meta/portmap", plugins + "meta/tuning",
	}},
	{".", "bin/", []string{
		"github.com/containerd/containerd/v2/cmd/containerd", "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
		"github.com/containerd/containerd/v2/cmd/ctr", "sigs.k8s.io/cri-tools/cmd/crictl", "./pause",
	}},
	{"others", "cni/", []string{"gopkg.in/k8snetworkplumbingwg/multus-cni.v4/cmd/multus"}}, // of a module of its own, so that each has the versions it was made with
}

const plugins = "github.com/containernetworking/plugins/plugins/"

// Build makes every program and image of a node in the cache, from this module's root directory.
func Build(cache string) error {
	for _, d := range []string{"bin", "cni", "conf", "images"} {
		if err := os.MkdirAll(filepath.Join(cache, d), 0o755); err != nil {
			return err
		}
	}
	for _, p := range programs {
		args := append([]string{"build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(cache, p.into)}, p.packages...)
		if strings.HasSuffix(p.into, "/") {
			args[4] += "/"
		}
		if err := goTool(p.module, args...); err != nil {
			return err
		}
	}
	// critest is a test and nothing else, so it cannot be a tool of this module
	if err := goTool(".", "test", "-c", "-o", filepath.Join(cache, "bin", "critest"), "sigs.k8s.io/cri-tools/cmd/critest"); err != nil {
		return err
	}
	if err := unpackDebian(filepath.Join(cache, "debian")); err != nil {
		return err
	}
	for _, f := range []string{Own, "chains/10-bridge.conflist", "chains/10-calico.conflist"} {
		b, err := os.ReadFile(filepath.Join("../../conf", f))
		if err == nil {
			err = os.WriteFile(filepath.Join(cache, "conf", filepath.Base(f)), b, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return packImages(cache)
}

func goTool(dir string, args ...string) error {
	c := exec.Command("go", args...)
	c.Dir, c.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %v: %s", args[0], err, out)
	}
	return nil
}
