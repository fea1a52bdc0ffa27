package status

import (
	"bytes"
	"fmt"
	"hash/adler32"
)

// A file ends with the checksum of all before it. A usual call leaves most lists undecoded (see outline): it may, where the file is
// word for word what a shim wrote, who decoded them. Any other file is read whole first.

// seal adds the checksum to the text of a file, an indented JSON object.
func seal(text []byte) []byte {
	text = bytes.TrimSuffix(text, []byte("\n}"))
	return append(text, sealOf(text)...)
}

// sealed reports whether a file is as seal left it.
func sealed(text []byte) bool {
	i := bytes.LastIndex(text, []byte(sealKey))
	return i >= 0 && string(text[i:]) == sealOf(text[:i])
}

const sealKey = ",\n  \"sum\": \""

func sealOf(text []byte) string {
	return fmt.Sprintf(sealKey+"%08x\"\n}\n", adler32.Checksum(text))
}
