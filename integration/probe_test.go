package integration

import (
	"testing"
)

func TestProbeTry(t *testing.T) {
	l := newLab(t)
	l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
	l.outer("k8s-pod-network", "")
	for range 2 {
		out, code := l.tool("probe")
		t.Logf("exit %d\n%s", code, out)
	}
	t.Log(l.run("sh", "-c", "ip link; ip route; nft list ruleset; find /var/lib/cni /run/cni-shim* /run/netns"))
}
