package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// An entry's statusFile that names somebody else's file leaves it as it is, whatever it is: the default stands in for it, which is
// reported, no call fails of it, and DEL finds what ADD stored.
func TestForeignStatusFile(t *testing.T) {
	makes := map[string]func(path string) error{
		"text":      func(p string) error { return os.WriteFile(p, []byte("root:x:0:0::/root:/bin/sh\n"), 0o644) },
		"JSON":      func(p string) error { return os.WriteFile(p, []byte(`{"version":1,"auths":{}}`), 0o600) },
		"empty":     func(p string) error { return os.WriteFile(p, nil, 0o644) },
		"directory": func(p string) error { return os.Mkdir(p, 0o755) },
		"link":      func(p string) error { return os.Symlink("/etc/passwd", p) },
		"FIFO":      func(p string) error { return exec.Command("mkfifo", p).Run() },
		"own":       func(p string) error { return nil }, // another file of the shim's own
	}
	for name, make := range makes {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			dir := filepath.Join(t.TempDir(), "srv")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			path := dir + "/file"
			if err := make(path); err != nil {
				t.Fatal(err)
			}
			record := filepath.Join(t.TempDir(), "calls")
			pod := l.pod()
			if name == "own" {
				path = entries + "/lab/" + pod.ContainerID + "@eth0"
			}
			before := l.run("sh", "-c", "ls -lR --time-style=full-iso "+dir)
			conf := func(plugin string) string {
				return fmt.Sprintf(`{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","statusFile":%q,"chain":{"plugins":[{"type":%q,"record":%q}]}}`, path, plugin, record)
			}
			env := []string{"CNI_CONTAINERID=" + pod.ContainerID, "CNI_NETNS=" + pod.NetNS}
			for _, verb := range []string{"ADD", "CHECK", "STATUS"} {
				if out, code := l.plugin(verb, conf("rec0"), env...); code != 0 {
					t.Fatalf("%s: %s", verb, out)
				}
				if name == "own" && verb == "ADD" && !exists(path) {
					t.Skip("the entry is elsewhere")
				}
			}
			if out, code := l.plugin("DEL", conf("rec1"), env...); code != 0 {
				t.Fatal(out)
			}
			if got := l.calls(record); got != "rec0 ADD rec0 CHECK rec0 STATUS rec0 DEL" {
				t.Errorf("ran %q", got)
			}
			if after := l.run("sh", "-c", "ls -lR --time-style=full-iso "+dir); after != before {
				t.Errorf("changed:\n%s\nwas\n%s", after, before)
			}
			l.journal(1, func(e entry) bool {
				return strings.HasPrefix(e.get("MESSAGE"), "statusFile "+path+" is left as it is, and /run/cni-shim/status.json is used: ")
			})
		})
	}
}

