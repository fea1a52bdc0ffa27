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
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/cni-shim/cni-shim/integration/trace"
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
				f := traced(name, leg, verb)
				peak := "-"
				if leg != direct {
					peak = fmt.Sprintf("%.1f", float64(peaks[verb])/1024)
				}
				fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t\n", name, verb, leg, f.Processes, f.Calls, f.Created, f.Written, f.Synced, peak)
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

// traced makes one call under strace; what stands for the runtime does not count.
func traced(chain, leg, verb string) trace.Figure {
	self, err := os.Executable()
	check(err)
	runtime := filepath.Base(self)
	f, err := trace.Run(exec.Command(self, "-once", chain+"/"+leg+"/"+verb), func(comm string) bool { return comm != runtime[:min(len(runtime), 15)] })
	check(err)
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
