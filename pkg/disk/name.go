package disk

import (
	"encoding/hex"
	"hash/fnv"
)

// maxName is how long a name that comes from outside may be as a file's name, in bytes: file systems take 255, and the names of locks
// and half-written files add theirs.
const maxName = 240

// FileName returns a name as the name of a file: itself where that fits, else Hashed and a digest. The name must be one that a file may
// have otherwise. Who keeps files by such names writes the whole name into them, for a digest cannot be turned back.
func FileName(name string) string {
	if len(name) <= maxName {
		return name
	}
	h := fnv.New128a()
	_, _ = h.Write([]byte(name))
	return Hashed + hex.EncodeToString(h.Sum(nil))
}

// Hashed begins the file names of what was too long. No name of a network, container or interface begins with it.
const Hashed = "~"
