package integration

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containernetworking/cni/libcni"
)

// One definition says whether the shim observes a list or runs a chain: the plugin, check, install, watch and uninstall agree on each
// list, and what the runtime uses after an uninstall is what it used before, without the shim.
func TestBareLists(t *testing.T) {
	const shim, shimChain, chained, behind, main = `{"type":"cni-shim"}`, `{"type":"cni-shim","chain":"/etc/cni/net.d"}`, `{"type":"istio-cni"REC}`, `{"type":"portmap"REC}`, `{"type":"rec1"REC}`
	nested := `{"type":"cni-shim","chain":{"plugins":[{"type":"rec0"REC},{"type":"rec2"REC}]}}`
	for _, c := range []struct {
		list  string // of plugins in the shim's conflist
		chain string // the file of the chain in net.d; empty: a .conflist
		bare  bool
		ran   string // by ADD: by the shim and by the runtime
		after string // the file that the runtime uses after an uninstall, and its plugins
	}{
		{list: shim, ran: "rec0", after: "10-lab.conflist: rec0"},
		{list: shimChain, ran: "rec0", after: "10-lab.conflist: rec0"},
		{list: `{"type":"cni-shim","chain":null}`, ran: "rec0", after: "10-lab.conflist: rec0"},
		{list: nested, ran: "rec0 rec2", after: "00-cni-shim.conflist: rec0 rec2"},
		{list: shim + "," + chained, ran: "rec0 istio-cni", after: "10-lab.conflist: rec0 istio-cni"},
		{list: shimChain + "," + chained, ran: "rec0 istio-cni", after: "10-lab.conflist: rec0 istio-cni"},
		{list: nested + "," + chained, ran: "rec0 rec2 istio-cni", after: "00-cni-shim.conflist: rec0 rec2 istio-cni"},
		{list: behind + "," + shim, ran: "portmap rec0", after: "10-lab.conflist: portmap rec0"},
		{list: shim + "," + chained, chain: "10-lab.conf", ran: "rec0 istio-cni", after: "00-cni-shim.conflist: rec0 istio-cni"},
		{list: shim + "," + main, bare: true, ran: "rec1", after: "00-cni-shim.conflist: rec1"},
		{list: main + "," + shim, bare: true, ran: "rec1", after: "00-cni-shim.conflist: rec1"},
		{list: shim + "," + behind + "," + main, bare: true, ran: "portmap rec1", after: "00-cni-shim.conflist: portmap rec1"},
		{list: `{"type":"cni-shim","chain":null},` + main, bare: true, ran: "rec1", after: "00-cni-shim.conflist: rec1"},
		{list: shim + "," + shim + "," + main, bare: true, ran: "rec1", after: "00-cni-shim.conflist: rec1"},
		{list: shimChain + "," + main, ran: "rec0 rec1", after: "10-lab.conflist: rec0 rec1"},
	} {
		t.Run(c.list+c.chain, func(t *testing.T) {
			l := newLab(t)
			record := filepath.Join(t.TempDir(), "calls")
			l.recorders("istio-cni", "portmap")
			rec := func(s string) string { return strings.ReplaceAll(s, "REC", fmt.Sprintf(`,"record":%q`, record)) }
			name := "10-lab.conflist"
			if c.chain != "" {
				name = c.chain
				l.write(name, rec(`{"cniVersion":"1.0.0","name":"lab","type":"rec0"REC}`))
			} else {
				l.write(name, rec(`{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0"REC}]}`))
			}
			l.write("00-cni-shim.conflist", rec(`{"cniVersion":"1.0.0","name":"lab","plugins":[`+c.list+`]}`))
			list, pod := l.load("00-cni-shim.conflist"), l.pod()
			if _, err := l.cni.AddNetworkList(l.ctx(), list, pod); err != nil {
				t.Fatal(err)
			}
			if got := l.calls(record); got != strings.ReplaceAll(c.ran, " ", " ADD ")+" ADD" {
				t.Errorf("ADD ran %s, want %s", got, c.ran)
			}
			before := l.texts()
			for who, says := range map[string]string{
				"check":   "the shim has no chain here",
				"install": "the shim stands bare in it",
			} {
				args := map[string][]string{"check": {"check", confDir}, "install": {"install", "--dry-run"}}[who]
				if out, _ := l.tool(args...); strings.Contains(out, says) != c.bare {
					t.Errorf("%s, bare %v: %s", who, c.bare, out)
				}
			}
			if out, _ := l.tool("check", confDir); strings.HasSuffix(c.list, chained) && !strings.Contains(out, "istio-cni is run by the runtime, after the chain that the shim runs") {
				t.Errorf("check: %s", out)
			}
			// What is observed is the chain of status and probe; else the shim's.
			out, _ := l.tool("status")
			if chain, _, _ := strings.Cut(out[max(0, strings.Index(out, "\nCHAIN\n")):], "00-cni-shim"); strings.Contains(chain, "/rec1 ") != c.bare || strings.Contains(chain, "/rec0 ") == c.bare {
				t.Errorf("status, bare %v: %s", c.bare, out)
			}
			// The watch generates the shim's entry for the chain, and leaves an admin's list.
			out, _ = l.tool("watch", "--once", "--dry-run")
			if changes := strings.Contains(out, "would be done: 00-cni-shim.conflist "); changes == c.bare || strings.Contains(out, "stands bare beside") != c.bare {
				t.Errorf("watch, bare %v: %s", c.bare, out)
			}
			l.equal("check and dry runs", before, l.texts())
			l.uninstalled()
			if got := l.used(); got != c.after {
				t.Errorf("after an uninstall the runtime uses %s, want %s", got, c.after)
			}
		})
	}
}

