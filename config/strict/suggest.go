package strict

import (
	"slices"
	"strings"
	"unicode"
)

// Nearest is the known word that was most probably meant, if any is near enough. AWS's own
// spelling (MinCapacity) and Terraform's dashes lead to the snake_case name.
func Nearest(word string, known []string) (string, bool) {
	if len(known) == 0 {
		return "", false
	}
	plain := snake(word)
	distance := func(k string) int { return edits(plain, snake(k)) }
	best := slices.MinFunc(known, func(a, b string) int { return distance(a) - distance(b) })
	if n := distance(best); n <= max(2, len(plain)/4) && n < len(plain) {
		return best, true
	}
	i := slices.IndexFunc(known, func(k string) bool { return oneContainsTheOther(plain, snake(k)) })
	if i < 0 {
		return "", false
	}
	return known[i], true
}

// oneContainsTheOther finds scale_out_cooldown where cooldown is meant; short words prove nothing.
func oneContainsTheOther(a, b string) bool {
	return min(len(a), len(b)) >= 5 && (strings.Contains(a, b) || strings.Contains(b, a))
}

// snake turns MinCapacity and min-capacity into min_capacity.
func snake(s string) string {
	var b strings.Builder
	lower := false
	for _, r := range s {
		switch {
		case r == '-' || r == ' ':
			r = '_'
		case unicode.IsUpper(r):
			if lower {
				b.WriteByte('_')
			}
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		b.WriteRune(unicode.ToLower(r))
		if b.Len() > 200 {
			break
		}
	}
	return b.String()
}

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
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
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
