// Package stepstest makes the texts that show a cost which grows faster than their length.
package stepstest

import "bytes"

// length is that of a long text, in bytes: a cost of its square exceeds the steps that any reader here has for it.
const length = 8 << 10

// Long returns a text of about 8 KiB made of a small one: its first half repeated, then its second half repeated. A reader
// that goes back over what it has read takes the square of the steps for some such text. A text that is long is returned as it is.
func Long(text []byte) []byte {
	if len(text) == 0 || len(text) > length/8 {
		return text
	}
	half := len(text) / 2
	n := length / len(text)
	return append(bytes.Repeat(text[:half], n), bytes.Repeat(text[half:], n)...)
}
