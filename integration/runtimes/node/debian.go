package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// packages are taken from Debian and unpacked beside the system, with the libraries that podman needs: nothing is installed, and
// no service starts.
var packages = []string{
	"runc", "containerd", "busybox-static",
	"etcd-server",
	"podman", "conmon", "libgpgme11", "libassuan0", "libsubid4", "libdevmapper1.02.1", "libglib2.0-0", "libseccomp2",
}

// unpackDebian fills a directory with the packages' files; it does nothing where that was done with the same packages.
func unpackDebian(dir string) error {
	done := filepath.Join(dir, ".done")
	list := strings.Join(packages, "\n")
	if b, err := os.ReadFile(done); err == nil && string(b) == list {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	deb := filepath.Join(dir, "deb")
	if err := os.MkdirAll(deb, 0o755); err != nil {
		return err
	}
	for _, args := range [][]string{{"update"}, append([]string{"download"}, packages...)} {
		get := exec.Command("apt-get", append([]string{"-qq", "-o", "APT::Sandbox::User=root"}, args...)...)
		get.Dir = deb
		if out, err := get.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %v: %s", args[0], err, out)
		}
	}
	debs, err := filepath.Glob(deb + "/*.deb")
	if err != nil {
		return err
	}
	for _, d := range debs {
		if out, err := exec.Command("dpkg-deb", "-x", d, dir).CombinedOutput(); err != nil {
			return fmt.Errorf("dpkg-deb -x %s: %v: %s", d, err, out)
		}
	}
	return os.WriteFile(done, []byte(list), 0o644)
}
