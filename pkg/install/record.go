package install

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/disk"
)

// recordName is the record's, in the state directory.
const recordName = "install.json"

// record is what an install laid down.
type record struct {
	Version string `json:"version"` // of cni-shim
	ConfDir string `json:"confDir"`
	BinDir  string `json:"binDir"`
	// MadeList: there was no list of the shim's before.
	MadeList bool `json:"madeList"`
	// Files are those besides the shim's list, with the digest of what was laid down: FNV-1a of 128 bits, or "link" and its target.
	Files []recorded `json:"files"`
	// Dirs are those that were made, the highest first.
	Dirs []string `json:"dirs"`
}

type recorded struct {
	Path   string `json:"path"`
	Digest string `json:"digest"`
}

// laid tells whether a file is as an install left it.
func (r *record) laid(path, digest string) bool {
	for _, f := range r.Files {
		if f.Path == path {
			return f.Digest == digest
		}
	}
	return false
}

// readRecord never returns nil: without a record, nothing is known to be ours.
func readRecord(root string) (*record, error) {
	r := &record{}
	path := filepath.Join(under(root, config.DefaultStateDir), recordName)
	b, err := disk.Read(path, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(b, r)
	}
	if err != nil {
		return &record{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// write stores the record durably, before what it tells of is laid down: a file too many in it costs nothing.
func (r *record) write(root string) error {
	dir := under(root, config.DefaultStateDir)
	if err := disk.EnsureDir(dir, 0o700); err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return disk.Replace(dir, recordName, append(b, '\n'), 0o600, true)
}
