package integration

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// 200 ADD and DEL with 64 at once, a third of them failing or killed: every address is free afterwards, every failure is told
// or counted, nothing is left behind.
func TestStorm(t *testing.T) {
	l := newLab(t)
	l.plant("[ -e /run/storm/$CNI_CONTAINERID ] && [ $CNI_COMMAND = ADD ] && { echo '{\"code\":11,\"msg\":\"storm\"}'; exit 1; }\n" +
		"[ $CNI_COMMAND = ADD ] && sed 's/.*\"prevResult\":\\({.*}\\),\"type\".*/\\1/'\nexit 0\n")
	l.run("mkdir", "-p", "/run/storm")
	l.write("10-lab.conflist", `{"cniVersion":"1.1.0","name":"lab","plugins":[{"type":"bridge","bridge":"lab0","isGateway":true,"ipam":{"type":"host-local","subnet":"10.8.0.0/22"}},{"type":"sick"}]}`)
	conf := `{"cniVersion":"1.1.0","name":"lab","type":"cni-shim","chain":"/etc/cni/net.d"}`
	const pods, parallel = 200, 64
	random := rand.New(rand.NewSource(1))
	var mu sync.Mutex
	failed, killed := 0, 0
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for i := range pods {
		pod := l.pod()
		fate := random.Intn(6) // 0 fails, 1 is killed
		delay := time.Duration(random.Intn(250)) * time.Millisecond
		if fate == 0 {
			if err := os.WriteFile("/run/storm/"+pod.ContainerID, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			call := func(verb string, limit time.Duration) error {
				ctx, cancel := context.WithTimeout(context.Background(), limit)
				defer cancel()
				c := exec.CommandContext(ctx, shimPath)
				c.Env = []string{"PATH=" + os.Getenv("PATH"), "CNI_PATH=" + binDir + ":" + sick, "CNI_COMMAND=" + verb, "CNI_CONTAINERID=" + pod.ContainerID, "CNI_IFNAME=eth0", "CNI_NETNS=" + pod.NetNS}
				c.Stdin = strings.NewReader(conf)
				out, err := c.Output()
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					return fmt.Errorf("%w: %s", err, out)
				}
				return nil
			}
			limit := time.Minute
			if fate == 1 {
				limit = time.Millisecond + delay
			}
			err := call("ADD", limit)
			mu.Lock()
			switch {
			case err == context.DeadlineExceeded:
				killed++
			case err != nil:
				failed++
			}
			mu.Unlock()
			if err != nil && fate > 1 {
				t.Errorf("ADD %d: %v", i, err)
			}
			if err := call("DEL", time.Minute); err != nil {
				t.Errorf("DEL %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	l.plugin("STATUS", conf) // finds the marks of the last calls that were killed
	if left := l.leases("lab"); len(left) != 0 {
		t.Errorf("host-local still holds %d addresses", len(left))
	}
	l.clean()
	var s struct {
		Calls map[string]struct {
			Total, Failed int
			ByReason      map[string]int
		}
		Failures []struct{ Count int }
	}
	l.status(&s)
	if add := s.Calls["ADD"]; add.ByReason["Unclassified"] != failed || add.ByReason["PluginTimeout"] > killed || s.Calls["DEL"].Total != pods || failed == 0 || killed == 0 {
		t.Errorf("%d failed and %d killed; counted %+v", failed, killed, s.Calls)
	}
	told := l.journal(failed, func(e entry) bool { return e.get("CNI_REASON") == "Unclassified" && e.get("PRIORITY") == "3" })
	if len(told) != failed {
		t.Errorf("%d of %d failures in the journal", len(told), failed)
	}
	t.Logf("%d failed, %d killed (%d of them while marked), counted: %+v", failed, killed, s.Calls["ADD"].ByReason["PluginTimeout"], s.Calls)
	if temps, _ := filepath.Glob("/run/cni-shim/unlogged"); len(temps) != 0 {
		t.Error(temps)
	}
	l.run("ip", "link", "del", "lab0")
}
