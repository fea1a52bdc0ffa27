package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRepair: with "repair": true a chain with a comma too many runs as without it; the file stays as it is, and one
// warning tells of it until it changes. Without the key, and with any other fault beside it, it does not run.
func TestRepair(t *testing.T) {
	l := newLab(t)
	good := `{"cniVersion":"1.0.0","name":"lab-repair","plugins":[{"type":"bridge","bridge":"repair0","ipam":{"type":"host-local","ranges":[[{"subnet":"10.231.0.0/24"}]]}}]}`
	bad := "\ufeff" + strings.Replace(good, `"10.231.0.0/24"`, `"10.231.0.0/24", /* the lab's */`, 1)
	l.write("10-lab.conflist", bad)

	if _, err := l.cni.AddNetworkList(l.ctx(), l.outer("lab-repair", ""), l.pod()); err == nil || !strings.Contains(err.Error(), "byte order mark") {
		t.Fatalf("without repair: %v", err)
	}
	list := l.outer("lab-repair", `"repair":true`)
	for range 2 {
		pod := l.pod()
		if _, err := l.cni.AddNetworkList(l.ctx(), list, pod); err != nil {
			t.Fatal(err)
		}
		if len(l.leases("lab-repair")) != 1 {
			t.Fatalf("leases: %v", l.leases("lab-repair"))
		}
		if err := l.cni.DelNetworkList(l.ctx(), list, pod); err != nil {
			t.Fatal(err)
		}
		if left := l.leases("lab-repair"); len(left) != 0 {
			t.Fatalf("left behind: %v", left)
		}
	}
	if now, err := os.ReadFile(filepath.Join(confDir, "10-lab.conflist")); err != nil || string(now) != bad {
		t.Fatalf("the file is another: %q, %v", now, err)
	}
	warned := func(e entry) bool { return strings.Contains(e.get("MESSAGE"), "runs in its mended form") }
	if got := l.journal(1, warned); len(got) != 1 || got[0].get("CNI_RULE") != "encoding-bom" {
		t.Errorf("warnings: %v", got)
	}
	if status, err := os.ReadFile(statusFile); err != nil || !strings.Contains(string(status), "runs in its mended form") {
		t.Errorf("the status file says nothing of it: %v\n%s", err, status)
	}

	// Another fault beside it: nothing is guessed.
	l.write("10-lab.conflist", strings.Replace(bad, `"bridge":`, `bridge:`, 1))
	if _, err := l.cni.AddNetworkList(l.ctx(), list, l.pod()); err == nil {
		t.Error("a chain with an unquoted key runs")
	}
	// It changes: one warning more.
	l.write("10-lab.conflist", strings.Replace(bad, "the lab's", "ours", 1)+"\n// end\n")
	pod := l.pod()
	if _, err := l.cni.AddNetworkList(l.ctx(), list, pod); err != nil {
		t.Fatal(err)
	}
	if err := l.cni.DelNetworkList(l.ctx(), list, pod); err != nil {
		t.Fatal(err)
	}
	if got := l.journal(2, warned); len(got) != 2 {
		t.Errorf("%d warnings, want one for each form of the file", len(got))
	}
}
