package integration

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cni-shim/cni-shim/integration/trace"
)

// What a call asks of the kernel, the Go runtime's scheduler and the plugins left out. A bound grows only with a reason: the figure
// that was measured and a twentieth.
func TestCost(t *testing.T) {
	if os.Getenv("GOCOVERDIR") != "" {
		t.Skip("coverage writes files of its own")
	}
	l := newLab(t)
	l.write("10-lab.conflist", `{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"sick"}]}`)
	path := l.plant("[ $CNI_COMMAND = ADD ] && echo '{\"cniVersion\":\"1.1.0\"}'\nexit 0\n")
	pod := l.pod()
	conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":"/etc/cni/net.d"}`
	env := []string{"PATH=" + os.Getenv("PATH"), path, "CNI_CONTAINERID=" + pod.ContainerID, "CNI_IFNAME=eth0", "CNI_NETNS=" + pod.NetNS}
	call := func(verb string) trace.Figure {
		c := exec.Command(shimPath)
		c.Env, c.Stdin = append(env, "CNI_COMMAND="+verb), strings.NewReader(conf)
		f, err := trace.Run(c, func(comm string) bool { return comm == "cni-shim" })
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	bounds := []struct {
		verb string
		most trace.Figure
	}{
		{"ADD", trace.Figure{Processes: 1, Calls: 160, Created: 4, Written: 4880}},
		{"DEL", trace.Figure{Processes: 1, Calls: 121, Created: 3, Written: 4400}},
		{"STATUS", trace.Figure{Processes: 1, Calls: 143, Created: 3, Written: 4050}},
	}
	for _, b := range bounds {
		call(b.verb) // directories are made, programs asked for their versions
		if b.verb == "DEL" {
			call(b.verb) // runtimes send a second one, which finds out whether the disk holds anything
		}
	}
	// Who waits polls: a busy machine adds calls to some rounds, a fault to all.
	within := map[string]bool{}
	for round := 0; round < 10 && len(within) < len(bounds); round++ {
		for _, b := range bounds {
			got, most := call(b.verb), b.most
			if got.Processes <= most.Processes && got.Calls <= most.Calls && got.Created <= most.Created && got.Written <= most.Written && got.Synced <= most.Synced {
				within[b.verb] = true
			}
			t.Logf("%s: %+v, at most %+v", b.verb, got, most)
		}
	}
	for _, b := range bounds {
		if !within[b.verb] {
			t.Errorf("%s never keeps to %+v", b.verb, b.most)
		}
	}
}
