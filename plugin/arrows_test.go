package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cni-shim/cni-shim/"

// floors lists our packages from the ground up; a package may import those of lower floors and of its own, never upwards.
// Which floor: the ground knows no processes and no sockets; the first does what a call does; the top is for people.
var floors = [][]string{
	{"conf", "pkg/diag", "pkg/reason", "pkg/disk", "pkg/known", "pkg/source", "pkg/node", "pkg/secret", "pkg/visible", "pkg/rights", "pkg/steps",
		"pkg/steps/stepstest"},
	{"pkg/jsondoc", "pkg/config", "pkg/failure"},
	{"pkg/chain", "pkg/journal", "pkg/inflight", "pkg/rules", "pkg/manifest"},
	{"pkg/delegate", "pkg/attachment", "pkg/check", "pkg/outer"},
	{"pkg/hostnet", "pkg/inventory", "pkg/stale"},
	{"pkg/evidence", "pkg/nodecheck"},
	{"pkg/report"},
	{"pkg/status"},
	{"pkg/shim", "pkg/survey", "pkg/probe"},
	{"pkg/install", "pkg/bundle", "pkg/watch"},
	{"pkg/cli"},
	{"plugin"},
}

// only names the packages that alone may import something, and why.
var only = map[string]struct{ who, why string }{
	"os/exec": {"pkg/delegate", "one place runs programs, with one set of rules for pipes, groups and deadlines"},
	"github.com/coreos/go-systemd/v22/journal":    {"pkg/journal", "its Send blocks for ever on a full queue; pkg/journal bounds it"},
	"github.com/containernetworking/cni/pkg/skel": {"pkg/shim", "being a plugin happens in one place"},
}

// TestArrows holds the house to its floors.
func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	floor := map[string]int{}
	for i, f := range floors {
		for _, p := range f {
			floor[p] = i
		}
	}
	seen := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		name, ok := strings.CutPrefix(p.ImportPath, module)
		if !ok {
			continue
		}
		own, ok := floor[name]
		if !ok {
			t.Errorf("%s stands on no floor: give it one in this test", name)
			continue
		}
		seen++
		for _, i := range p.Imports {
			if rule, ok := only[i]; ok && name != rule.who {
				t.Errorf("%s imports %s, which is for %s: %s", name, i, rule.who, rule.why)
			}
			if below, ok := strings.CutPrefix(i, module); ok && floor[below] >= own && !slices.Contains(floors[own], below) {
				t.Errorf("%s imports %s, which stands above it", name, below)
			}
		}
	}
	if want := len(slices.Concat(floors...)); seen != want {
		t.Errorf("%d packages, %d floors' places", seen, want)
	}
}
