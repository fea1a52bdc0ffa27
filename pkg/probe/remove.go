package probe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/stale"
)

// Remove undoes a probe that was kept, or killed: DEL through the chain that it was added with, then its namespace. A dry run says
// whether there is such a probe.
func Remove(ctx context.Context, dir, name string, dryRun bool) error {
	if !strings.HasPrefix(name, namePrefix) || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("%s: not the name of a probe", name)
	}
	n := &netns{path: filepath.Join(netnsDir, name)}
	_, noEntry := os.Lstat(filepath.Join(dir, name))
	if _, noNetns := os.Lstat(n.path); noEntry != nil && noNetns != nil {
		return fmt.Errorf("%s: no such probe%s", name, others(dir))
	}
	if dryRun {
		return nil
	}
	store := attachment.Open(filepath.Join(dir, name), filepath.Join(dir, name))
	networks, err := store.Networks()
	if err != nil {
		return err
	}
	for _, n := range networks {
		keys, err := store.List(n)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if err := stale.Delete(ctx, store, k); err != nil {
				return err
			}
		}
	}
	return errors.Join(n.remove(), forget(dir, name))
}

// Kept lists the probes that were kept or killed, by name.
func Kept(dir string) []string {
	entries, _ := os.ReadDir(dir) // without the directory there are none
	names := []string{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), namePrefix) {
			names = append(names, e.Name())
		}
	}
	return names
}

func others(dir string) string {
	if names := Kept(dir); len(names) > 0 {
		return "; there is " + strings.Join(names, ", ")
	}
	return ""
}

// forget removes what is kept of a probe.
func forget(dir, name string) error {
	err := os.RemoveAll(filepath.Join(dir, name))
	_ = os.Remove(dir) // not while there are others
	return err
}
