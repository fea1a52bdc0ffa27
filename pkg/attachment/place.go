package attachment

import (
	"fmt"
	"os"
	"slices"

	"github.com/cni-shim/cni-shim/pkg/config"
)

// Names are what the shim keeps in its state directory: of this package, the watch, and install.
var Names = []string{"attachments", "outer.conflist", "withdrawn", "install.json", "uninstalled", ".tmp", ".lock-install"}

// StateDir returns the directory in which attachments are saved for an entry that asks for dir. An entry may name any path: a file, or
// a directory in use that holds nothing of the shim's, is left alone, and the default stands in for it; refused says so then.
func StateDir(dir string) (use, refused string) {
	if dir == config.DefaultStateDir {
		return dir, ""
	}
	entries, err := os.ReadDir(dir)
	own := os.IsNotExist(err) || err == nil && len(entries) == 0
	for _, e := range entries {
		own = own || slices.Contains(Names, e.Name())
	}
	if own {
		return dir, ""
	}
	return config.DefaultStateDir, fmt.Sprintf("stateDir %s is not the shim's: it is left as it is, and %s is used", dir, config.DefaultStateDir)
}
