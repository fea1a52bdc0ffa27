package probe

import (
	"context"
	"slices"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/hostnet"
)

// cniMark begins the names of the chains that CNI's plugins make, CNI-HOSTPORT-DNAT for one; cniTable those of their nftables.
const (
	cniMark  = "CNI-"
	cniTable = "cni_"
)

// netfilter takes away the chains that plugins make once for all pods, where the probe was the first: rules that lead to them, then
// the chains, then tables that are empty by then. Every step is one that the kernel refuses while somebody uses the thing.
func (t *tidy) netfilter() (did []string) {
	ctx, cancel := context.WithTimeout(context.Background(), snapshotTime)
	defer cancel()
	run := func(words ...string) bool {
		_, _, err := delegate.Tool(ctx, 1<<16, words[0], words[1:]...)
		return err == nil
	}
	for _, words := range t.iptables(ctx, "-A", "-D") {
		run(words...)
	}
	for _, words := range t.iptables(ctx, ":", "-X") {
		if run(words...) {
			did = append(did, words[0]+" chain "+words[4]+" of table "+words[2])
		}
	}
	for _, table := range t.tables(ctx) {
		script := ""
		for _, chain := range table.chains {
			script += "delete chain " + table.name + " " + chain + "\n" // refused while it has rules, and with it all of this
		}
		if run("nft", script+"delete table "+table.name) {
			did = append(did, "nft table "+table.name+", which is empty")
		}
	}
	return did
}

// iptables gives the commands that take away what is new in the tables and a CNI plugin's: lines with the given first word, which
// is replaced by the other.
func (t *tidy) iptables(ctx context.Context, word, by string) [][]string {
	var commands [][]string
	for _, line := range t.added(ctx) {
		words := split(line) // iptables -t nat -A POSTROUTING -j CNI-HOSTPORT-MASQ
		if len(words) < 4 || words[1] != "-t" || !strings.Contains(line, cniMark) {
			continue
		}
		switch {
		case word == ":" && strings.HasPrefix(words[3], ":"+cniMark):
			commands = append(commands, []string{words[0], "-t", words[2], by, words[3][1:]})
		case words[3] == word:
			words[3] = by
			commands = append(commands, words)
		}
	}
	return commands
}

// added are the lines of netfilter that were not there before the probe.
func (t *tidy) added(ctx context.Context) []string {
	lines, _, _ := hostnet.Netfilter(ctx)
	return slices.DeleteFunc(lines, func(l string) bool { return t.before.lines["netfilter"][l] > 0 })
}

type table struct {
	name   string // "ip nat"
	chains []string
}

// tables are those of nftables that are new, and empty or a CNI plugin's own.
func (t *tidy) tables(ctx context.Context) []*table {
	found := map[string]*table{}
	full := map[string]bool{}
	for _, line := range t.added(ctx) {
		line, ok := strings.CutPrefix(line, "nft table ")
		if !ok {
			continue
		}
		name, rest, inside := strings.Cut(line, ": ")
		chain, isChain := strings.CutPrefix(rest, "chain ")
		switch {
		case !inside:
			found[name] = &table{name: name}
		case found[name] == nil: // a table of before
		case strings.Contains(name, " "+cniTable):
		case isChain && !strings.Contains(chain, ": "):
			found[name].chains = append(found[name].chains, chain)
		case !strings.Contains(chain, ": type "):
			full[name] = true
		}
	}
	var tables []*table
	for _, name := range sorted(found) {
		if !full[name] {
			tables = append(tables, found[name])
		}
	}
	return tables
}

// split takes a line of iptables-save apart as a shell would: words in double quotes, in which a backslash protects.
func split(line string) []string {
	var words []string
	var word strings.Builder
	quoted, escaped, some := false, false, false
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quoted:
			escaped = true
		case r == '"':
			quoted, some = !quoted, true
		case r == ' ' && !quoted:
			if some {
				words = append(words, word.String())
				word.Reset()
				some = false
			}
		default:
			word.WriteRune(r)
			some = true
		}
	}
	if some {
		words = append(words, word.String())
	}
	return words
}
