package hostnet

import (
	"slices"
	"strings"
	"testing"
)

// The loopback interface is everywhere, and so is its address, once it is up.
func TestLoopback(t *testing.T) {
	links, err := Links()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(links, func(l Link) bool { return l.Name == "lo" })
	if i < 0 || links[i].Index < 1 || links[i].MTU == 0 {
		t.Fatalf("%+v", links)
	}
	names := Names(links)
	addresses, err := Addresses(names)
	if err != nil || links[i].Up && !slices.Contains(addresses, "lo 127.0.0.1/8") {
		t.Errorf("%v %v", addresses, err)
	}
	routes, err := Routes(names)
	if err != nil || links[i].Up && !slices.ContainsFunc(routes, func(r Route) bool {
		return strings.HasPrefix(r.Text(), "local 127.0.0.0/8 dev lo table 255 src 127.0.0.1")
	}) {
		t.Errorf("%v %v", routes, err)
	}
	rules, err := Rules()
	if err != nil || !slices.ContainsFunc(rules, func(r string) bool { return strings.HasSuffix(r, "from default to default action 1 table 255") }) {
		t.Errorf("%v %v", rules, err)
	}
	if Delete(1<<30) == nil {
		t.Error("a link that is not there is deleted")
	}
}

// The law: attributes of any length are read within the message.
func FuzzParse(f *testing.F) {
	f.Add([]byte{8, 0, 3, 0, 'l', 'o', 0, 0})
	f.Add([]byte{1, 0, 3, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		for _, v := range parse(b) {
			n += len(v)
		}
		if n > len(b) {
			t.Fatalf("%d bytes out of %d", n, len(b))
		}
	})
}

// The law: of whatever text each line of a ruleset gives one line, no longer than the blocks that are followed make it.
func FuzzNetfilter(f *testing.F) {
	f.Add("table ip nat {\n\tchain A {\n\t\tjump B\n\t}\n}\n")
	f.Add("*nat\n:POSTROUTING ACCEPT [1:2]\n[3:4] -A POSTROUTING -j CNI-1\nCOMMIT\n")
	f.Fuzz(func(t *testing.T, out string) {
		longest := 0
		for line := range strings.SplitSeq(out, "\n") {
			longest = max(longest, len(line))
		}
		for _, lines := range [][]string{nft(out), saved("iptables-save", out)} {
			if len(lines) > strings.Count(out, "\n")+1 {
				t.Fatalf("%d lines of %q", len(lines), out)
			}
			for _, l := range lines {
				if strings.Contains(l, "\n") || len(l) > (maxBlocks+1)*(longest+2)+len("iptables -t  ")+longest {
					t.Fatalf("%q of %q", l, out)
				}
			}
		}
	})
}

// Each rule stands with its table and chain; counters, comments and policies' numbers do not count.
func TestNetfilterLines(t *testing.T) {
	got := nft("# Warning: x\ntable ip nat {\n\tchain POSTROUTING {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n\t\tjump CNI-1\n\t}\n}\n")
	want := []string{"nft table ip nat", "nft table ip nat: chain POSTROUTING", "nft table ip nat: chain POSTROUTING: type nat hook postrouting priority srcnat; policy accept;", "nft table ip nat: chain POSTROUTING: jump CNI-1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	got = saved("iptables-save", "# Generated\n*nat\n:POSTROUTING ACCEPT [1:2]\n[3:4] -A POSTROUTING -j CNI-1\nCOMMIT\n")
	if want = []string{"iptables -t nat :POSTROUTING ACCEPT", "iptables -t nat -A POSTROUTING -j CNI-1"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
