package install

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/outer"
)

const (
	containerdV2 = "/etc/containerd/config.toml"
	list         = "/etc/cni/net.d/10-lab.conflist"
	lab          = `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "capabilities": {"zap": true}}, {"type": "portmap"}]}`
)

// tree makes a node out of names and texts. A text that begins with "-> " is a link, a name that ends in a slash a directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		at := filepath.Join(root, name)
		err := os.MkdirAll(filepath.Dir(at), 0o755)
		switch target, link := strings.CutPrefix(text, "-> "); {
		case err != nil:
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(at, 0o755)
		case link:
			err = os.Symlink(target, at)
		default:
			err = os.WriteFile(at, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// healthy is a node on which nothing stands against an install.
func healthy(more map[string]string) map[string]string {
	files := map[string]string{containerdV2: "version = 3\n", list: lab, "/etc/cni/net.d/": "", "/opt/cni/bin/": "", "/var/lib/": "", "/etc/systemd/system/": "", "/usr/local/bin/": "",
		"/usr/share/man/": "", "/usr/share/zsh/": "", "/usr/share/bash-completion/": "", "/usr/lib/tmpfiles.d/": "", "/usr/lib/systemd/catalog/": ""}
	for name, text := range more {
		if text == "absent" {
			delete(files, name)
		} else {
			files[name] = text
		}
	}
	return files
}

// snapshot tells a tree: names, modes, owners, texts, and mtimes of files.
func snapshot(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		st := fi.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&b, "%s %s %d:%d", strings.TrimPrefix(path, root), fi.Mode(), st.Uid, st.Gid)
		switch {
		case fi.Mode().IsRegular():
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %v %q", fi.ModTime(), text)
		case fi.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			b.WriteString(" -> " + target)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// program is a stand-in for the binary; a unit test installs no megabytes.
func program(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func plan(t *testing.T, o Options) *Plan {
	t.Helper()
	if o.Program == "" {
		o.Program = program(t, "one")
	}
	o.Completion = func(shell string) []byte { return []byte(shell) }
	p, err := New(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func apply(t *testing.T, o Options) *Plan {
	t.Helper()
	p := plan(t, o)
	if err := p.Apply(context.Background()); err != nil {
		t.Fatal(err, p.Obstacles)
	}
	return p
}

func uninstall(t *testing.T, root string) *Removal {
	t.Helper()
	r, err := Uninstall(context.Background(), Options{Root: root}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Taken over, once more, upgraded, given back: a second run changes nothing, and in the end the tree is the one it was, whatever
// the umask and the kind of node.
func TestThereAndBack(t *testing.T) {
	for name, more := range map[string]map[string]string{
		"containerd":     nil,
		"a bare node":    {list: "absent", "/etc/cni/net.d/": "absent", "/var/lib/": "absent", "/opt/cni/bin/": "absent", "/etc/systemd/system/": "absent", "/usr/share/man/": "absent"},
		"k3s":            {"/var/lib/rancher/k3s/agent/etc/containerd/config.toml": "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nbin_dirs = ['/var/lib/rancher/k3s/data/cni']\nconf_dir = '/var/lib/rancher/k3s/agent/etc/cni/net.d'\n", "/var/lib/rancher/k3s/agent/etc/cni/net.d/10-flannel.conflist": lab, "/run/k3s/containerd/containerd.sock": ""},
		"links inside":   {"/opt/cni/bin/": "absent", "/opt/cni/bin": "-> ../../usr/libexec/cni", "/usr/libexec/cni/bridge": "x"},
		"a full net.d":   {"/etc/cni/net.d/20-other.conf": "{", "/etc/cni/net.d/lab/10-more.conf": "{}", "/etc/cni/net.d/README": "words"},
		"vendor's files": {"/usr/lib/systemd/system/cni-shim-watch.service": "x", "/usr/bin/cni-shim": "x", "/usr/share/man/man1/cni-shim.1.gz": "x"},
	} {
		t.Run(name, func(t *testing.T) {
			root := tree(t, healthy(more))
			defer syscall.Umask(syscall.Umask(0o077))
			before := snapshot(t, root)
			if plan(t, Options{Root: root}).Changes(); snapshot(t, root) != before {
				t.Fatal("a plan changes the node")
			}
			one := program(t, "one")
			p := apply(t, Options{Root: root, Program: one})
			installed := snapshot(t, root)
			if text, err := os.ReadFile(under(root, p.BinDir+"/cni-shim")); err != nil || string(text) != "one" {
				t.Errorf("the program: %q %v", text, err)
			}
			if _, err := outer.Parse(must(os.ReadFile(under(root, p.ConfDir+"/"+outer.Name)))); err != nil {
				t.Errorf("the list: %v", err)
			}
			if p := apply(t, Options{Root: root, Program: one}); p.Changes() {
				t.Errorf("a second run wants %v", p.Actions)
			}
			if again := snapshot(t, root); again != installed {
				t.Errorf("a second run changes\n%s\nto\n%s", installed, again)
			}
			apply(t, Options{Root: root, Program: program(t, "two")})
			if text, _ := os.ReadFile(under(root, p.BinDir+"/cni-shim")); string(text) != "two" {
				t.Errorf("upgraded to %q", text)
			}
			if r := uninstall(t, root); len(r.Left)+len(r.Notes) > 0 {
				t.Errorf("%q %q", r.Left, r.Notes)
			}
			if after := snapshot(t, root); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", before, after)
			}
			if r := uninstall(t, root); len(r.Actions)+len(r.Left) > 0 {
				t.Errorf("a second time: %v %v", r.Actions, r.Left)
			}
		})
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// What stands against an install, and what is done with the list.
func TestObstacles(t *testing.T) {
	crio := func(text string) map[string]string {
		return map[string]string{containerdV2: "absent", "/etc/crio/crio.conf": text}
	}
	for name, c := range map[string]struct {
		more map[string]string
		o    Options
		then func(root string) error
		want string
	}{
		"nothing": {want: "write: /etc/cni/net.d/00-cni-shim.conflist"},
		"max_conf_num": {more: map[string]string{containerdV2: "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nmax_conf_num = 0\n"},
			want: "error: /etc/containerd/config.toml sets max_conf_num = 0: every pod would be attached to the shim's list, and to the chain that it wraps once more\nwrite: /etc/cni/net.d/00-cni-shim.conflist"},
		"max_conf_num and a chain elsewhere": {more: map[string]string{containerdV2: "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nmax_conf_num = 0\n", "/etc/cni/chain/10-lab.conflist": lab}, o: Options{Chain: "/etc/cni/chain"},
			want: "write: /etc/cni/net.d/00-cni-shim.conflist"},
		"default network": {more: crio("[crio.network]\ncni_default_network = \"other\"\n"),
			want: "error: /etc/crio/crio.conf wants the network \"other\" (cni_default_network), and the chain's is lab: the shim would never run\nwrite: /etc/cni/net.d/00-cni-shim.conflist"},
		"its own default network": {more: crio("[crio.network]\ncni_default_network = \"lab\"\n"), want: "write: /etc/cni/net.d/00-cni-shim.conflist"},
		"Cilium": {more: map[string]string{list: "absent", "/etc/cni/net.d/05-cilium.conflist": `{"cniVersion":"0.3.1","name":"cilium","plugins":[{"type":"cilium-cni"}]}`},
			want: "warning: 05-cilium.conflist shows Cilium on this node, which renames every configuration that is not its own, the shim's too, unless it is told not to\nwrite: /etc/cni/net.d/00-cni-shim.conflist"},
		"Multus by itself": {more: map[string]string{"/etc/cni/net.d/00-multus.conf": `{"cniVersion":"0.3.1","name":"multus-cni-network","type":"multus","delegates":[{"type":"bridge","name":"x"}]}`},
			want: "error: 00-multus.conf was written by Multus for the first file that it found; it would find the shim's list next, which runs Multus: a circle\nwrite: /etc/cni/net.d/00-cni-shim.conflist"},
		"a name before": {more: map[string]string{"/etc/cni/net.d/.hidden.conf": "{}"},
			want: "error: /etc/cni/net.d/.hidden.conf sorts before 00-cni-shim.conflist: the runtime would use it, and never the shim\nwarning: .hidden.conf:1:1: the network has no \"name\"\nwrite: /etc/cni/net.d/00-cni-shim.conflist"},
		"another's list of that name": {more: map[string]string{"/etc/cni/net.d/00-cni-shim.conflist": lab},
			want: "error: /etc/cni/net.d/00-cni-shim.conflist is a list that the shim does not stand in"},
		"the shim elsewhere": {more: map[string]string{"/etc/cni/net.d/05-own.conflist": strings.Replace(lab, `"plugins": [`, `"plugins": [{"type":"cni-shim"}, `, 1)},
			want: "leave: /etc/cni/net.d/00-cni-shim.conflist: the shim stands in 05-own.conflist already"},
		"no chain, and STATUS": {more: map[string]string{list: "absent"},
			want: "warning: net.d: no network configuration\nwrite: /etc/cni/net.d/00-cni-shim.conflist"},
		"a broken chain, and STATUS": {more: map[string]string{list: "{"},
			want: "warning: 10-lab.conflist:1:2: the text ends inside the configuration, 1 bracket open\nwrite: /etc/cni/net.d/00-cni-shim.conflist"},
		"no chain, and an older runtime": {more: map[string]string{list: "absent", containerdV2: "version = 2\n"},
			want: "warning: net.d: no network configuration\nwait: /etc/cni/net.d/00-cni-shim.conflist: until the chain can take pods: this runtime does not ask for STATUS, as far as can be told, and would take the node for ready"},
		"no chain, and a program that asks": {more: map[string]string{list: "absent", containerdV2: "version = 2\n", "/usr/bin/containerd": "\x7fELF…" + strings.Repeat("x", 1<<20) + "dep\tgithub.com/containerd/go-cni\tv1.1.13\th1:x\n"},
			want: "warning: net.d: no network configuration\nwrite: /etc/cni/net.d/00-cni-shim.conflist"},
		"no chain, and a program that does not": {more: map[string]string{list: "absent", containerdV2: "version = 2\n", "/usr/bin/containerd": "dep\tgithub.com/containerd/go-cni\tv1.1.9\n"},
			want: "warning: net.d: no network configuration\nwait: /etc/cni/net.d/00-cni-shim.conflist: until the chain can take pods: this runtime does not ask for STATUS, as far as can be told, and would take the node for ready"},
		"others can write": {then: func(root string) error { return os.Chmod(root+"/opt/cni/bin", 0o777) },
			want: "error: /opt/cni/bin: others than root can write to it (drwxrwxrwx)\nwrite: /etc/cni/net.d/00-cni-shim.conflist"},
		"another's directory": {then: func(root string) error { return os.Chown(root+"/etc/cni", 4242, 0) },
			want: "error: /etc/cni: others than root can write to it (drwxr-xr-x)\nwrite: /etc/cni/net.d/00-cni-shim.conflist"},
		"a link that leads out": {more: map[string]string{"/opt/cni/bin/": "absent", "/opt/cni/bin": "-> /tmp"},
			want: "error: /tmp: others than root can write to it (dtrwxrwxrwx)\nwrite: /etc/cni/net.d/00-cni-shim.conflist"},
		"SELinux": {more: map[string]string{"/sys/fs/selinux/enforce": "1"},
			want: "warning: SELinux enforces, and there is no plugin in /opt/cni/bin whose label the shim could take\nwrite: /etc/cni/net.d/00-cni-shim.conflist"},
		"SELinux with labels": {more: map[string]string{"/sys/fs/selinux/enforce": "1", "/opt/cni/bin/bridge": "x"},
			then: func(root string) error {
				return syscall.Setxattr(root+"/opt/cni/bin/bridge", selinuxXattr, []byte("system_u:object_r:bin_t:s0\x00"), 0)
			},
			want: "write: /etc/cni/net.d/00-cni-shim.conflist"},
	} {
		t.Run(name, func(t *testing.T) {
			root := tree(t, healthy(c.more))
			if c.then != nil {
				if err := c.then(root); err != nil {
					t.Fatal(err)
				}
			}
			c.o.Root = root
			p := plan(t, c.o)
			var got []string
			for _, o := range p.Obstacles {
				got = append(got, fmt.Sprintf("%s: %s", o.Severity, o.Cause))
			}
			for _, a := range p.Actions {
				if filepath.Base(a.Path) == outer.Name {
					got = append(got, strings.TrimSuffix(fmt.Sprintf("%s: %s: %s", a.Do, a.Path, a.Why), ": "))
				}
			}
			if g := strings.Join(got, "\n"); g != c.want {
				t.Errorf("got\n%s\nwant\n%s", g, c.want)
			}
			before := snapshot(t, root)
			if err := p.Apply(context.Background()); (err != nil) != p.Refused() {
				t.Fatalf("%v", err)
			}
			if p.Refused() && snapshot(t, root) != before {
				t.Error("refused, and yet something is changed")
			}
			if name == "SELinux with labels" {
				b := make([]byte, 100)
				n, err := syscall.Getxattr(root+"/opt/cni/bin/cni-shim", selinuxXattr, b)
				if err != nil || string(b[:n]) != "system_u:object_r:bin_t:s0\x00" {
					t.Errorf("label %q %v", b[:max(0, n)], err)
				}
			}
		})
	}
}

// A file that somebody else has laid where a support file goes stays, in coming and in going, and so does one of ours that
// somebody has edited; a link in a file's place is not followed.
func TestOthersFiles(t *testing.T) {
	const page, unit = "/usr/local/share/man/man1/cni-shim.1", adminUnit
	root := tree(t, healthy(map[string]string{page: "mine", "/target": "precious", "/opt/cni/bin/cni-shim": "-> ../../../target"}))
	p := apply(t, Options{Root: root})
	for _, a := range p.Actions {
		if (a.Do == Leave) != (a.Path == page) {
			t.Errorf("%v", a)
		}
	}
	if err := os.WriteFile(root+unit, []byte("edited"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root+"/var/lib/cni-shim/other", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	r := uninstall(t, root)
	if want := unit + " was changed since it was installed, and is left"; len(r.Left) != 1 || r.Left[0] != want {
		t.Errorf("%q", r.Left)
	}
	for path, want := range map[string]string{page: "mine", unit: "edited", "/target": "precious", "/var/lib/cni-shim/other": ""} {
		if got, err := os.ReadFile(root + path); err != nil || string(got) != want {
			t.Errorf("%s: %q %v", path, got, err)
		}
	}
	if exists(root + "/opt/cni/bin/cni-shim") {
		t.Error("the program is left")
	}
}

// A list that needs the program keeps it; an admin's list gives its chain back.
func TestUninstallKeepsTheNodeRunning(t *testing.T) {
	own := func(entry string) string {
		return `{"cniVersion":"1.0.0","name":"lab","plugins":[` + entry + `]}`
	}
	for name, c := range map[string]struct {
		files map[string]string
		left  string
		list  string // what 00-cni-shim.conflist then is
	}{
		"another list": {map[string]string{"/etc/cni/net.d/05-own.conflist": own(`{"type":"cni-shim"},{"type":"bridge"}`)},
			"/etc/cni/net.d/05-own.conflist names cni-shim: /opt/cni/bin/cni-shim is left, since the node would stop without it; take the entry out and run uninstall again", ""},
		"inline": {map[string]string{"/etc/cni/net.d/00-cni-shim.conflist": own(`{"type":"cni-shim","chain":{"plugins":[{"type":"bridge","x":1.50}]}}`)},
			"", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"bridge","x":1.50}]}`},
		"bare": {map[string]string{"/etc/cni/net.d/00-cni-shim.conflist": own(`{"type":"cni-shim"},{"type":"bridge","x":1.50}`)},
			"", "{\n  \"cniVersion\": \"1.0.0\",\n  \"name\": \"lab\",\n  \"plugins\": [\n    {\n      \"type\": \"bridge\",\n      \"x\": 1.50\n    }\n  ]\n}\n"},
		"broken": {map[string]string{"/etc/cni/net.d/00-cni-shim.conflist": `{"type":"cni-shim"`}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.files["/opt/cni/bin/cni-shim"] = "x"
			c.files["/var/lib/cni-shim/attachments/lab/pod@eth0"] = "x"
			root := tree(t, healthy(c.files))
			r := uninstall(t, root)
			if strings.Join(r.Left, "\n") != c.left || exists(root+"/opt/cni/bin/cni-shim") != (c.left != "") {
				t.Errorf("%q", r.Left)
			}
			if kept := exists(root + "/var/lib/cni-shim/attachments/lab/pod@eth0"); kept != (c.left != "") || exists(root+"/var/lib/cni-shim/uninstalled") {
				t.Errorf("what ADD ran is kept: %v", kept)
			}
			got, _ := os.ReadFile(root + "/etc/cni/net.d/00-cni-shim.conflist")
			if string(got) != c.list {
				t.Errorf("%s", got)
			}
		})
	}
}

// An install that was killed between any two steps is finished by the next one, and undone by an uninstall.
func TestHalfWay(t *testing.T) {
	root := tree(t, healthy(nil))
	before := snapshot(t, root)
	p := plan(t, Options{Root: root})
	if _, err := p.prepare(&record{}, nil); err != nil {
		t.Fatal(err)
	}
	for _, it := range p.items[:3] {
		if err := p.lay(it); err != nil {
			t.Fatal(err)
		}
	}
	half := filepath.Join(root, "/opt/cni/bin/.cni-shim.4194304")
	if err := os.WriteFile(half, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	uninstall(t, root)
	if after := snapshot(t, root); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// The unit for other directories is one that systemd reads as meant.
func TestUnit(t *testing.T) {
	p := &Plan{ConfDir: `/var/a b%c`, BinDir: "/opt/x"}
	unit := p.unit()
	for _, line := range []string{
		`ExecStart="/opt/x/cni-shim" watch --conf-dir "/var/a b%%c" --bin-dir "/opt/x"`,
		`ReadWritePaths="-/var/a b%%c"`,
	} {
		if !bytes.Contains(unit, []byte("\n"+line+"\n")) {
			t.Errorf("no %s in\n%s", line, unit)
		}
	}
}

// The service takes the list away for a runtime that asks for no STATUS, unless an admin says otherwise; what cannot be told is no.
func TestWithdraw(t *testing.T) {
	const containerd = "/usr/bin/containerd"
	for name, c := range map[string]struct {
		config, program string
		want            node.Answer
		withdraw        bool
		why             string
	}{
		"asks":            {"version = 3\n", "", node.Unknown, false, "containerd asks for STATUS and is told why the chain cannot run"},
		"does not ask":    {"version = 2\n", "dep\tgithub.com/containerd/go-cni\tv1.1.9\th1:\n", node.Unknown, true, "containerd does not ask for STATUS: while the chain"},
		"asks, version 2": {"version = 2\n", "dep\tgithub.com/containerd/go-cni\tv1.1.12\th1:\n", node.Unknown, false, "containerd asks for STATUS and is told why"},
		"no program":      {"version = 2\n", "", node.Unknown, false, "it cannot be told whether containerd asks for STATUS (--withdraw yes if it does not)"},
		"yes":             {"version = 2\n", "", node.Yes, true, "as asked"},
		"yes for nothing": {"version = 3\n", "", node.Yes, true, "as asked, without effect: containerd asks for STATUS"},
		"no":              {"version = 2\n", "dep\tgithub.com/containerd/go-cni\tv1.1.9\th1:\n", node.No, false, "as asked: containerd does not ask for STATUS, and takes the node for ready"},
	} {
		t.Run(name, func(t *testing.T) {
			root := tree(t, healthy(map[string]string{containerdV2: c.config, containerd: c.program}))
			before := snapshot(t, root)
			p := plan(t, Options{Root: root, Withdraw: c.want})
			if p.Withdraw != c.withdraw || !strings.HasPrefix(p.WithdrawWhy, c.why) {
				t.Errorf("%v: %s", p.Withdraw, p.WithdrawWhy)
			}
			if err := p.Apply(context.Background()); err != nil {
				t.Fatal(err)
			}
			unit, _ := os.ReadFile(root + adminUnit)
			if got := bytes.Contains(unit, []byte("\nExecStart=/opt/cni/bin/cni-shim watch --withdraw\n")); got != c.withdraw {
				t.Errorf("%s", unit)
			}
			if p := plan(t, Options{Root: root, Withdraw: c.want}); p.Changes() {
				t.Errorf("a second install: %+v", p.Actions)
			}
			uninstall(t, root)
			if after := snapshot(t, root); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", before, after)
			}
		})
	}
}

// While a watch has taken the list away, an install leaves it so or writes it back as it was, and an uninstall gives the node back.
func TestWithdrawn(t *testing.T) {
	const outerList, state = "/etc/cni/net.d/00-cni-shim.conflist", "/var/lib/cni-shim"
	for name, own := range map[string]string{
		"install's":  "",
		"an admin's": `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"cni-shim","chain":"/etc/elsewhere"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			files := healthy(map[string]string{containerdV2: "version = 2\n"})
			if own != "" {
				files[outerList], files["/etc/elsewhere/10-lab.conflist"] = own, lab
			}
			root := tree(t, files)
			before := snapshot(t, root)
			install := func() *Plan {
				t.Helper()
				p := plan(t, Options{Root: root})
				if err := p.Apply(context.Background()); err != nil {
					t.Fatal(err)
				}
				return p
			}
			install()
			text, _ := outer.Read(root + "/etc/cni/net.d")
			mine := []byte(strings.Replace(string(text), `"chain"`, `"logLevel": "debug", "chain"`, 1))
			if err := outer.Write(root+"/etc/cni/net.d", mine, text); err != nil {
				t.Fatal(err)
			}
			chain := root + list
			if own != "" {
				chain = root + "/etc/elsewhere/10-lab.conflist"
			}
			withdraw := func() {
				t.Helper()
				now, _ := outer.Read(root + "/etc/cni/net.d")
				if err := outer.Withdraw(root+"/etc/cni/net.d", root+state, now); err != nil {
					t.Fatal(err)
				}
			}
			withdraw()
			fi, _ := os.Stat(chain)
			rewrite := func(text string) {
				t.Helper()
				if err := os.WriteFile(chain, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			rewrite("{")
			if p := install(); exists(root+outerList) || !strings.Contains(fmt.Sprint(p.Actions), "the watch has taken it away") {
				t.Errorf("%+v", p.Actions)
			}
			rewrite(lab)
			install()
			if text, _ := outer.Read(root + "/etc/cni/net.d"); !bytes.Contains(text, []byte(`"logLevel": "debug"`)) {
				t.Errorf("written back: %s", text)
			}
			withdraw()
			if err := os.Chtimes(chain, fi.ModTime(), fi.ModTime()); err != nil {
				t.Fatal(err)
			}
			if own != "" {
				uninstall(t, root)
				if text, _ := os.ReadFile(root + outerList); !bytes.Contains(text, []byte(`"portmap"`)) || bytes.Contains(text, []byte("cni-shim")) {
					t.Errorf("in the place of an admin's list: %s", text)
				}
				return
			}
			uninstall(t, root)
			if after := snapshot(t, root); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", before, after)
			}
		})
	}
}

// What the shim keeps in its state directory is listed in one place: by it a directory is known as the shim's, and cleared.
func TestStateNames(t *testing.T) {
	for _, name := range []string{outer.Remembered, outer.Withdrawn, recordName, uninstalled} {
		if !slices.Contains(attachment.Names, name) {
			t.Errorf("%s is not listed", name)
		}
	}
}
