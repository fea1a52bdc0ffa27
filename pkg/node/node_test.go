package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tellRuntimes is what Find says, a runtime a line.
func tellRuntimes(list []Runtime) string {
	var b strings.Builder
	for _, r := range list {
		fmt.Fprintf(&b, "%s running=%v config=%s conf=%s bin=%s max=%d", r.Name(), r.Running, r.Config, r.ConfDir, strings.Join(r.BinDirs, ","), r.MaxConfNum)
		if r.DefaultNetwork != "" {
			fmt.Fprintf(&b, " network=%s", r.DefaultNetwork)
		}
		if r.CallsSTATUS == Yes {
			b.WriteString(" status")
		}
		for _, p := range r.Problems {
			fmt.Fprintf(&b, "\n  %s:%d:%d: %s", p.File, p.Line, p.Column, p.Cause)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestFind(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing": {nil, ""},
		"containerd without a configuration": {map[string]string{"/usr/bin/containerd": ""},
			"containerd running=false config= conf=/etc/cni/net.d bin=/opt/cni/bin max=1\n"},
		"an empty configuration": {map[string]string{"/etc/containerd/config.toml": "", "/run/containerd/containerd.sock": ""},
			"containerd running=true config=/etc/containerd/config.toml conf=/etc/cni/net.d bin=/opt/cni/bin max=1\n"},
		"version 1": {map[string]string{"/etc/containerd/config.toml": "[plugins.cri.cni]\n  conf_dir = \"/a\"\n  bin_dir = \"/b\"\n  max_conf_num = 2\n"},
			"containerd running=false config=/etc/containerd/config.toml conf=/a bin=/b max=2\n"},
		"version 2": {map[string]string{"/etc/containerd/config.toml": "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"/home/kubernetes/bin\"\nmax_conf_num = 0\n"},
			"containerd running=false config=/etc/containerd/config.toml conf=/etc/cni/net.d bin=/home/kubernetes/bin max=0\n"},
		"version 3": {map[string]string{"/etc/containerd/config.toml": "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nbin_dirs = ['/a', '/b']\nconf_dir = '/c'\n"},
			"containerd running=false config=/etc/containerd/config.toml conf=/c bin=/a,/b max=1 status\n"},
		"directories that are not absolute": {map[string]string{"/etc/containerd/config.toml": "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nbin_dirs = ['', '.', 'cni/bin', './b', '/c']\nconf_dir = 'net.d'\n"},
			"containerd running=false config=/etc/containerd/config.toml conf=/net.d bin=/cni/bin,/b,/c max=1 status\n"},
		"the table of another version": {map[string]string{"/etc/containerd/config.toml": "version = 3\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nconf_dir = '/c'\n"},
			"containerd running=false config=/etc/containerd/config.toml conf=/etc/cni/net.d bin=/opt/cni/bin max=1 status\n" +
				"  /etc/containerd/config.toml:0:0: the table \"plugins.io.containerd.grpc.v1.cri.cni\" is that of version 2, and the file is of version 3: it is not read\n"},
		"imports": {map[string]string{
			"/etc/containerd/config.toml":    "version = 2\nimports = ['conf.d/*.toml', '/etc/extra.toml', '/nowhere.toml']\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nconf_dir = '/main'\nbin_dir = '/main'\n",
			"/etc/containerd/conf.d/10.toml": "version = 2\nimports = ['../config.toml']\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nbin_dir = '/ten'\n",
			"/etc/containerd/conf.d/20.toml": "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nbin_dir = '/twenty'\n",
			"/etc/extra.toml":                "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nmax_conf_num = 5\n",
		}, "containerd running=false config=/etc/containerd/config.toml conf=/main bin=/twenty max=5\n"},
		"broken": {map[string]string{"/etc/containerd/config.toml": "version = 2\n[plugins\n"},
			"containerd running=false config=/etc/containerd/config.toml conf=/etc/cni/net.d bin=/opt/cni/bin max=1\n" +
				"  /etc/containerd/config.toml:2:9: toml: expected ']' to close table name\n"},
		"wrong types": {map[string]string{"/etc/containerd/config.toml": "version = 'two'\nimports = 5\n[plugins.cri.cni]\nconf_dir = 1\nbin_dirs = [1]\nmax_conf_num = -1\n"},
			"containerd running=false config=/etc/containerd/config.toml conf=/etc/cni/net.d bin=/opt/cni/bin max=1\n"},
		"k3s beside an old containerd": {map[string]string{
			"/var/lib/rancher/k3s/agent/etc/containerd/config.toml": "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\n  bin_dirs = [\"/var/lib/rancher/k3s/data/cni\"]\n  conf_dir = \"/var/lib/rancher/k3s/agent/etc/cni/net.d\"\n",
			"/run/k3s/containerd/containerd.sock":                   "", "/etc/containerd/config.toml": "",
		}, "k3s (containerd) running=true config=/var/lib/rancher/k3s/agent/etc/containerd/config.toml conf=/var/lib/rancher/k3s/agent/etc/cni/net.d bin=/var/lib/rancher/k3s/data/cni max=1 status\n" +
			"containerd running=false config=/etc/containerd/config.toml conf=/etc/cni/net.d bin=/opt/cni/bin max=1\n"},
		"old k3s": {map[string]string{"/var/lib/rancher/k3s/agent/etc/containerd/config.toml": "", "/var/lib/rancher/k3s/data/current/bin/bridge": ""},
			"k3s (containerd) running=false config=/var/lib/rancher/k3s/agent/etc/containerd/config.toml conf=/var/lib/rancher/k3s/agent/etc/cni/net.d bin=/var/lib/rancher/k3s/data/current/bin max=1\n"},
		"rke2": {map[string]string{"/var/lib/rancher/rke2/agent/etc/containerd/config.toml": "version = 2\n", "/run/k3s/containerd/containerd.sock": ""},
			"rke2 (containerd) running=true config=/var/lib/rancher/rke2/agent/etc/containerd/config.toml conf=/etc/cni/net.d bin=/opt/cni/bin max=1\n"},
		"k0s": {map[string]string{
			"/etc/k0s/containerd.toml":       "version = 2\nimports = [\"/run/k0s/containerd-cri.toml\"]\n",
			"/run/k0s/containerd-cri.toml":   "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"/opt/cni/bin\"\nconf_dir = \"/etc/cni/net.d\"\n",
			"/run/k0s/containerd.sock":       "",
			"/etc/k0s/containerd.d/any.toml": "",
		}, "k0s (containerd) running=true config=/etc/k0s/containerd.toml conf=/etc/cni/net.d bin=/opt/cni/bin max=1\n"},
		"microk8s": {map[string]string{"/var/snap/microk8s/current/args/containerd.toml": "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"${SNAP_DATA}/opt/cni/bin\"\nconf_dir = \"${SNAP_DATA}/args/cni-network\"\n"},
			"microk8s (containerd) running=false config=/var/snap/microk8s/current/args/containerd.toml conf=/var/snap/microk8s/current/args/cni-network bin=/var/snap/microk8s/current/opt/cni/bin max=1\n"},
		"a Google node": {map[string]string{"/etc/containerd/config.toml": "", "/home/kubernetes/bin/loopback": ""},
			"containerd running=false config=/etc/containerd/config.toml conf=/etc/cni/net.d bin=/home/kubernetes/bin max=1\n"},
		"cri-o": {map[string]string{
			"/etc/crio/crio.conf":                   "[crio.network]\nnetwork_dir = \"/main/\"\nplugin_dir = \"/old\"\n",
			"/etc/crio/crio.conf.d/10-crio.conf":    "[crio.network]\nplugin_dirs = [\"/opt/cni/bin/\", \"/usr/libexec/cni\"]\ncni_default_network = \"a\"\n",
			"/etc/crio/crio.conf.d/20-network.conf": "[crio.network]\ncni_default_network = \"b\"\n",
			"/run/crio/crio.sock":                   "",
		}, "cri-o running=true config=/etc/crio/crio.conf conf=/main bin=/opt/cni/bin,/usr/libexec/cni max=1 network=b\n"},
		"cri-o where /var/run is no link": {map[string]string{"/var/run/crio/crio.sock": ""},
			"cri-o running=true config= conf=/etc/cni/net.d bin=/opt/cni/bin max=1\n"},
		"cri-o listens elsewhere": {map[string]string{"/etc/crio/crio.conf": "[crio.api]\nlisten = \"/run/other.sock\"\n", "/var/run/crio/crio.sock": ""},
			"cri-o running=false config=/etc/crio/crio.conf conf=/etc/cni/net.d bin=/opt/cni/bin max=1\n"},
		"cri-o by drop-ins alone": {map[string]string{"/etc/crio/crio.conf.d/10-crio.conf": "[crio]\n"},
			"cri-o running=false config=/etc/crio/crio.conf.d/10-crio.conf conf=/etc/cni/net.d bin=/opt/cni/bin max=1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for path, text := range c.files {
				path = filepath.Join(root, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got := tellRuntimes(Find(root)); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}
