package nodecheck

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/rules"
)

// plugin answers VERSION as a plugin of today.
const plugin = "#!/bin/sh\necho '{\"cniVersion\": \"1.1.0\", \"supportedVersions\": [\"0.3.1\", \"0.4.0\", \"1.0.0\", \"1.1.0\"]}'\n"

const (
	inner = `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "ipMasq": true, "ipam": {"type": "host-local", "subnet": "10.1.0.0/16"}}, {"type": "portmap", "capabilities": {"portMappings": true}}]}`
	outer = `{"cniVersion": "1.0.0", "cniVersions": ["1.0.0", "1.1.0"], "name": "lab", "loadOnlyInlinedPlugins": true, "plugins": [{"type": "cni-shim", "chain": "/etc/cni/net.d", "capabilities": {"portMappings": true}}]}`
)

// healthy is a node with the shim, on which nothing is wrong. A file's mode is 755, for programs.
func healthy() map[string]string {
	return map[string]string{
		"/etc/containerd/config.toml":           "version = 2\n",
		"/run/containerd/containerd.sock":       "",
		"/etc/cni/net.d/00-cni-shim.conflist":   outer,
		"/etc/cni/net.d/10-lab.conflist":        inner,
		"/opt/cni/bin/cni-shim":                 plugin,
		"/opt/cni/bin/bridge":                   plugin,
		"/opt/cni/bin/host-local":               plugin,
		"/opt/cni/bin/portmap":                  plugin,
		"/usr/sbin/iptables":                    plugin,
		"/sys/module/veth/refcnt":               "0",
		"/sys/module/bridge/refcnt":             "0",
		"/run/flannel/subnet.env":               "FLANNEL_MTU=1450\n",
		"/var/lib/calico/nodename":              "worker-1",
		"/etc/cni/net.d/calico-kubeconfig":      "kind: Config\n",
		"/lib/modules/" + release() + "/.keep":  "",
		"/var/lib/kubelet/kubeadm-flags.env":    "",
		"/etc/cni/net.d/99-loopback.conf":       `{"cniVersion": "1.0.0", "name": "lo", "type": "loopback"}`,
		"/etc/cni/net.d/README":                 "nothing to read\n",
		"/opt/cni/bin/loopback":                 plugin,
		"/var/lib/cni/networks/lab/last_leased": "",
	}
}

