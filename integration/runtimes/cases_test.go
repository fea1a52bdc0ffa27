package runtimes

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "write docs/situations.md from this run")

// situations in the order of the table.
var situations = slices.Concat(configurations, failures, lives, hangs, kubelets)

// TestCases plays every situation without the shim and with it. With the shim none is worse, and what both said is docs/situations.md.
func TestCases(t *testing.T) {
	answers := map[string]*[2][]row{}
	for i := range situations {
		s := &situations[i]
		legs := new([2][]row)
		answers[s.name] = legs
		for leg, name := range []string{"without", "with"} {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				if s.needs != "" {
					needs(t, s.needs) // before any leg runs: a leg that waits for a build would keep others from their turn
				}
				t.Parallel()
				file := os.Getenv("CASE_ANSWERS")
				if here == nil {
					file = filepath.Join(t.TempDir(), "answers")
				}
				if onNode(t, "CASE_ANSWERS="+file) {
					p := &play{T: t, Node: here, shim: leg == 1, keeps: s.keeps != ""}
					s.play(p)
					b, _ := json.Marshal(p.rows)
					if err := os.WriteFile(file, b, 0o644); err != nil {
						t.Fatal(err)
					}
					return
				}
				b, err := os.ReadFile(file)
				if err == nil {
					err = json.Unmarshal(b, &legs[leg])
				}
				if err != nil {
					t.Fatal(err)
				}
			})
		}
	}
	if here != nil {
		return
	}
	t.Cleanup(func() { judge(t, answers) }) // when the parallel legs are done
}

// judge compares the legs, and the table with the committed one.
func judge(t *testing.T, answers map[string]*[2][]row) {
	var table []string
	for i := range situations {
		s := &situations[i]
		a := answers[s.name]
		if a[0] == nil || a[1] == nil {
			continue // not run, or failed and said so
		}
		worse, better := verdict(s, a[0], a[1])
		if worse != "" {
			t.Errorf("%s is worse with the shim: %s\nwithout: %+v\nwith: %+v", s.name, worse, a[0], a[1])
		}
		table = append(table, rows(s, better, a[0], a[1]))
	}
	compare(t, table, len(table) == len(situations))
}
