package install

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/node"
)

// asking names the library by which a runtime speaks CNI, and the first version of it that calls STATUS (go-cni 208eca9,
// ocicni 37df39a).
func asking(kind node.Kind) (module string, since [3]int) {
	if kind == node.CRIO {
		return "github.com/cri-o/ocicni", [3]int{0, 4, 3}
	}
	return "github.com/containerd/go-cni", [3]int{1, 1, 11}
}

// callsSTATUS tells whether a runtime asks plugins for STATUS: as its configuration shows, else as the list of modules
// shows that a Go program carries along. False where neither can be told: then the list waits, which costs time and no
// pod.
func callsSTATUS(r node.Runtime, root string) bool {
	if r.CallsSTATUS != node.Unknown {
		return r.CallsSTATUS == node.Yes
	}
	module, since := asking(r.Kind)
	for _, path := range programs(r, root) {
		if version := moduleVersion(path, module); version != nil {
			for i, n := range since {
				if version[i] != n {
					return version[i] > n
				}
			}
			return true
		}
	}
	return false
}

// programs are where the runtime's own program may be: the one that runs first, which may be older than the file.
func programs(r node.Runtime, root string) []string {
	names := []string{"containerd", "k3s", "rke2", "k0s"}
	if r.Kind == node.CRIO {
		names = []string{"crio"}
	}
	var out []string
	if root == "" {
		entries, _ := os.ReadDir("/proc")
		for _, e := range entries {
			if _, err := strconv.Atoi(e.Name()); err != nil {
				continue
			}
			comm, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "comm"))
			for _, n := range names {
				if strings.TrimSpace(string(comm)) == n {
					out = append(out, filepath.Join("/proc", e.Name(), "exe"))
				}
			}
		}
	}
	for _, dir := range []string{"/usr/bin", "/usr/local/bin", "/var/lib/rancher/k3s/data/current/bin", "/var/lib/k0s/bin", "/snap/microk8s/current/bin"} {
		for _, n := range names {
			out = append(out, under(root, filepath.Join(dir, n)))
		}
	}
	return out
}

// maxProgram bounds how much of a program is read, in bytes. k3s has 70 MB.
const maxProgram = 512 << 20

// moduleVersion finds a module's version in the text that the Go linker leaves in every program: dep, path and version,
// separated by tabs. Nil where it does not stand there. debug/buildinfo reads the same and links four object formats.
func moduleVersion(path, module string) []int {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return nil
	}
	key := []byte("dep\t" + module + "\tv")
	const tail = 64 // of a version
	buf := make([]byte, 1<<20)
	kept := 0
	for total := 0; total < maxProgram; {
		n, err := io.ReadFull(f, buf[kept:])
		text := buf[:kept+n]
		if i := bytes.Index(text, key); i >= 0 && (len(text)-i > len(key)+tail || err != nil) {
			return parseVersion(text[i+len(key):])
		}
		if err != nil {
			return nil
		}
		total += n
		kept = copy(buf, text[len(text)-len(key)-tail:])
	}
	return nil
}

// parseVersion reads "1.1.13-0.2024…" up to what is no number. What a version lacks is 0.
func parseVersion(text []byte) []int {
	v := make([]int, 3)
	for i := range v {
		n := 0
		for n < len(text) && text[n] >= '0' && text[n] <= '9' {
			v[i] = v[i]*10 + int(text[n]-'0')
			n++
		}
		if n == 0 || n == len(text) || text[n] != '.' {
			break
		}
		text = text[n+1:]
	}
	return v
}