func TestNode(t *testing.T) {
	const list = "/etc/cni/net.d/10-lab.conflist"
	put := func(path, text string) func(map[string]string) {
		return func(f map[string]string) { f[path] = text }
	}
	chain := func(plugins string) func(map[string]string) {
		return put(list, `{"cniVersion": "1.0.0", "name": "lab", "plugins": [`+plugins+`, {"type": "portmap", "capabilities": {"portMappings": true}}]}`)
	}
	drop := func(paths ...string) func(map[string]string) {
		return func(f map[string]string) {
			for _, p := range paths {
				delete(f, p)
			}
		}
	}
	covered := map[string]bool{}
	for name, c := range map[string]struct {
		change func(map[string]string)
		after  func(root string) error
		want   string
	}{
		"healthy":           {want: ""},
		"without the shim":  {change: drop("/etc/cni/net.d/00-cni-shim.conflist", "/opt/cni/bin/cni-shim"), want: ""},
		"nothing":           {change: func(f map[string]string) { clear(f) }, want: "net.d: info [node-runtime-unknown]\nnet.d: error [node-conf-dir-missing]"},
		"runtime's syntax":  {change: put("/etc/containerd/config.toml", "version = \n"), want: "config.toml:1:11: error [node-runtime-config-invalid]"},
		"runtime's section": {change: put("/etc/containerd/config.toml", "version = 3\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nconf_dir = '/x'\n"), want: "config.toml: warning [node-runtime-config-ignored]"},
		"other directory":   {change: put("/etc/containerd/config.toml", "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nconf_dir = '/x'\n"), want: "x: error [node-conf-dir-missing]"},
		"no programs":       {change: put("/etc/containerd/config.toml", "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nbin_dir = '/x'\n"), want: "x: error [node-bin-dir-missing]"},
		"attached twice":    {change: put("/etc/containerd/config.toml", "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nmax_conf_num = 0\n"), want: "00-cni-shim.conflist:1:1: warning [shim-runs-twice]"},
		"default network": {change: func(f map[string]string) {
			noContainerd(f)
			f["/etc/crio/crio.conf"] = "[crio.network]\ncni_default_network = \"other\"\n"
		}, want: "crio.conf: error [node-default-network-missing]"},
		"missing program": {change: drop("/opt/cni/bin/host-local"), want: "10-lab.conflist:1:104: error [node-plugin-missing]"},
		"missing shim":    {change: drop("/opt/cni/bin/cni-shim"), want: "00-cni-shim.conflist:1:128: error [node-plugin-missing]"},
		"not executable":  {after: func(root string) error { return os.Chmod(root+"/opt/cni/bin/portmap", 0o644) }, want: "10-lab.conflist:1:154: error [node-plugin-not-executable]"},
		"other CPU":       {change: put("/opt/cni/bin/bridge", "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x16\x00"), want: "10-lab.conflist:1:61: error [node-plugin-not-executable]"},
		"versions":        {change: put("/opt/cni/bin/bridge", strings.ReplaceAll(plugin, `"1.0.0", `, "")), want: "10-lab.conflist:1:61: warning [node-plugin-version]"},
		"versions for cri-o": {change: func(f map[string]string) {
			noContainerd(f)
			f["/etc/crio/crio.conf"] = ""
			f["/opt/cni/bin/bridge"] = strings.ReplaceAll(plugin, `"1.0.0", `, "")
		}, want: "10-lab.conflist:1:61: error [node-plugin-version]"},
		"a plugin's own ipam": {change: func(f map[string]string) {
			chain(`{"type": "own", "ipam": {"type": "ours"}}`)(f)
			f["/opt/cni/bin/own"] = plugin
		},
			want: "10-lab.conflist:1:85: info [node-plugin-missing]"},
		"flannel": {change: func(f map[string]string) {
			chain(`{"type": "flannel", "delegate": {"isDefaultGateway": true}}`)(f)
			f["/opt/cni/bin/flannel"] = plugin
			delete(f, "/run/flannel/subnet.env")
			delete(f, "/opt/cni/bin/bridge")
		},
			want: "10-lab.conflist:1:61: error [node-file-missing]\n10-lab.conflist:1:84: error [node-plugin-missing]"},
		"calico": {change: func(f map[string]string) {
			chain(`{"type": "calico", "kubernetes": {"kubeconfig": "/etc/calico/kubeconfig"}}`)(f)
			f["/opt/cni/bin/calico"] = plugin
			delete(f, "/var/lib/calico/nodename")
		},
			want: "10-lab.conflist:1:61: error [node-file-missing]\n10-lab.conflist:1:100: warning [kubeconfig-missing]"},
		"tools":       {change: func(f map[string]string) { delete(f, "/usr/sbin/iptables") }, want: "10-lab.conflist:1:61: error [node-tool-missing]\n10-lab.conflist:1:154: warning [node-tool-missing]"},
		"nft will do": {change: func(f map[string]string) { delete(f, "/usr/sbin/iptables"); f["/usr/sbin/nft"] = plugin }, want: ""},
		"kernel": {change: func(f map[string]string) {
			delete(f, "/sys/module/bridge/refcnt")
			f["/lib/modules/"+release()+"/modules.builtin"] = "kernel/drivers/net/veth.ko\n"
			f["/lib/modules/"+release()+"/modules.dep"] = "kernel/net/other.ko:\n"
		}, want: "10-lab.conflist:1:61: warning [node-kernel-module-missing]"},
		"broken list": {change: put(list, strings.Replace(inner, `"lab",`, `"lab",,`, 1)), want: "10-lab.conflist:1:39: error [json-extra-comma]"},
	} {
		t.Run(name, func(t *testing.T) {
			files := healthy()
			if c.change != nil {
				c.change(files)
			}
			root := t.TempDir()
			for path, text := range files {
				path = filepath.Join(root, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if c.after != nil {
				if err := c.after(root); err != nil {
					t.Fatal(err)
				}
			}
			r, err := Node(root)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range r.List {
				covered[d.Rule] = true
				d.File = filepath.Base(d.File)
				got = append(got, fmt.Sprintf("%s: %s [%s]", d.Place, d.Severity, d.Rule))
			}
			if strings.Join(got, "\n") != c.want {
				t.Errorf("got\n%s\nwant\n%s\n%v", strings.Join(got, "\n"), c.want, r.List)
			}
		})
	}
	for _, r := range rules.All() {
		if strings.HasPrefix(r.ID, "node-") && !covered[r.ID] {
			t.Errorf("no case breaks %s", r.ID)
		}
	}
}

// noContainerd takes containerd away.
func noContainerd(f map[string]string) {
	delete(f, "/etc/containerd/config.toml")
	delete(f, "/run/containerd/containerd.sock")
}
