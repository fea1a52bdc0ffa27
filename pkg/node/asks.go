package node

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// asking names the library by which a runtime speaks CNI, and the first version of it that calls STATUS (go-cni 208eca9,
// ocicni 37df39a).
func asking(kind Kind) (module string, since [3]int) {
	if kind == CRIO {
		return "github.com/cri-o/ocicni", [3]int{0, 4, 3}
	}
	return "github.com/containerd/go-cni", [3]int{1, 1, 11}
}

// AsksSTATUS tells whether the runtime asks plugins for STATUS: as its configuration shows, else as its program does, found under
// root ("" for this node). Unknown where neither can tell.
func (r *Runtime) AsksSTATUS(root string) Answer {
	if r.CallsSTATUS != Unknown {
		return r.CallsSTATUS
	}
	module, since := asking(r.Kind)
	for _, path := range programs(r.Kind, root) {
		if a := asks(path, module, since); a != Unknown {
			return a
		}
	}
	return Unknown
}

// The functions of libcni that a runtime calls for every pod, and for STATUS, as a Go program carries their names along.
const (
	calledAlways = "libcni.(*CNIConfig).AddNetworkList"
	calledSTATUS = "libcni.(*CNIConfig).GetStatusNetworkList"
)

// asks looks into a program's file, see asksIn; Unknown where it cannot be read.
func asks(path, module string, since [3]int) Answer {
	f, err := os.Open(path)
	if err != nil {
		return Unknown
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return Unknown
	}
	return asksIn(f, make([]byte, 1<<20), module, since)
}

// asksIn looks into a program: the version of the module decides, which the Go linker lists; where that list is missing, as in
// distributions that build without modules, a libcni without the function that asks.
func asksIn(program io.Reader, buf []byte, module string, since [3]int) Answer {
	key := []byte("dep\t" + module + "\tv")
	var version []int
	always, status := false, false
	read := scan(program, buf, len(key)+maxVersion, func(text []byte, last bool) bool {
		if i := bytes.Index(text, key); i >= 0 && (len(text)-i > len(key)+maxVersion || last) {
			version = parseVersion(text[i+len(key):][:min(len(text)-i-len(key), maxVersion)])
			return false
		}
		always = always || bytes.Contains(text, []byte(calledAlways))
		status = status || bytes.Contains(text, []byte(calledSTATUS))
		return true
	})
	switch {
	case version != nil && slices.Max(version) > 0:
		if slices.Compare(version, since[:]) < 0 {
			return No
		}
		return Yes
	case !read || !always:
		return Unknown
	case status:
		return Yes
	}
	return No
}

// programs are where the runtime's own program may be: the one that runs first, which may be older than the file.
func programs(kind Kind, root string) []string {
	names := []string{"containerd", "k3s", "rke2", "k0s"}
	if kind == CRIO {
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
			out = append(out, tree{root}.path(filepath.Join(dir, n)))
		}
	}
	return out
}

// maxProgram bounds how much of a program is read, in bytes; k3s has 70 MB. maxVersion is the length of a version.
const (
	maxProgram = 512 << 20
	maxVersion = 64
)

// scan shows a text piece by piece, each with the end of the one before, of the length overlap, until look is false. It reports
// whether all of it was shown. buf holds a piece and must be longer than the overlap. debug/buildinfo reads modules as well, and links four
// object formats.
func scan(r io.Reader, buf []byte, overlap int, look func(text []byte, last bool) bool) bool {
	kept := 0
	for total := 0; total < maxProgram; {
		n, err := io.ReadFull(r, buf[kept:])
		text := buf[:kept+n]
		if !look(text, err != nil) {
			return false
		}
		if err != nil {
			return err == io.EOF || err == io.ErrUnexpectedEOF
		}
		total += n
		kept = copy(buf, text[len(text)-overlap:])
	}
	return false
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
