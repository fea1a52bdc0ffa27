// Package evidence looks at the node after a plugin has failed and finds what proves the reason: how many addresses of
// the range are taken by containers that are gone, whether anybody listens on the agent's socket, which sysctl has
// IPv6 switched off. Nothing is looked at before a failure. What cannot be had is left out; nothing is invented, no
// secret is told, and no look takes longer than the budget.
package evidence

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cni-shim/cni-shim/pkg/failure"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/secret"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

// maxText bounds one fact, in bytes.
const maxText = 512

// Input is what is known of the call beside its failure. Every field may be empty.
type Input struct {
	Root        string   // put before every path that is looked at; tests have a node of their own there
	Config      []byte   // the plugin's configuration, as it got it on stdin
	Paths       []string // CNI_PATH
	Netns       string   // CNI_NETNS
	ContainerID string
	IfName      string
	Network     string // the network's name
}

// Fact is one thing seen on the node. Key is stable, lower case; Text is one line for people.
type Fact struct {
	Key  string `json:"key"`
	Text string `json:"text"`
}

// Collect looks for evidence of a verdict until it has it, the budget is spent or ctx ends, and returns what was seen by
// then, in order. It waits for nothing that hangs: a look at a dead mount is left behind, so f and in must not be
// changed afterwards. A thread that is left behind keeps its process from ending: after a timeout, which may be a disk's that hangs, only
// what the kernel keeps in memory is read.
func Collect(ctx context.Context, f *failure.Facts, v failure.Verdict, in Input) []Fact {
	return collect(ctx, f, v, in, Budget)
}

func collect(ctx context.Context, f *failure.Facts, v failure.Verdict, in Input, budget time.Duration) []Fact {
	look := collector(v.Reason)
	if look == nil || f == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	l := newLook(ctx, budget, f, in)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = recover() }() // a fault in here must not cost the call its answer
		look(l)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	return l.end()
}

// head bounds what is searched for paths.
func head(text string) string { return text[:min(len(text), 16<<10)] }

// collector knows who looks for what. An ADD that failed has been undone by now: what the undoing takes away (the pod's own
// interfaces and reservations) proves nothing, and is not looked at. A switch, for a map would be built before main.
func collector(r *reason.Reason) func(*look) {
	switch r {
	case reason.IPAMExhausted:
		return reservations
	case reason.AgentUnreachable, reason.AgentTimeout, reason.DHCPUnavailable:
		return sockets
	case reason.PluginTimeout:
		return waited
	case reason.FirewallFailed:
		return xtables
	case reason.HostToolMissing:
		return tools
	case reason.DeviceUnavailable:
		return device
	case reason.InterfaceSetupFailed:
		return mtu
	case reason.HostPortConflict:
		return hostPorts
	case reason.APIUnreachable:
		return server
	case reason.AgentStateMissing:
		return stateFile
	case reason.PluginNotFound:
		return directories
	case reason.PluginNotExecutable, reason.PermissionDenied:
		return program
	case reason.BridgeAddressConflict:
		return bridge
	case reason.NetnsGone, reason.InvalidCallerInput:
		return namespace
	case reason.IPv6Disabled:
		return ipv6
	case reason.HostResourceExhausted:
		return resources
	case reason.APITLSError:
		return certificates
	case reason.APIUnauthorized:
		return token
	case reason.PluginKilled:
		return killed
	case reason.StateCorrupt:
		return stateFiles
	}
	return nil
}

// look is one look at the node.
type look struct {
	ctx   context.Context
	until time.Time // from when on loops stop: a little before the end, so that what they have counted is still told
	f     *failure.Facts
	in    Input
	text  string // all that the plugin said
	all   bool   // each address is asked for, and not only how many there are

	mu    sync.Mutex
	facts []Fact
	ended bool
}

func newLook(ctx context.Context, budget time.Duration, f *failure.Facts, in Input) *look {
	return &look{ctx: ctx, until: time.Now().Add(budget * 3 / 4), f: f, in: in, text: head(f.Msg) + "\n" + head(f.Details) + "\n" + head(f.Stderr)}
}

// note keeps a fact. What comes after the end of the look is dropped.
func (l *look) note(key, format string, args ...any) {
	text := visible.Line(secret.Mask(fmt.Sprintf(format, args...)))
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.facts = append(l.facts, Fact{key, text})
	}
}

func (l *look) end() []Fact {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	return l.facts
}

// over tells loops that it is time to stop.
func (l *look) over() bool { return l.ctx.Err() != nil || time.Now().After(l.until) }