// A list that the shim observes is known in whatever directory the node's runtime reads.
func TestBareElsewhere(t *testing.T) {
	l := newLab(t)
	const dir, config = "/etc/cni/apart", "/etc/containerd/config.toml"
	record := filepath.Join(t.TempDir(), "calls")
	l.run("mkdir", "-p", dir, filepath.Dir(config))
	defer l.run("rm", "-r", dir, config)
	for path, text := range map[string]string{
		config:                     "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\n  conf_dir = '" + dir + "'\n",
		dir + "/10-lab.conflist":   fmt.Sprintf(`{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"cni-shim"},{"type":"rec1","record":%q}]}`, record),
		confDir + "/10-x.conflist": fmt.Sprintf(`{"cniVersion":"1.0.0","name":"x","plugins":[{"type":"rec0","record":%q}]}`, record),
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	list, err := libcni.NetworkConfFromFile(dir + "/10-lab.conflist")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.cni.AddNetworkList(l.ctx(), list, l.pod()); err != nil || l.calls(record) != "rec1 ADD" {
		t.Errorf("%v, and ran %s", err, l.calls(record))
	}
	for args, want := range map[string]string{"watch --once --dry-run": "would be reported: cni-shim stands bare beside rec1 (1/1)", "status": "/rec1 "} {
		if out, code := l.tool(strings.Fields(args)...); code != 0 || !strings.Contains(out, want) || strings.Contains(out, "rec0") {
			t.Errorf("%s: exit %d: %s", args, code, out)
		}
	}
}

// What no file can take keeps the chain in use; where the chain is broken, nothing is used in its place.
func TestUninstallWithoutChain(t *testing.T) {
	const list = `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"cni-shim","chain":%q},{"type":"istio-cni"}]}`
	for name, c := range map[string]struct{ chain, file, text, after, says string }{
		"broken":               {confDir, "10-lab.conflist", `{"name":"lab",`, "10-lab.conflist does not load", "note: istio-cni stood beside the shim and is in no configuration any more"},
		"a broken chain apart": {"/etc/cni/apart.conflist", "apart", `{`, "00-cni-shim.conflist: cni-shim istio-cni", "left: /etc/cni/net.d/00-cni-shim.conflist: the chain cannot be loaded"},
		"not the first":        {confDir + "/20-lab.conflist", "20-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0"}]}`, "00-cni-shim.conflist: rec0 istio-cni", "note: istio-cni stood beside the shim: /etc/cni/net.d/00-cni-shim.conflist now holds it with the chain lab"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.recorders("istio-cni")
			if c.file == "apart" {
				if err := os.WriteFile(c.chain, []byte(c.text), 0o644); err != nil {
					t.Fatal(err)
				}
				defer os.Remove(c.chain)
			} else {
				l.write(c.file, c.text)
			}
			l.write("00-cni-shim.conflist", fmt.Sprintf(list, c.chain))
			l.write("15-other.conflist", `{"cniVersion":"1.0.0","name":"other","plugins":[{"type":"rec1"}]}`)
			if out := l.uninstalled(); !strings.Contains(out, c.says) {
				t.Errorf("uninstall: %s", out)
			}
			if got := l.used(); got != c.after {
				t.Errorf("the runtime uses %s, want %s", got, c.after)
			}
		})
	}
}

// recorders gives the recorder other plugins' names for a test.
func (l *lab) recorders(names ...string) {
	l.Helper()
	for _, n := range names {
		path := filepath.Join(binDir, n)
		if _, err := os.Lstat(path); err == nil {
			saved := filepath.Join(l.TempDir(), n)
			l.run("mv", path, saved)
			l.Cleanup(func() { l.run("mv", saved, path) })
		}
		if err := os.Symlink("recorder", path); err != nil {
			l.Fatal(err)
		}
		l.Cleanup(func() { os.Remove(path) })
	}
}

// uninstalled runs an uninstall and puts the program back; the dry run before it changes nothing and says the same.
func (l *lab) uninstalled() string {
	l.Helper()
	program := filepath.Join(l.TempDir(), "program")
	l.run("cp", shimPath, program)
	defer l.run("cp", program, shimPath)
	before := l.texts()
	dry, code := l.tool("uninstall", "--dry-run")
	l.equal("a dry run", before, l.texts())
	out, real := l.tool("uninstall", "--wait", "0s")
	if strings.TrimSuffix(dry, "dry run: nothing was changed\n") != out || code != real {
		l.Errorf("a dry run says (exit %d)\n%sand it is (exit %d)\n%s", code, dry, real, out)
	}
	return out
}

// texts are the files of the shim's directories and net.d, with their contents.
func (l *lab) texts() map[string]string {
	l.Helper()
	all := map[string]string{}
	for _, root := range []string{confDir, stateDir, filepath.Dir(statusFile)} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) && path == root {
				return nil
			}
			if err != nil {
				return err
			}
			all[path] = d.Type().String()
			if d.Type().IsRegular() {
				text, err := os.ReadFile(path)
				all[path] += string(text)
				return err
			}
			return nil
		})
		if err != nil {
			l.Fatal(err)
		}
	}
	return all
}

// used is the file that a runtime uses, and the plugins that it runs.
func (l *lab) used() string {
	l.Helper()
	files, _ := libcni.ConfFiles(confDir, []string{".conf", ".conflist", ".json"})
	if len(files) == 0 {
		return "nothing"
	}
	name := filepath.Base(files[0])
	list, err := libcni.NetworkConfFromFile(files[0])
	if err != nil {
		return name + " does not load"
	}
	types := []string{}
	for _, p := range list.Plugins {
		types = append(types, p.Network.Type)
	}
	return name + ": " + strings.Join(types, " ")
}
