package watch

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/outer"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
)

// away sees to it that the list is away while it has to be. When it is over there is nothing else to do with the list.
func (k *keeper) away(ch *chain.Chain, f *report.Failure, list *outer.List, have []byte) (done, stands string, over bool) {
	if have != nil && (list == nil || !list.Refers()) {
		return "", "", false // with a list that holds the chain the chain would go
	}
	switch yes, why := k.withdraws(ch, f); {
	case yes && have == nil:
		return "", "", true // and it stays away
	case yes:
		done, stands = k.takeAway(have, f)
		return done, stands, true
	case why != "" && have != nil:
		k.remember(have)
		return "", why, true
	}
	return "", "", false
}

// withdraws tells whether the list has to be away: the chain cannot be loaded, as f says, and a runtime that asks no plugin for STATUS
// would take the node for ready all the same. It has not where the runtime would load another network in its place: a pod in the wrong
// network is worse than one that fails.
func (k *keeper) withdraws(ch *chain.Chain, f *report.Failure) (yes bool, stands string) {
	if k.withdraw == nil || ch != nil || f == nil || f.Reason != reason.ConfigInvalid && f.Reason != reason.ConfigMissing {
		return false, ""
	}
	if k.withdraw.AsksSTATUS("") == node.Yes {
		return false, k.withdraw.Name() + " asks plugins for STATUS, and is told why the chain cannot run: --withdraw has no effect"
	}
	files, err := chain.Files(k.dir)
	if err != nil {
		return false, ""
	}
	for _, path := range files {
		if filepath.Base(path) == outer.Name {
			continue
		}
		if _, err := chain.LoadFile(path); err == nil {
			return false, fmt.Sprintf("%s is not taken away: %s would load %s in the place of the chain", outer.Name, k.withdraw.Name(), filepath.Base(path))
		}
		if k.withdraw.Kind == node.Containerd && k.withdraw.MaxConfNum == 1 {
			break // it stops at the first that it cannot load; CRI-O goes on
		}
	}
	return true, ""
}

// takeAway takes the list away because of f. It returns what it did and what stands in its way, as keep does.
func (k *keeper) takeAway(have []byte, f *report.Failure) (done, stands string) {
	if why := k.removed(); why != "" {
		return "", outer.Name + " is no longer kept: " + why
	}
	done = fmt.Sprintf("%s is taken away until the chain can be loaded, for a runtime that asks for no STATUS would take the node for ready (--withdraw): %s [%s] %s",
		outer.Name, f.Line(), f.Reason.Name, f.Cure())
	if k.dry {
		return done, ""
	}
	switch err := outer.Withdraw(k.dir, k.state, have); {
	case errors.Is(err, outer.ErrChanged):
		return "", "" // whoever writes it has caused an event
	case err != nil:
		return "", outer.Name + " cannot be taken away: " + err.Error()
	}
	k.right = have
	return done, ""
}
