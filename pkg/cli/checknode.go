package cli

import (
	"github.com/cni-shim/cni-shim/pkg/check"
	"github.com/cni-shim/cni-shim/pkg/nodecheck"
)

// checkNode checks this node: what its runtime's configuration names, and all that it needs.
func checkNode() (*check.Result, error) { return nodecheck.Node("") }
