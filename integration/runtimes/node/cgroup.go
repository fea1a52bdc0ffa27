package node

import (
	"os"
	"path/filepath"
)

// group is the control group that all of this program's nodes put their pods under.
const group = "/cni-shim-lab"

// RemoveCgroups removes what nodes that are gone have left of control groups: directories outlive processes and namespaces.
func RemoveCgroups() {
	roots, _ := filepath.Glob("/sys/fs/cgroup/*" + group)
	for _, root := range append(roots, "/sys/fs/cgroup"+group) {
		var all []string
		_ = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				all = append(all, path)
			}
			return nil
		})
		for i := len(all) - 1; i >= 0; i-- {
			_ = os.Remove(all[i])
		}
	}
}
