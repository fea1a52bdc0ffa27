package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// table prints what was measured and how the ways compare.
func (m *measured) table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nchain\tverb\tat once\tway\tp50 ms\tp90\tp99\tcalls/s\tCPU ms\t")
	for _, p := range m.sorted() {
		all := m.samples[p]
		took := m.all(p)
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%.0f\t%s\t\n", p.chain, p.verb, p.at, p.leg, ms(quantile(took, 0.5)), ms(quantile(took, 0.9)), ms(quantile(took, 0.99)),
			median(all, sample.throughput), ms(time.Duration(median(all, func(s sample) float64 { return float64(s.cpuACall()) }))))
	}
	t.Flush()
	m.ratios(w)
}

// all are the times of a point's calls, of all rounds.
func (m *measured) all(p point) []time.Duration {
	var took []time.Duration
	for _, s := range m.samples[p] {
		took = append(took, s.took...)
	}
	return took
}

// sorted are the points as a reader wants them: the ways side by side.
func (m *measured) sorted() []point {
	order := slices.Concat(floors, []string{direct, wrapper, shim, multus})
	points := slices.Clone(m.points)
	slices.SortStableFunc(points, func(a, b point) int {
		if a.chain != b.chain {
			return 0
		}
		if a.verb != b.verb {
			return slices.Index(verbs, a.verb) - slices.Index(verbs, b.verb)
		}
		if a.at != b.at {
			return a.at - b.at
		}
		return slices.Index(order, a.leg) - slices.Index(order, b.leg)
	})
	return points
}

// ratios prints medians of what was paired within a round, for the time of a call and for its processor time.
func (m *measured) ratios(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nmedians of ratios\tat once\tadds/wrapper\tCPU\tadds/skel floor\tCPU\tshim/direct\tCPU\tshim/multus\tCPU\t")
	for _, p := range m.sorted() {
		if p.leg != shim {
			continue
		}
		fmt.Fprintf(t, "%s %s\t%d\t", p.chain, p.verb, p.at)
		for _, ratio := range []func(s, d, w, f, x float64) float64{
			func(s, d, w, _, _ float64) float64 { return (s - d) / (w - d) },
			func(s, d, _, f, _ float64) float64 { return (s - d) / f },
			func(s, d, _, _, _ float64) float64 { return s / d },
			func(s, _, _, _, x float64) float64 { return s / x },
		} {
			for _, value := range []func(sample) time.Duration{sample.p50, sample.cpuACall} {
				fmt.Fprintf(t, "%s\t", m.paired(p, value, ratio))
			}
		}
		fmt.Fprintln(t)
	}
	t.Flush()
}

// paired is the median over the rounds of a ratio of the shim, direct, the wrapper, the skel floor and Multus within one round.
func (m *measured) paired(p point, value func(sample) time.Duration, ratio func(s, d, w, f, x float64) float64) string {
	var all []float64
	for r := range m.samples[p] {
		at := func(p point) float64 {
			if r >= len(m.samples[p]) {
				return 0
			}
			return float64(value(m.samples[p][r]))
		}
		of := func(leg string) float64 { p.leg = leg; return at(p) }
		if of(multus) == 0 && ratio(1, 1, 2, 1, 0) > 1e9 {
			return "-"
		}
		all = append(all, ratio(of(shim), of(direct), of(wrapper), at(point{"floor", "VERSION", "skel", 1}), of(multus)))
	}
	slices.Sort(all)
	return fmt.Sprintf("%.2f", all[len(all)/2])
}

// benchstat prints every round's median as a line of go test -bench, so that two runs can be compared.
func (m *measured) benchstat(w io.Writer) {
	fmt.Fprintln(w, "\nunit ns/op better=lower")
	for _, p := range m.sorted() {
		for _, s := range m.samples[p] {
			fmt.Fprintf(w, "BenchmarkCall/chain=%s/verb=%s/way=%s-%d %d %d ns/op %d p99-ns/op %d cpu-ns/op %.1f calls/s\n",
				p.chain, p.verb, p.leg, p.at, len(s.took), s.p50(), quantile(s.took, 0.99), s.cpuACall(), s.throughput())
		}
	}
}

func median(all []sample, of func(sample) float64) float64 {
	var values []float64
	for _, s := range all {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/1e6) }
