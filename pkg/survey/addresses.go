package survey

import (
	"context"
	"math/big"
	"net/netip"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/evidence"
)

// Addresses is what host-local has given out for one plugin of the chain.
type Addresses struct {
	Network string   `json:"network"`
	Plugin  string   `json:"plugin"`
	Dir     string   `json:"dir"`
	Ranges  []string `json:"ranges"`
	Taken   int      `json:"taken"`
	Free    *int64   `json:"free,omitempty"`   // absent where the ranges cannot be counted, or are larger than anybody counts
	Leaked  *int     `json:"leaked,omitempty"` // taken by containers that are gone; absent where that cannot be told
	Oldest  string   `json:"oldestLeak,omitempty"`
}

// addresses counts those of every plugin that has host-local for its IPAM.
func (s *Survey) addresses(ctx context.Context, ch *chain.Chain) {
	for _, p := range ch.Plugins {
		if p.Network.IPAM.Type != "host-local" {
			continue
		}
		r := evidence.HostLocal(ctx, evidence.Input{Config: p.Bytes, Network: ch.Name})
		if r == nil {
			continue // no address given out yet
		}
		a := Addresses{Network: ch.Name, Plugin: p.Network.Type, Dir: r.Dir, Taken: r.Taken, Oldest: r.Oldest.Address}
		for _, x := range r.Ranges {
			a.Ranges = append(a.Ranges, x.String())
		}
		a.Free = free(r)
		if r.Leaked >= 0 {
			a.Leaked = &r.Leaked
		}
		s.Now.IPAM = append(s.Now.IPAM, a)
	}
}

// free counts how many more containers get an address: one of each set, so the set that is nearest its end decides. Nil where
// the ranges cannot be read, or are larger than anybody counts.
func free(r *evidence.Reservations) *int64 {
	left := map[int]int64{}
	for _, x := range r.Ranges {
		first, last, gateway, ok := bounds(x)
		if !ok {
			return nil
		}
		n := new(big.Int).Sub(number(last), number(first))
		if n.Sign() < 0 {
			return nil
		}
		size := int64(1) << 48 // as good as endless
		if n.BitLen() <= 48 {
			size = n.Int64() + 1
		}
		within := func(a netip.Addr) bool { return a.Compare(first) >= 0 && a.Compare(last) <= 0 }
		if within(gateway) {
			size--
		}
		for _, a := range r.Addresses {
			if within(a) {
				size--
			}
		}
		left[x.Set] += size
	}
	least := int64(1) << 40
	for _, n := range left {
		least = min(least, n)
	}
	if least == 1<<40 {
		return nil
	}
	return &least
}

// bounds are the addresses that host-local gives out of a range: by default all but the network's own, the broadcast's and the
// gateway's, which is the first where none is given (host-local's allocator, Range.Canonicalize).
func bounds(r evidence.Range) (first, last, gateway netip.Addr, ok bool) {
	p, err := netip.ParsePrefix(r.Subnet)
	if err != nil {
		return
	}
	p = p.Masked()
	first, last, gateway = p.Addr().Next(), lastOf(p), p.Addr().Next()
	if p.Addr().Is4() {
		last = last.Prev()
	}
	for _, x := range []struct {
		text string
		into *netip.Addr
	}{{r.Start, &first}, {r.End, &last}, {r.Gateway, &gateway}} {
		if x.text == "" {
			continue
		}
		if *x.into, err = netip.ParseAddr(x.text); err != nil {
			return
		}
	}
	return first, last, gateway, true
}

func number(a netip.Addr) *big.Int { return new(big.Int).SetBytes(a.AsSlice()) }

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
