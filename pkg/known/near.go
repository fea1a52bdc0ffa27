package known

import "strings"

// Near returns the word that s was meant to be: one that differs in case or white space only, or by a slip or two of
// the keyboard, more where the word is longer. "" when there is none; the word itself is none.
func Near(s string, words []string) string {
	best, cost := "", 3
	t := strings.TrimSpace(s)
	for _, w := range words {
		if w == s || w == "" {
			continue
		}
		if strings.EqualFold(w, t) || strings.EqualFold(strip(w), strip(t)) {
			return w
		}
		allowed := 0
		switch n := min(len(w), len(t)); {
		case n >= 8:
			allowed = 2
		case n >= 4:
			allowed = 1
		}
		if d := slips(strings.ToLower(t), strings.ToLower(w)); d <= allowed && d < cost {
			best, cost = w, d
		}
	}
	return best
}

// strip drops what separates the words of a name.
func strip(s string) string {
	if !strings.ContainsAny(s, "-_.") {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' {
			return -1
		}
		return r
	}, s)
}

// slips counts the letters to add, drop, change or swap with their neighbour; 3 means more than matters.
func slips(a, b string) int {
	const many, longest = 3, 64
	if len(a)-len(b) >= many || len(b)-len(a) >= many || len(a) > longest || len(b) > longest {
		return many
	}
	var rows [3][longest + 1]int
	prev2, prev, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev, row = prev, row, prev2
	}
	return min(prev[len(b)], many)
}

func find(fields []Field, name string) *Field {
	for i := range fields {
		if strings.EqualFold(fields[i].Name, name) {
			return &fields[i]
		}
	}
	return nil
}

// Find finds a field by its name without regard to case; nil when there is none.
func Find(fields []Field, name string) *Field { return find(fields, name) }
