package cli

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/node"
	"github.com/cni-shim/cni-shim/pkg/survey"
)

// nodeFlags say where this node's runtime looks, where that is not to be taken from its own configuration.
type nodeFlags struct{ confDir, binDir string }

func (f *nodeFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.confDir, "conf-dir", "", "the directory of network configurations (default: the runtime's, else "+node.DefaultConfDir+")")
	c.Flags().StringVar(&f.binDir, "bin-dir", "", "the directories of plugins, separated by : (default: the runtime's, else "+node.DefaultBinDir+")")
}

// survey is how the node is looked at: by the flags, and where they do not say, by the configuration of its runtime.
func (f *nodeFlags) survey() survey.Options {
	r := node.Default("")
	if found := node.Find(""); len(found) > 0 {
		r = found[0]
	}
	o := survey.Options{ConfDir: r.ConfDir, BinDirs: r.BinDirs, Runtime: strings.ReplaceAll(string(r.Kind), "-", ""), Apart: true}
	if f.confDir != "" {
		o.ConfDir = f.confDir
	}
	if f.binDir != "" {
		o.BinDirs = filepath.SplitList(f.binDir)
	}
	return o
}

// stateFlag adds --state-dir.
func stateFlag(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "state-dir", "", "the directory of stored attachments (default: what the shim's list says, else "+config.DefaultStateDir+")")
}
