package integration

import (
	"strings"
	"testing"
)

// The catalog that a node gets makes `journalctl -x` print cause, cure and whose turn it is below an entry, with the call's own
// names filled in.
func TestCatalog(t *testing.T) {
	l := newLab(t)
	const catalogs = "/usr/lib/systemd/catalog"
	l.tmpfs(catalogs, "mode=755") // a private one: nothing is installed on this machine
	l.run("mkdir", "-p", "/var/lib/systemd/catalog")
	l.run("cp", "../conf/cni-shim.catalog", catalogs+"/")
	if out := l.run("journalctl", "--update-catalog"); out != "" {
		t.Errorf("journalctl --update-catalog: %s", out)
	}
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"macvlan","master":"ens77","ipam":{"type":"host-local","subnet":"10.7.0.0/24"}}]}`)
	if _, err := l.cni.AddNetworkList(l.ctx(), l.outer("lab", ""), l.pod()); err == nil {
		t.Fatal("no error")
	}
	l.journal(1, func(e entry) bool { return e.get("CNI_REASON") == "DeviceUnavailable" })
	out := l.run("journalctl", "-x", "-t", "cni-shim", "-p", "err", "-n", "1", "--no-pager")
	if strings.Contains(out, "@") {
		t.Errorf("a field is not filled in:\n%s", out)
	}
	for _, want := range []string{"Subject: DeviceUnavailable: a host device is absent, busy or not suitable", "Defined-By: cni-shim",
		"ADD of network lab failed.", "Cure: correct the device name", "Whose turn: configuration: whoever writes the files in net.d.", "retry does not help"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
