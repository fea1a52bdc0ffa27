package hostnet

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/delegate"
)

// maxRules bounds what a netfilter tool may print, in bytes.
const maxRules = 64 << 20

// Netfilter reads the rules of nftables and iptables, one line each with its table and chain before it, and says what was read by
// which program. Counters are left out. A node without any of the programs gives nothing, and no tools.
func Netfilter(ctx context.Context) (lines []string, tools []string, err error) {
	for _, t := range [...][]string{
		{"nft", "-s", "list", "ruleset"}, {"iptables-save"}, {"ip6tables-save"}, {"iptables-legacy-save"}, {"ip6tables-legacy-save"},
	} {
		out, cut, toolErr := delegate.Tool(ctx, maxRules, t[0], t[1:]...)
		switch {
		case errors.Is(toolErr, delegate.ErrNoTool):
			continue
		case toolErr == nil && cut:
			toolErr = errors.New(t[0] + ": more rules than are read")
		}
		if toolErr != nil {
			err = errors.Join(err, toolErr)
			continue
		}
		tools = append(tools, t[0])
		if t[0] == "nft" {
			lines = append(lines, nft(string(out))...)
		} else {
			lines = append(lines, saved(t[0], string(out))...)
		}
	}
	return lines, tools, err
}

// maxBlocks bounds how deep blocks are followed: a ruleset has tables, chains, and maps in them.
const maxBlocks = 8

// nft gives each line of a ruleset the lines of the blocks that it stands in, the outermost of more than maxBlocks.
func nft(out string) []string {
	var lines, blocks []string
	depth := 0
	for line := range strings.SplitSeq(out, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line == "}":
			depth = max(0, depth-1)
			blocks = blocks[:min(depth, len(blocks))]
		default:
			block, opens := strings.CutSuffix(line, " {")
			lines = append(lines, "nft "+strings.Join(append(append([]string{}, blocks...), block), ": "))
			if opens {
				if depth++; depth <= maxBlocks {
					blocks = append(blocks, block)
				}
			}
		}
	}
	return lines
}

// saved gives each line of an iptables-save its table, and leaves out counters and comments.
func saved(tool, out string) []string {
	counters := regexp.MustCompile(` ?\[\d+:\d+\] ?`)
	var lines []string
	table := ""
	for line := range strings.SplitSeq(out, "\n") {
		line = strings.TrimSpace(counters.ReplaceAllString(line, ""))
		switch {
		case line == "" || line[0] == '#' || line == "COMMIT":
		case line[0] == '*':
			table = line[1:]
		default:
			lines = append(lines, strings.TrimSuffix(tool, "-save")+" -t "+table+" "+line)
		}
	}
	return lines
}
