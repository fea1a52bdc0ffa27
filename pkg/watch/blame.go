package watch

import (
	"bytes"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/cni-shim/cni-shim/pkg/outer"
	"github.com/cni-shim/cni-shim/pkg/source"
)

// blame says who seems to have taken the list away since it was written, by what the directory shows.
func blame(dir string, since time.Time) string {
	const cure = "set cni.exclusive to false in Cilium's configuration"
	d, err := source.ReadDir(dir)
	if err != nil {
		return err.Error()
	}
	cilium := ""
	for _, e := range d.Entries {
		if strings.HasPrefix(e.Name, outer.Name+".") && movedSince(e.Path, since) {
			if strings.HasSuffix(e.Name, ".cilium_bak") {
				return fmt.Sprintf("Cilium has renamed it to %s, as it does with every configuration that is not its own: %s", e.Name, cure)
			}
			return fmt.Sprintf("somebody has renamed it to %s", e.Name)
		}
		if e.Candidate && bytes.Contains(e.Text, []byte(`"cilium-cni"`)) {
			cilium = e.Name
		}
	}
	if cilium != "" {
		return fmt.Sprintf("somebody has deleted it, perhaps Cilium, whose %s stands here: %s", cilium, cure)
	}
	return "somebody has deleted it, and nothing in " + dir + " shows who: look for an add-on's installer or a clean-up of that directory"
}

// movedSince tells a file whose name is younger than a time: renaming changes a file's ctime.
func movedSince(path string, since time.Time) bool {
	var st syscall.Stat_t
	return syscall.Lstat(path, &st) == nil && !time.Unix(st.Ctim.Unix()).Before(since.Add(-time.Second))
}
