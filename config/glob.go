package config

import "strings"

// glob says whether name matches a pattern in which * stands for any characters and ? for exactly
// one; everything else stands for itself. It takes time linear in the name for one *, and at most
// the product of both lengths for many: only the last * needs to be tried again.
func glob(pattern, name string) bool {
	p, n := 0, 0
	star, mark := -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && (pattern[p] == name[n] || pattern[p] == '?' && name[n] != '*'):
			p++
			n++
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// covers says whether every name that matches inner matches outer too. It reads inner as a name,
// in which a * is matched only by a *, so that it may miss a cover but never claims a false one.
func covers(outer, inner string) bool { return glob(outer, inner) }

// isPattern says whether a name stands for more than itself.
func isPattern(name string) bool { return strings.ContainsAny(name, "*?") }
