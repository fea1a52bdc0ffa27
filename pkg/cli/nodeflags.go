package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/survey"
)

// defaultBinDir is where runtimes look for plugins unless told otherwise.
const defaultBinDir = "/opt/cni/bin"

// nodeFlags say where this node's runtime looks.
type nodeFlags struct{ confDir, binDir string }

func (f *nodeFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.confDir, "conf-dir", config.DefaultConfDir, "the directory of network configurations that the runtime reads")
	c.Flags().StringVar(&f.binDir, "bin-dir", defaultBinDir, "the directories that it looks for plugins in, separated by :")
}

// survey is how the node is looked at.
func (f *nodeFlags) survey() survey.Options {
	return survey.Options{ConfDir: f.confDir, BinDirs: filepath.SplitList(f.binDir), Runtime: "containerd"}
}

// stateFlag adds --state-dir.
func stateFlag(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "state-dir", config.DefaultStateDir, "the directory of stored attachments")
}
