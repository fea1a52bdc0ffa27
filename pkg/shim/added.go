package shim

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"slices"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/inflight"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// entry is what ADD stored of this attachment. A network that was renamed meanwhile has it under its name of then, which plugins keep
// their state by: that of the same container and interface, unless a call of that network is under way (a meta-plugin in its chain
// runs this network's list).
func (c *call) entry() (*attachment.Entry, error) {
	e, err := c.store.Get(c.key())
	if !errors.Is(err, os.ErrNotExist) {
		return e, err
	}
	other, otherErr := c.store.Elsewhere(c.key())
	if errors.Is(otherErr, attachment.ErrUnanswered) {
		return nil, otherErr
	}
	if otherErr != nil || slices.ContainsFunc(c.running, func(r inflight.Call) bool {
		return r.Network == other.Network && r.ContainerID == other.ContainerID && r.IfName == other.IfName
	}) {
		return nil, err
	}
	return other, nil
}

// added finds the chain that ADD ran: what was stored, else what the runtime's libcni kept of a pod older than the shim,
// else today's. A corrupt entry is none.
func (c *call) added() (*chain.Chain, *attachment.Entry, *report.Failure) {
	e, err := c.entry()
	if err == nil {
		var ch *chain.Chain
		if ch, err = chain.FromRaw(e.Chain, chain.Stored); err == nil {
			c.tellChain(ch)
			return ch, e, nil
		}
	}
	if f := c.tryAgain(err); f != nil {
		return nil, nil, f // it may hold what this call is to undo
	}
	if !errors.Is(err, os.ErrNotExist) {
		c.note("", "the stored attachment is not used: "+err.Error(), true)
	}
	ch, err := c.store.FromRuntime(c.key(), c.config.ConfDir())
	if f := c.tryAgain(err); f != nil {
		return nil, nil, f
	}
	if err == nil {
		c.tellChain(ch)
		return ch, nil, nil
	}
	var broken *chain.Error // plugins of its sub-directory: without them DEL would leave something behind
	if errors.As(err, &broken) {
		return nil, nil, report.NotLoaded(broken)
	}
	if !errors.Is(err, os.ErrNotExist) {
		c.note("", "the runtime's cached configuration is not used: "+err.Error(), true)
	}
	ch, f := c.load()
	if f == nil {
		c.tellChain(ch)
	}
	return ch, nil, f
}

// convert tells a result of one version in another, as libcni's own types write it. Of the same version it is passed as it is where they
// cannot read it.
func convert(raw json.RawMessage, from, to string) (json.RawMessage, error) {
	if raw == nil {
		return nil, nil
	}
	converted, err := delegate.Convert(raw, from, to)
	if err != nil && from == to {
		return raw, nil
	}
	return converted, err
}

// inner is the runtime's prevResult at the chain's version. Where it is what our ADD answered, the chain's own result is
// passed instead, with all that a conversion loses.
func (c *call) inner(e *attachment.Entry, ch *chain.Chain) (json.RawMessage, error) {
	if e != nil && e.Done != nil && e.Network != c.config.Name && c.config.PrevResult == nil {
		return delegate.Kept(e.Done.Inner, ch.CNIVersion) // the runtime has it under the network's name of then
	}
	if e != nil && e.Done != nil && e.Done.Outer != nil {
		if outer, err := delegate.Kept(e.Done.Outer, c.config.CNIVersion); err == nil && sameJSON(outer, c.config.PrevResult) {
			return delegate.Kept(e.Done.Inner, ch.CNIVersion)
		}
	}
	return convert(c.config.PrevResult, c.config.CNIVersion, ch.CNIVersion)
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
