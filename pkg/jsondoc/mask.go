package jsondoc

import "bytes"

// Mask hides the strings behind secret keys in a line of JSON, valid or not, without changing its length in code
// points: a finding may show the line, and never the token in it.
func Mask(line []byte) []byte {
	var out []byte
	for i := 0; i < len(line); i++ {
		if line[i] != '"' {
			continue
		}
		end := closing(line, i)
		key := line[i:min(end+1, len(line))]
		i = end
		j := end + 1
		for j < len(line) && bytes.IndexByte([]byte(" \t:="), line[j]) >= 0 {
			j++
		}
		if j >= len(line) || line[j] != '"' || j == end+1 || !Secret(key) {
			continue
		}
		if out == nil {
			out = bytes.Clone(line)
		}
		stop := closing(line, j)
		for k := j + 1; k < stop; k++ {
			if line[k] < 0x80 {
				out[k] = '*'
			}
		}
		i = stop
	}
	if out == nil {
		return line
	}
	return out
}

// closing is the offset of the quote that closes the string from at, the length of the line when none does.
func closing(line []byte, at int) int {
	for i := at + 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(line)
}
