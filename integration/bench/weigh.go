package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// weigh prints what does not depend on the clock: what a call starts, writes and holds, traced in a pass of its own.
func weigh(w io.Writer, names []string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nchain\tverb\tway\tprocesses\tsystem calls\tfiles created\tbytes written\tfsyncs\tpeak MiB\t")
	for _, name := range names {
		c := chainOf(name)
		c.install()
		for _, leg := range legs() {
			var peaks map[string]int
			if leg != direct {
				peaks = c.peaks(leg)
			}
			for _, verb := range verbs {
				f := trace(name, leg, verb)
				peak := "-"
				if leg != direct {
					peak = fmt.Sprintf("%.1f", float64(peaks[verb])/1024)
				}
				fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t\n", name, verb, leg, f.processes, f.calls, f.created, f.written, f.synced, peak)
			}
		}
	}
	t.Flush()
	for _, b := range []string{"cni-shim", wrapper, multus} {
		if fi, err := os.Stat(filepath.Join(binDir, b)); err == nil {
			fmt.Fprintf(w, "%s: %.1f MiB\n", b, float64(fi.Size())/(1<<20))
		}
	}
}

// figure is what one call did, the runtime's own part left out.
type figure struct {
	processes, calls, created, written, synced int
}

// trace makes one call under strace.
func trace(chain, leg, verb string) figure {
	log := filepath.Join(os.TempDir(), "cni-shim-bench.trace")
	defer os.Remove(log)
	self, err := os.Executable()
	check(err)
	run("strace", "-f", "-qq", "--decode-pids=comm", "-s", "0", "-o", log, self, "-once", chain+"/"+leg+"/"+verb)
	text, err := os.ReadFile(log)
	check(err)
	return count(string(text), filepath.Base(self))
}

// 123<comm> name(arguments) = result; a call that was interrupted by another's line is told in two.
var traced = regexp.MustCompile(`^\d+<(.*?)> +(?:<\.\.\. )?([a-z_0-9]+)(?:\(| resumed)(.*)$`)

// schedules are the Go runtime's own dealings with its threads, which no two runs have alike.
var schedules = regexp.MustCompile(`^(futex|nanosleep|rt_sig.*|sigaltstack|sched_.*|epoll_.*|eventfd2|tgkill|getpid|gettid|madvise|mmap|munmap|clone3?|prctl|restart_syscall)$`)

// count sums up a trace, of everybody but the program that stands for the runtime.
func count(text, runtime string) (f figure) {
	f.processes = -1 // the runtime
	for line := range strings.Lines(text) {
		m := traced.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil || strings.HasSuffix(m[3], "<unfinished ...>") {
			continue
		}
		result, _ := strconv.Atoi(strings.Fields(m[3][strings.LastIndex(m[3], "= ")+1:] + " 0")[0])
		if name := m[2]; name == "execve" && result == 0 {
			f.processes++
		}
		if m[1] == runtime[:min(len(runtime), 15)] || schedules.MatchString(m[2]) {
			continue
		}
		f.calls++
		switch m[2] {
		case "write", "pwrite64", "writev", "sendto", "sendmsg":
			f.written += max(result, 0)
		case "fsync", "fdatasync", "syncfs", "sync":
			f.synced++
		case "openat":
			if strings.Contains(m[3], "O_CREAT") && result >= 0 {
				f.created++
			}
		}
	}
	return f
}

// peaks are the peak resident sets of a leg's outer plugin alone, by verb, in kilobytes: launched by somebody small. Medians of five.
func (c chain) peaks(leg string) map[string]int {
	conf := maps.Clone(c.outer(leg))
	conf["name"], conf["cniVersion"] = network, version
	stdin, err := json.Marshal(conf)
	check(err)
	all := map[string][]int{}
	for range 5 {
		for _, verb := range verbs {
			all[verb] = append(all[verb], peak(conf["type"].(string), verb, stdin))
		}
	}
	medians := map[string]int{}
	for verb, values := range all {
		slices.Sort(values)
		medians[verb] = values[len(values)/2]
	}
	return medians
}

func peak(program, verb string, stdin []byte) int {
	r, w, err := os.Pipe()
	check(err)
	defer r.Close()
	rt := attachment(0, 0)
	x := exec.Command(filepath.Join(binDir, "launch"), filepath.Join(binDir, program))
	x.Env = []string{"PATH=" + os.Getenv("PATH"), "CNI_COMMAND=" + verb, "CNI_PATH=" + binDir, "CNI_CONTAINERID=" + rt.ContainerID, "CNI_IFNAME=" + rt.IfName, "CNI_NETNS=" + rt.NetNS}
	x.Stdin, x.ExtraFiles = bytes.NewReader(stdin), []*os.File{w}
	text, err := x.CombinedOutput()
	w.Close()
	if err != nil {
		check(fmt.Errorf("%s of %s: %w: %s", verb, program, err, text))
	}
	said, err := io.ReadAll(r)
	check(err)
	kb, err := strconv.Atoi(string(said))
	check(err)
	return kb
}
