package stale

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cni-shim/cni-shim/pkg/attachment"
)

// makers are the programs that make pods' network namespaces, by the names of their processes (proc(5), comm).
var makers = [...]string{"containerd", "crio", "cri-dockerd", "nomad"}

// initNamespace is the machine's own PID namespace (PROC_PID_INIT_INO of the kernel's linux/proc_ns.h): process 1 there
// is its init.
const initNamespace = "pid:[4026531836]"

// place is a proven place on the node.
type place struct {
	runtimes []process // that see other mounts than this process
}

// process is a process of the node.
type process struct {
	pid  string
	comm string
}

func (p process) String() string { return p.comm + " (process " + p.pid + ")" }

// findPlace proves that this process sees what the node's own processes see: a runtime or the node's init has the same
// mount namespace, PID namespace and root directory. Process 1 is the node's init in the machine's own PID namespace,
// and where it is systemd, as in nodes that are containers; elsewhere it may be a container's own. In another mount
// namespace, as in a DaemonSet's, the network namespaces of live pods cannot be seen and look gone.
func findPlace() (*place, error) {
	at, proven := &place{}, false
	var others []string
	init, inInit := process{"1", comm("1")}, link("self", "pid") == initNamespace
	for _, p := range append(runtimes(), init) {
		maker := p != init
		switch {
		case same(p):
			proven = proven || maker || inInit || p.comm == "systemd"
		case maker:
			at.runtimes = append(at.runtimes, p)
			fallthrough
		default:
			others = append(others, p.String())
		}
	}
	switch {
	case proven:
		return at, nil
	case len(others) > 0:
		return nil, fmt.Errorf("this process is not seen to have the mounts and processes of %s, so a live pod may look gone, "+
			"as in a container: run it on the node itself, or there by nsenter -t 1 -m -p", strings.Join(others, " and "))
	}
	return nil, fmt.Errorf("whether this is the node itself cannot be seen, and in a container a live pod looks gone: "+
		"no runtime runs, and process 1 is %q", init.comm)
}

func runtimes() (found []process) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		if name := comm(e.Name()); slices.Contains(makers[:], name) {
			found = append(found, process{e.Name(), name})
		}
	}
	return found
}

func comm(pid string) string {
	b, _ := os.ReadFile("/proc/" + pid + "/comm") // it may just have ended
	return strings.TrimSuffix(string(b), "\n")
}

func link(pid, namespace string) string {
	name, _ := os.Readlink("/proc/" + pid + "/ns/" + namespace)
	return name
}

// same reports whether a process has this one's mount namespace, PID namespace and root directory; false where that
// cannot be seen.
func same(p process) bool {
	for _, ns := range [...]string{"mnt", "pid"} {
		if mine := link("self", ns); mine == "" || link(p.pid, ns) != mine {
			return false
		}
	}
	theirs, err := os.Stat("/proc/" + p.pid + "/root")
	mine, ownErr := os.Stat("/")
	return err == nil && ownErr == nil && os.SameFile(theirs, mine)
}

// sees reports whether a runtime in another mount namespace sees the network namespace of an attachment. A path in
// /proc says nothing of it there.
func (p process) sees(e *attachment.Entry) (bool, error) {
	root, err := unix.Open("/proc/"+p.pid+"/root", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil // it has ended
	}
	if err != nil {
		return false, err
	}
	defer unix.Close(root)
	// Absolute links have to lead where they lead for the runtime.
	how := &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	fd, err := unix.Openat2(root, e.Netns, how)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return false, err
	}
	return e.SameNetns(&st), nil
}
