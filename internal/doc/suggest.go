package doc

import "strings"

// Suggest returns "" or ", did you mean `x`?" with the candidate nearest to word. It is for messages, so it prefers
// silence to a far-fetched guess.
func Suggest(word string, candidates []string) string {
	if len(word) > 64 {
		return ""
	}
	best, bestDist := "", len(word)/3+2
	for _, c := range candidates {
		if d := editDistance(strings.ToLower(word), strings.ToLower(c), bestDist); d < bestDist && d < len(word) {
			best, bestDist = c, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean `" + best + "`?"
}

// editDistance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b, in bytes. It
// may return any number of at least limit when the distance is not below limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before := make([]int, len(b)+1)
	last := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