// A statusFile that is not there, in a directory in use, makes nothing there the shim's: files that have the names of the shim's own stay
// as they are, also for the program that uses the directory through a link.
func TestStatusFileInADirectoryInUse(t *testing.T) {
	l := newLab(t)
	dir := filepath.Join(t.TempDir(), "srv")
	for _, f := range []string{"calls/20240101-1234.wav", "records/alice.json", "chains/lab", ".tmp/backup.20240101", "attachments/lab/x@eth0", "asking"} {
		l.run("mkdir", "-p", filepath.Dir(dir+"/"+f))
		if err := os.WriteFile(dir+"/"+f, []byte("precious\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l.run("ln", "-s", "/run", dir+"/link")
	before := l.run("sh", "-c", "ls -lR --time-style=full-iso "+dir)
	pod := l.pod()
	env := []string{"CNI_CONTAINERID=" + pod.ContainerID, "CNI_NETNS=" + pod.NetNS}
	for _, path := range []string{dir + "/x.json", dir + "/link/cni-shim/attachments/x.json", "/proc/self/x.json", "/var/lib/cni-shim/x.json", "/run/../run/cni-shim/calls/x.json"} {
		conf := fmt.Sprintf(`{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","statusFile":%q,"chain":{"plugins":[{"type":"rec0","record":"/run/rec"}]}}`, path)
		for _, verb := range []string{"STATUS", "ADD", "CHECK", "DEL", "DEL"} {
			if out, code := l.plugin(verb, conf, env...); code != 0 {
				t.Errorf("%s with %s: %s", verb, path, out)
			}
		}
		l.journal(1, func(e entry) bool {
			return strings.HasPrefix(e.get("MESSAGE"), "statusFile "+filepath.Clean(path)+" is left as it is")
		})
	}
	if after := l.run("sh", "-c", "ls -lR --time-style=full-iso "+dir); after != before {
		t.Errorf("changed:\n%s\nwas\n%s", after, before)
	}
}

// A statusFile that was taken by somebody else between ADD and DEL does not lose what ADD stored beside it.
func TestStatusFileTaken(t *testing.T) {
	l := newLab(t)
	path := filepath.Join(t.TempDir(), "own", "status.json")
	record := filepath.Join(t.TempDir(), "calls")
	conf := func(plugin string) string {
		return fmt.Sprintf(`{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","statusFile":%q,"chain":{"plugins":[{"type":%q,"record":%q}]}}`, path, plugin, record)
	}
	pod := l.pod()
	env := []string{"CNI_CONTAINERID=" + pod.ContainerID, "CNI_NETNS=" + pod.NetNS}
	if out, code := l.plugin("ADD", conf("rec0"), env...); code != 0 {
		t.Fatal(out)
	}
	if !exists(path) {
		t.Fatal("the status file is elsewhere")
	}
	if err := os.WriteFile(path, []byte("mine now\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, code := l.plugin("DEL", conf("rec1"), env...); code != 0 {
		t.Fatal(out)
	}
	if got := l.calls(record); got != "rec0 ADD rec0 DEL" {
		t.Errorf("ran %q", got)
	}
	if b, _ := os.ReadFile(path); string(b) != "mine now\n" {
		t.Errorf("%q", b)
	}
}

// No call and no watch writes to an entry's stateDir that is somebody else's directory, or a file: what is there stays as it is.
func TestForeignStateDir(t *testing.T) {
	for name, file := range map[string]bool{"a directory in use": false, "a file": true} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			dir := filepath.Join(t.TempDir(), "srv")
			if file {
				if err := os.WriteFile(dir, []byte("mine\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if err := os.MkdirAll(dir+"/data", 0o755); err != nil {
				t.Fatal(err)
			}
			l.write("10-lab.conflist", goodChain)
			l.outer("lab", fmt.Sprintf(`"chain": "/etc/cni/net.d", "stateDir": %q`, dir))
			before := l.run("sh", "-c", "ls -lR --time-style=full-iso "+dir)
			stop := l.watching()
			conf := fmt.Sprintf(`{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":"/etc/cni/net.d","stateDir":%q}`, dir)
			pod := l.pod()
			env := []string{"CNI_CONTAINERID=" + pod.ContainerID, "CNI_NETNS=" + pod.NetNS}
			for _, verb := range []string{"ADD", "CHECK"} {
				if out, code := l.plugin(verb, conf, env...); code != 0 {
					t.Errorf("%s: %s", verb, out)
				}
			}
			l.said("stateDir " + dir + " is left as it is, and /var/lib/cni-shim is used: ")
			l.wait("the attachment on the disk", func() bool { return exists(stateDir + "/attachments/lab/" + pod.ContainerID + "@eth0") })
			for _, verb := range []string{"DEL", "DEL"} {
				if out, code := l.plugin(verb, conf, env...); code != 0 {
					t.Errorf("%s: %s", verb, out)
				}
			}
			stop()
			if after := l.run("sh", "-c", "ls -lR --time-style=full-iso "+dir); after != before {
				t.Errorf("changed:\n%s\nwas\n%s", after, before)
			}
		})
	}
}
