package delegate

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containernetworking/cni/pkg/invoke"
)

// FindInPath returns the file that libcni would run for a plugin: the first of that name in paths, relative ones seen from the working
// directory. An element that is empty or "." gives libcni the name alone, which os/exec looks up in PATH, and never runs from the working
// directory: where PATH has it not, the element is passed over. Errors keep libcni's words, which admins know.
func FindInPath(plugin string, paths []string) (string, error) {
	path, err := invoke.FindInPath(plugin, paths)
	if err != nil || filepath.Base(path) != path {
		return path, err
	}
	if path, err = exec.LookPath(plugin); err == nil {
		return path, nil
	}
	return invoke.FindInPath(plugin, slices.DeleteFunc(slices.Clone(paths), IsWorkingDir))
}

// IsWorkingDir reports whether an element of CNI_PATH stands for the working directory itself, from which nothing is run.
func IsWorkingDir(element string) bool { return filepath.Clean(element) == "." }

// Lasting returns a CNI_PATH that means the same from any working directory, for a call that another process makes later.
func Lasting(path string) string {
	var out []string
	for _, dir := range filepath.SplitList(path) {
		if IsWorkingDir(dir) {
			continue
		}
		if abs, err := filepath.Abs(dir); err == nil && !filepath.IsAbs(dir) {
			dir = abs
		}
		out = append(out, dir)
	}
	return strings.Join(out, string(filepath.ListSeparator))
}
