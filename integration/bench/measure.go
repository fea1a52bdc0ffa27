package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/containernetworking/cni/pkg/invoke"
	"golang.org/x/sys/unix"
)

var verbs = []string{"ADD", "DEL", "STATUS"}

// floors are programs that do nothing, from nothing at all to a plugin that answers VERSION.
var floors = []string{"static", "empty", "skel"}

// point is what is measured: a chain, run one way, so many at once.
type point struct {
	chain, verb, leg string
	at               int
}

// sample is one round's measure of a point.
type sample struct {
	took []time.Duration // of each call
	wall time.Duration   // of all of them
	cpu  time.Duration   // user and system, of the caller's children, all of them
}

func (s sample) p50() time.Duration       { return quantile(s.took, 0.5) }
func (s sample) cpuACall() time.Duration  { return s.cpu / time.Duration(len(s.took)) }
func (s sample) throughput() (hz float64) { return float64(len(s.took)) / s.wall.Seconds() }

// quantile is the smallest of the values that a share q does not exceed.
func quantile(values []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// measured are the samples of each point, one a round.
type measured struct {
	samples map[point][]sample
	points  []point // in their order
}

// measure goes round: every chain, width and way once a round, the ways in an order that rotates.
func measure(names []string, rounds int) *measured {
	m := &measured{samples: map[point][]sample{}}
	for _, name := range names { // files are read and directories made once before it counts
		m.batch(chainOf(name), 1, legs(), true)
	}
	for r := range rounds {
		for _, leg := range rotate(floors, r) {
			m.floor(leg)
		}
		for _, name := range names {
			c := chainOf(name)
			if c.heavy && r >= max(rounds/2, 2) {
				continue
			}
			for _, at := range c.at {
				m.batch(c, at, rotate(legs(), r), false)
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", r+1, rounds)
	}
	return m
}

func rotate(s []string, by int) []string {
	by %= len(s)
	return slices.Concat(s[by:], s[:by])
}

func (m *measured) add(p point, s sample) {
	if _, ok := m.samples[p]; !ok {
		m.points = append(m.points, p)
	}
	m.samples[p] = append(m.samples[p], s)
}

// batch measures ADD, DEL and STATUS of a chain, so many at once.
func (m *measured) batch(c chain, at int, order []string, warm bool) {
	c.install()
	each := max(1, 24/at) // of every worker
	if c.heavy {
		each = max(1, 6/at)
	}
	if warm {
		each = 1
	}
	for _, leg := range order {
		list := c.list(leg)
		for _, verb := range verbs {
			s := together(at, each, func(w, n int) error { return call(verb, list, attachment(w, n)) })
			if !warm {
				m.add(point{c.name, verb, leg, at}, s)
			}
		}
	}
}

// floor measures a program that does nothing; where there is no C compiler, the first is not there.
func (m *measured) floor(name string) {
	if !there(name) {
		return
	}
	s := together(1, 24, func(int, int) error {
		_, err := (&invoke.RawExec{}).ExecPlugin(context.Background(), binDir+"/"+name, []byte("{}"), []string{"CNI_COMMAND=VERSION"})
		return err
	})
	m.add(point{"floor", "VERSION", name, 1}, s)
}

// together lets workers make calls at once, each its own, one after the other.
func together(workers, each int, call func(worker, n int) error) sample {
	s := sample{took: make([]time.Duration, workers*each)}
	before, began := children(), time.Now()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for n := range each {
				start := time.Now()
				check(call(w, n))
				s.took[w*each+n] = time.Since(start)
			}
		})
	}
	wg.Wait()
	s.wall, s.cpu = time.Since(began), children()-before
	return s
}

// children is the processor time of the processes that this one has waited for, and theirs.
func children() time.Duration {
	var u unix.Rusage
	check(unix.Getrusage(unix.RUSAGE_CHILDREN, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
