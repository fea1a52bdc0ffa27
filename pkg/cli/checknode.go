package cli

import (
	"os"

	"github.com/cni-shim/cni-shim/pkg/check"
)

const defaultDir = "/etc/cni/net.d"

// checkNode checks what this node's runtime reads.
func checkNode(env *Env, runtime string) (*check.Result, error) {
	_ = os.Stdin
	return check.Path(defaultDir, check.Options{Runtime: runtime})
}
