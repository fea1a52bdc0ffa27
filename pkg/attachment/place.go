package attachment

import (
	"fmt"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/disk"
)

// Names are what the shim keeps in its state directory: of this package, the watch, and install.
var Names = []string{"attachments", "outer.conflist", "withdrawn", "install.json", "uninstalled", ".tmp", ".lock-install", ".cni-shim"}

// StateDir returns the directory in which attachments are saved for an entry that asks for dir. An entry may name any path: a file, or
// a directory that is somebody else's, is left alone, and the default stands in for it; refused says so then. It waits for the disk.
func StateDir(dir string, make bool) (use, refused string) {
	if dir == config.DefaultStateDir {
		return dir, ""
	}
	why := "a reboot would clear it"
	if !disk.Below(dir, "/run") { // which is memory
		why = disk.Own(dir, make)
	}
	if why == "" {
		return dir, ""
	}
	return config.DefaultStateDir, fmt.Sprintf("stateDir %s is left as it is, and %s is used: %s", dir, config.DefaultStateDir, why)
}
