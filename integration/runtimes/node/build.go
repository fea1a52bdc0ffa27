package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// program is what is built from one Go module, into a file or a directory of the cache. go build leaves alone what is up to date.
type program struct {
	module, into string // module is a directory from this module's root
	packages     []string
	optimized    bool // as it is released, whatever GOFLAGS says
}

// programs are what every node has.
var programs = []program{
	{module: "../..", into: "cni/cni-shim", packages: []string{"./plugin"}, optimized: true},
	{module: "..", into: "cni/", optimized: true, packages: []string{
		plugins + "main/bridge", plugins + "main/loopback", plugins + "main/ptp", plugins + "ipam/host-local", plugins + "meta/portmap", plugins + "meta/tuning",
	}},
	{module: ".", into: "bin/", packages: []string{
		"github.com/containerd/containerd/v2/cmd/containerd", "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
		"github.com/containerd/containerd/v2/cmd/ctr", "sigs.k8s.io/cri-tools/cmd/crictl", "./pause",
	}},
}

// guests are what some tests need besides, by name. Those with a module of their own are made of the versions that they were
// released with.
var guests = map[string]program{
	"multus":      {module: "multus", into: "cni/", packages: []string{"gopkg.in/k8snetworkplumbingwg/multus-cni.v4/cmd/multus"}},
	"whereabouts": {module: "whereabouts", into: "cni/whereabouts", packages: []string{"github.com/k8snetworkplumbingwg/whereabouts/cmd"}},
	"calico":      {module: "calico", into: "bin/calico-cni", packages: []string{"github.com/projectcalico/calico/cni-plugin/cmd/calico"}},
	"kubelet":     {module: "kubelet", into: "bin/", packages: []string{"k8s.io/kubernetes/cmd/kubelet"}},
}

const plugins = "github.com/containernetworking/plugins/plugins/"

// Build makes the programs and images of a node in the cache, from this module's root directory.
func Build(cache string) error {
	for _, d := range []string{"bin", "cni", "conf", "images"} {
		if err := os.MkdirAll(filepath.Join(cache, d), 0o755); err != nil {
			return err
		}
	}
	if err := build(cache, programs...); err != nil {
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

// BuildGuest makes a program that some tests need besides: multus, whereabouts, calico, kubelet or critest.
func BuildGuest(cache, name string) error {
	if name == "critest" { // a test and nothing else, so it cannot be a tool of this module
		return goTool(".", "test", "-c", "-o", filepath.Join(cache, "bin", name), "sigs.k8s.io/cri-tools/cmd/critest")
	}
	return build(cache, guests[name])
}

func build(cache string, programs ...program) error {
	for _, p := range programs {
		into := filepath.Join(cache, p.into)
		if strings.HasSuffix(p.into, "/") {
			into += "/"
		}
		args := []string{"build", "-trimpath", "-ldflags=-s -w", "-o", into}
		if p.optimized {
			args = append(args, "-gcflags=all=")
		}
		if err := goTool(p.module, append(args, p.packages...)...); err != nil {
			return err
		}
	}
	return nil
}

func goTool(dir string, args ...string) error {
	c := exec.Command("go", args...)
	c.Dir, c.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %v: %s", args[0], err, out)
	}
	return nil
}
