package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containernetworking/cni/libcni"
)

// Whatever stands in CNI_PATH, the shim runs the very file that libcni runs; where libcni finds one and os/exec refuses it, because it
// would be run from the working directory, the shim passes over that element and runs what is behind it, or nothing.
func TestSearch(t *testing.T) {
	l := newLab(t)
	const ran = "/run/search/ran"
	base := "/run/search"
	l.run("rm", "-rf", base)
	work, abs, tools := base+"/work", base+"/abs", base+"/tools"
	for _, d := range []string{work + "/bin", work + "/empty", abs, tools} {
		l.run("mkdir", "-p", d)
	}
	script := "#!/bin/sh\n" + versionAnswer + `[ "$CNI_COMMAND" = ADD ] && { realpath "$0" >` + ran + `; echo '{"cniVersion":"1.0.0"}'; }; exit 0` + "\n"
	place := func(dir string, there bool) {
		_ = os.Remove(dir + "/sought")
		if there {
			l.file(dir+"/sought", script, 0o755, 0)
		}
	}
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"sought"}]}`)
	alone, outer := l.load("10-lab.conflist"), l.outer("lab", "")
	t.Chdir(work)
	place(work+"/bin", true)
	place(base, true)
	same, refused := 0, 0
	for _, path := range [][]string{
		{""}, {"."}, {"./"}, {"bin"}, {"./bin"}, {"bin/"}, {"bin/.."}, {".."}, {"../work"}, {"../work/bin"}, {"empty"}, {"nowhere"}, {work}, {"", abs}, {".", abs},
		{abs, ""}, {"", ""}, {"", "bin"}, {"./bin", ""}, {"nowhere", "", abs}, {"empty", ".", "bin"}, {"bin/..", "bin"}, {abs, "bin"}, {"bin", abs},
	} {
		for bits := range 8 {
			place(work, bits&1 != 0)
			place(abs, bits&2 != 0)
			place(tools, bits&4 != 0)
			envs := []string{tools + ":" + os.Getenv("PATH")}
			if bits == 7 { // os/exec runs nothing of the working directory because PATH names it, either
				envs = append(envs, ".:"+os.Getenv("PATH"), ":"+tools+":"+os.Getenv("PATH"))
			}
			for _, env := range envs {
				t.Run(fmt.Sprintf("%q %03b %.2s", path, bits, env), func(t *testing.T) {
					t.Setenv("PATH", env)
					play := func(list *libcni.NetworkConfigList) (string, error) {
						_ = os.Remove(ran)
						cni := libcni.NewCNIConfig(append(path, binDir), nil)
						_, err := cni.AddNetworkList(l.ctx(), list, &libcni.RuntimeConf{ContainerID: "c1", NetNS: "/run/netns/none", IfName: "eth0"})
						_ = cni.DelNetworkList(l.ctx(), list, &libcni.RuntimeConf{ContainerID: "c1", NetNS: "/run/netns/none", IfName: "eth0"})
						b, _ := os.ReadFile(ran)
						return strings.TrimSpace(string(b)), err
					}
					native, err := play(alone)
					got, shimErr := play(outer)
					switch {
					case err == nil && (native == "" || got != native || shimErr != nil):
						t.Errorf("libcni runs %q, the shim %q: %v", native, got, shimErr)
					case err == nil:
						same++
					case got == work+"/sought":
						t.Errorf("the shim runs %s, where libcni refuses: %v", got, err)
					case got == "" && (shimErr == nil || !strings.Contains(shimErr.Error(), "sought (1/1): no such program")):
						t.Errorf("libcni: %v, the shim: %v", err, shimErr)
					default:
						refused++
					}
				})
			}
		}
	}
	t.Logf("%d searches with the same file, %d that libcni refuses", same, refused)
	if same < 100 || refused < 20 {
		t.Error("too few of either to say anything")
	}
}

// What is stored of a relative CNI_PATH leads to the same programs from any other directory: who removes an attachment later does not
// run what lies in a directory of the same name where it stands.
func TestStoredPathIsAbsolute(t *testing.T) {
	l := newLab(t)
	base := t.TempDir()
	record := filepath.Join(base, "calls")
	l.run("mkdir", "-p", base+"/here/bin", base+"/there/bin")
	l.run("ln", "-s", binDir+"/recorder", base+"/here/bin/rec0")
	l.file(base+"/there/bin/rec0", "#!/bin/sh\necho wrong >"+base+"/wrong\n", 0o755, 0)
	t.Chdir(base + "/here")
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0","record":"`+record+`"}]}`)
	if out, code := l.plugin("ADD", `{"cniVersion":"1.0.0","name":"lab","type":"cni-shim"}`, "CNI_PATH=:./bin:"); code != 0 {
		t.Fatal(out)
	}
	t.Chdir(base + "/there")
	l.run(shimPath, "forget", "--force", "lab", "c1", "eth0")
	if _, err := os.Stat(base + "/wrong"); err == nil {
		t.Error("a program of the directory in which forget was called ran")
	}
	if b, _ := os.ReadFile(record); strings.Count(string(b), "\n") != 2 {
		t.Errorf("not ADD and DEL: %s", b)
	}
}
