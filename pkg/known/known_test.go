package known

import "testing"

func TestNear(t *testing.T) {
	words := []string{"bridge", "host-local", "portMappings", "l2", "vlan", "macvlan"}
	for in, want := range map[string]string{
		"brigde": "bridge", "bridge ": "bridge", "Bridge": "bridge", "hostlocal": "host-local", "host_local": "host-local", "portmappings": "portMappings",
		"portMapping": "portMappings", "L2": "l2", "l3": "", "bridge": "", "foo": "", "ovs": "", "mcvlan": "macvlan", "": "",
	} {
		if got := Near(in, words); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
