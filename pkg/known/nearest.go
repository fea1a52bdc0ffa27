package known

import "strings"

// Nearest finds the word that a typo was meant for, for a suggestion (Near is for findings, and stricter): at most a third of its letters away, two letters in any but the
// shortest words; "" when none is near.
func Nearest(word string, words []string) string {
	limit := max(2, len(word)/3)
	if len(word) < 4 {
		limit = 1
	}
	best, bestDistance := "", limit+1
	for _, w := range words {
		if d := distance(strings.ToLower(word), strings.ToLower(w)); d < bestDistance {
			best, bestDistance = w, d
		}
	}
	return best
}

// distance is Levenshtein's. A word of over 64 bytes is far from everything.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
