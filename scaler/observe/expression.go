package observe

import "strings"

// kind is what a piece of a metric-math expression is.
type kind uint8

const (
	word    kind = iota // an id or a function
	number              // 12, .5, 1e9
	literal             // 'text' or "text"
	other               // operators, brackets, white space
)

// next cuts the first token off an expression that is not empty. Tokens cover the expression without gaps.
func next(s string) (token string, k kind, rest string) {
	n := 1
	switch c := s[0]; {
	case isLetter(c):
		k = word
		for n < len(s) && (isLetter(s[n]) || isDigit(s[n])) {
			n++
		}
	case isDigit(c), c == '.' && len(s) > 1 && isDigit(s[1]):
		k = number
		n = numberLength(s)
	case c == '\'', c == '"':
		k = literal
		n = literalLength(s)
	default:
		k = other
	}
	return s[:n], k, s[n:]
}

// numberLength takes the exponent with it: the e9 of 1e9 is no id.
func numberLength(s string) int {
	n := 0
	for n < len(s) && (isDigit(s[n]) || s[n] == '.') {
		n++
	}
	return n + exponentLength(s[n:])
}

// exponentLength is 0 without at least one digit: in 3e the e may be an id.
func exponentLength(s string) int {
	if s == "" || s[0] != 'e' && s[0] != 'E' {
		return 0
	}
	sign := 1
	if len(s) > 1 && (s[1] == '+' || s[1] == '-') {
		sign = 2
	}
	n := sign
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	if n == sign {
		return 0
	}
	return n
}

// literalLength ends behind the closing quote, or at the end of the text when there is none.
func literalLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return len(s)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}

// rewrite replaces the ids of an expression and leaves functions, numbers and texts alone. METRICS()
// means every metric of its request, which here has other people's metrics in it too, so it is
// spelt out as the array of the entry's own, METRICS("x") as those with x in their id.
func rewrite(expression string, ids map[string]string, stats []string) string {
	var b strings.Builder
	for rest := expression; rest != ""; {
		if filter, behind, ok := metricsCall(rest); ok {
			b.WriteString(array(filter, ids, stats))
			rest = behind
			continue
		}
		var token string
		var k kind
		token, k, rest = next(rest)
		if id, ok := ids[token]; ok && k == word {
			token = id
		}
		b.WriteString(token)
	}
	return b.String()
}

// metricsCall reads METRICS() or METRICS("filter") at the start of s.
func metricsCall(s string) (filter, rest string, ok bool) {
	if !strings.HasPrefix(s, "METRICS") {
		return "", s, false
	}
	_, _, rest = next(s)
	if len(s)-len(rest) != len("METRICS") {
		return "", s, false
	}
	if rest, ok = strings.CutPrefix(skipSpace(rest), "("); !ok {
		return "", s, false
	}
	rest = skipSpace(rest)
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		var quoted string
		quoted, _, rest = next(rest)
		filter = strings.Trim(quoted, quoted[:1])
	}
	rest, ok = strings.CutPrefix(skipSpace(rest), ")")
	return filter, rest, ok
}

func skipSpace(s string) string { return strings.TrimLeft(s, " \t\r\n") }

func array(filter string, ids map[string]string, stats []string) string {
	var names []string
	for _, id := range stats {
		if strings.Contains(id, filter) {
			names = append(names, ids[id])
		}
	}
	return "[" + strings.Join(names, ",") + "]"
}
