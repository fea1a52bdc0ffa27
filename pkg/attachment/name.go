package attachment

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/containernetworking/cni/pkg/utils"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

// dirName is the name of a network's directory, fileName that of an entry in it: as they are, or a digest where they are too long for a
// file. The spec bounds neither a network's name nor a container's id.
func dirName(network string) string { return disk.FileName(network) }

func fileName(k Key) string { return disk.FileName(k.ContainerID + "@" + k.IfName) }

// keyOf returns the key of the entry in a file, whose name holds it unless that is a digest.
func keyOf(network, path string) (k Key, ok bool) {
	if id, ifName, plain := strings.Cut(filepath.Base(path), "@"); plain {
		return Key{network, id, ifName}, true
	}
	k, ok = written(path)
	return k, ok && k.Network == network && fileName(k) == filepath.Base(path)
}

// networkOf returns the name of the network whose directory it is; where that is a digest, its entries hold it.
func networkOf(dir string) (network string, ok bool) {
	base := filepath.Base(dir)
	if !strings.HasPrefix(base, disk.Hashed) {
		return base, utils.ValidateNetworkName(base) == nil
	}
	names, _ := disk.Names(dir, maxLooked)
	for _, name := range names {
		if k, ok := written(filepath.Join(dir, name)); ok && dirName(k.Network) == base {
			return k.Network, true
		}
	}
	return "", false
}

// maxLooked bounds how many names are looked at for the network's.
const maxLooked = 1000

// written is the key that an entry holds.
func written(path string) (k Key, ok bool) {
	b, err := disk.Read(path, maxSize)
	if err != nil {
		return k, false
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return k, json.Unmarshal(line, &k) == nil && utils.ValidateContainerID(k.ContainerID) == nil && utils.ValidateNetworkName(k.Network) == nil
}
