package survey

import (
	"net/netip"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/evidence"
)

// How many more containers get an address, by what host-local's allocator gives out.
func TestFree(t *testing.T) {
	addr := netip.MustParseAddr
	for name, c := range map[string]struct {
		ranges []evidence.Range
		taken  []netip.Addr
		want   int64 // -1: cannot be told
	}{
		"whole /24":           {[]evidence.Range{{Subnet: "10.1.0.0/24"}}, nil, 253},
		"some taken":          {[]evidence.Range{{Subnet: "10.1.0.0/29"}}, []netip.Addr{addr("10.1.0.2"), addr("10.2.0.2")}, 4},
		"start and end":       {[]evidence.Range{{Subnet: "10.1.0.0/24", Start: "10.1.0.10", End: "10.1.0.19"}}, nil, 10},
		"start is end":        {[]evidence.Range{{Subnet: "10.1.0.0/24", Start: "10.1.0.10", End: "10.1.0.10"}}, nil, 1},
		"gateway inside":      {[]evidence.Range{{Subnet: "10.1.0.0/24", Start: "10.1.0.10", End: "10.1.0.19", Gateway: "10.1.0.12"}}, nil, 9},
		"two ranges of a set": {[]evidence.Range{{Subnet: "10.1.0.0/30", Set: 1}, {Subnet: "10.2.0.0/30", Set: 1}}, nil, 2},
		"the smaller set":     {[]evidence.Range{{Subnet: "10.1.0.0/29", Set: 1}, {Subnet: "fd00::/64", Set: 2}}, nil, 5},
		"IPv6 alone":          {[]evidence.Range{{Subnet: "fd00::/64"}}, nil, -1},
		"a word":              {[]evidence.Range{{Subnet: "usePodCidr"}}, nil, -1},
		"end before start":    {[]evidence.Range{{Subnet: "10.1.0.0/24", Start: "10.1.0.19", End: "10.1.0.10"}}, nil, -1},
		"none":                {nil, nil, -1},
	} {
		got := int64(-1)
		if n := free(&evidence.Reservations{Ranges: c.ranges, Addresses: c.taken}); n != nil {
			got = *n
		}
		if got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
