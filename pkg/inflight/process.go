package inflight

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

// Nested counts the ancestors that are this program at this process's own call, as far as their environment tells: for where
// no marks can be kept.
func Nested() int {
	own, err := os.Stat("/proc/self/exe")
	if err != nil {
		return 0
	}
	n := 0
	for _, pid := range Ancestors() {
		exe, err := os.Stat("/proc/" + strconv.Itoa(pid) + "/exe")
		if err == nil && os.SameFile(own, exe) && sameCall(pid) {
			n++
		}
	}
	return n
}

// sameCall compares what a runtime gives a call of a plugin in its environment (SPEC 1.1, section 2).
func sameCall(pid int) bool {
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	has := strings.Split(string(environ), "\x00")
	for _, name := range []string{"CNI_COMMAND", "CNI_CONTAINERID", "CNI_IFNAME"} {
		if !slices.Contains(has, name+"="+os.Getenv(name)) {
			return false
		}
	}
	return true
}

// Ancestors are the processes above this one, the nearest first, at most 64.
func Ancestors() []int {
	var out []int
	for pid := os.Getppid(); pid > 1 && len(out) < 64; pid, _ = stat(pid) {
		out = append(out, pid)
	}
	return out
}

// stat reads parent and start time from /proc/PID/stat (proc(5), fields 4 and 22): -1 and "" where it cannot be read, -1 and the
// start time of a process that is dead and not yet reaped. The second field, the command, may hold spaces and brackets.
func stat(pid int) (parent int, start string) {
	b, err := disk.ReadAnyone("/proc/"+strconv.Itoa(pid)+"/stat", maxMark)
	if err != nil {
		return -1, ""
	}
	return parseStat(b)
}

func parseStat(b []byte) (parent int, start string) {
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 20 {
		return -1, ""
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return -1, fields[19]
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return -1, ""
	}
	return parent, fields[19]
}
