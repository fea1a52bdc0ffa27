package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/containernetworking/cni/libcni"

	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/status"
)

// grown is a node on which much has gathered: what differs in the shim's entry, and how it is made.
type grown struct {
	name  string
	entry map[string]any
	make  func(dir string)
}

// grow prints what a call costs where much has gathered, beside a fresh node, all in rounds.
func grow(w io.Writer) {
	c := chainOf("noop1")
	c.install()
	var lists []*libcni.NetworkConfigList
	nodes := []grown{
		{"a fresh node", nil, func(string) {}},
		{"10 attachments", nil, func(d string) { attachments(d, 10) }},
		{"1 000 attachments", nil, func(d string) { attachments(d, 1000) }},
		{"50 000 attachments", nil, func(d string) { attachments(d, 50_000) }},
		{"500 files in net.d", nil, func(d string) { files(d, c, 500) }},
		{"100 000 failures told", nil, failures},
	}
	for i, n := range nodes {
		d := fmt.Sprintf("/run/grown/%d", i) // with the disk's part elsewhere
		check(os.MkdirAll(d+"/net.d", 0o755))
		check(os.WriteFile(d+"/net.d/10-bench.conflist", c.text(c.plugins), 0o644))
		entry := maps.Clone(c.outer(shim))
		entry["chain"], entry["statusFile"], entry["stateDir"] = d+"/net.d", d+"/run/status.json", fmt.Sprintf("%s-%d", stateDir, i)
		nodes[i].entry = entry
		l, err := libcni.NetworkConfFromBytes(c.text([]map[string]any{entry}))
		check(err)
		lists = append(lists, l)
		check(call("ADD", l, attachment(0, 0)))
		check(call("DEL", l, attachment(0, 0)))
		n.make(d)
	}
	m := &measured{samples: map[point][]sample{}}
	for r := range *rounds + 1 {
		for i := range nodes {
			i = (i + r) % len(nodes)
			for _, verb := range verbs {
				s := together(1, 10, func(w, n int) error { return call(verb, lists[i], attachment(w, n)) })
				if r > 0 { // files are read once before it counts
					m.add(point{nodes[i].name, verb, shim, 1}, s)
				}
			}
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nwith\tADD ms\tto a fresh node's\tCPU\tDEL ms\tto a fresh node's\tCPU\tSTATUS ms\tto a fresh node's\tCPU\t")
	for _, n := range nodes {
		fmt.Fprintf(t, "%s\t", n.name)
		for _, verb := range verbs {
			p, fresh := point{n.name, verb, shim, 1}, point{nodes[0].name, verb, shim, 1}
			fmt.Fprintf(t, "%s\t", ms(time.Duration(median(m.samples[p], func(s sample) float64 { return float64(s.p50()) }))))
			for _, value := range []func(sample) time.Duration{sample.p50, sample.cpuACall} {
				var all []float64
				for r, s := range m.samples[p] {
					all = append(all, float64(value(s))/float64(value(m.samples[fresh][r])))
				}
				slices.Sort(all)
				fmt.Fprintf(t, "%.2f\t", all[len(all)/2])
			}
		}
		fmt.Fprintln(t)
	}
	t.Flush()
	full(w)
}

// attachments stores as many as n pods' ADD would, beside one that ADD has stored.
func attachments(d string, n int) {
	dir := filepath.Join(d, "run", "attachments", network)
	entry, err := json.Marshal(map[string]any{"format": 1, "network": network, "containerId": "x", "ifName": "eth0", "chain": map[string]any{"config": json.RawMessage(chainOf("noop1").text(noops(1)))}})
	check(err)
	for i := range n {
		check(os.WriteFile(fmt.Sprintf("%s/stored%d@eth0", dir, i), append(entry, '\n'), 0o600))
	}
}

// files fills net.d with networks that come later.
func files(d string, c chain, n int) {
	for i := range n {
		check(os.WriteFile(fmt.Sprintf("%s/net.d/20-%d.conflist", d, i), c.text(c.plugins), 0o644))
	}
}

// failures tells the status file of 100 000, of every reason and of plugins that nobody has heard of.
func failures(d string) {
	s := status.Open(d + "/run/status.json")
	all := reason.All()
	for i := range 100_000 {
		r := &report.Record{Time: time.Now(), Verb: "ADD", Network: network, ContainerID: fmt.Sprint("pod", i), IfName: "eth0"}
		r.Failure = &report.Failure{Reason: all[i%len(all)], Code: 11, Plugin: fmt.Sprint("plugin", i%1000), Of: 3, Cause: fmt.Sprintf("failure %d of a plugin", i), Stderr: "what it said"}
		check(s.Add(status.EventOf(r, 0, nil)))
	}
}

// full compares an ADD that host-local refuses because all of a /16 is taken.
func full(w io.Writer) {
	c := chain{name: "full", plugins: []map[string]any{{"type": "bridge", "bridge": "full0", "ipam": map[string]any{"type": "host-local", "ranges": []any{[]any{map[string]any{"subnet": "10.202.0.0/16"}}}}}}}
	c.install()
	const taken = "/var/lib/cni/networks/" + network
	check(os.RemoveAll(taken))
	check(os.MkdirAll(taken, 0o755))
	for i := range 1 << 16 {
		check(os.WriteFile(fmt.Sprintf("%s/10.202.%d.%d", taken, i>>8, i&0xff), []byte("somebody\r\neth0"), 0o600))
	}
	m := &measured{samples: map[point][]sample{}}
	for r := range 5 {
		for _, leg := range rotate([]string{direct, shim}, r) {
			l := c.list(leg)
			s := together(1, 2, func(w, n int) error {
				if call("ADD", l, attachment(w, n)) == nil {
					return fmt.Errorf("an address was left")
				}
				return nil
			})
			m.add(point{"full", "ADD", leg, 1}, s)
		}
	}
	p50 := func(leg string) float64 {
		return median(m.samples[point{"full", "ADD", leg, 1}], func(s sample) float64 { return float64(s.p50()) })
	}
	fmt.Fprintf(w, "\nADD that host-local refuses, all of a /16 taken: direct %s ms, shim %s ms\n", ms(time.Duration(p50(direct))), ms(time.Duration(p50(shim))))
}
