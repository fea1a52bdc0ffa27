// Bench measures what a call costs: the same chain run by libcni itself, through the shim, through a bare wrapper that any delegating
// plugin amounts to, and through Multus where its program is given. All in one run, in rounds whose order rotates, on a node of private
// namespaces with a journald of its own and state on a real disk. What is compared are medians of ratios within a round: absolute
// times change from machine to machine and from minute to minute.
//
//	make bench                       the whole, a table and benchstat's form
//	bin/bench -rounds 3 -only noop1  a quick look
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

var (
	rounds  = flag.Int("rounds", 15, "how often everything is measured")
	only    = flag.String("only", "", "measure this only: noop1, noop3, bridge or disk")
	bin     = flag.String("bin", "", "directory with the programs (see the Makefile)")
	out     = flag.String("out", "", "file for the figures in benchstat's form")
	growth  = flag.Bool("growth", true, "measure also with much stored, long lists and full ranges")
	calls   = flag.Int("calls", 2000, "how many calls of each way are made on a busy disk")
	once    = flag.String("once", "", "make one call, chain/leg/verb: what is traced")
	figures = flag.Bool("figures", true, "trace and weigh single calls")
)

func main() {
	flag.Parse()
	if *once != "" {
		check(callOnce(strings.Split(*once, "/")))
		return
	}
	if os.Getenv(inside) == "" {
		os.Exit(outside())
	}
	stop := enter()
	defer stop()
	var names []string
	for _, c := range chains {
		if *only == "" || *only == c.name {
			names = append(names, c.name)
		}
	}
	f := os.Stdout
	if *out != "" {
		var err error
		if f, err = os.Create(filepath.Clean(*out)); err != nil {
			check(err)
		}
		defer f.Close()
	}
	fmt.Printf("machine: %s\n", machine())
	if *only == "" || *only == "disk" {
		onDisks(os.Stdout, *calls)
	}
	if *only == "disk" {
		return
	}
	m := measure(names, *rounds)
	m.table(os.Stdout)
	if *figures {
		weigh(os.Stdout, names)
	}
	if *growth {
		grow(os.Stdout)
	}
	m.benchstat(f)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
