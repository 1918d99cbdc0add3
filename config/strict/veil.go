package strict

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A configuration holds no secrets, but an environment does, and one slip (${AWS_SECRET_ACCESS_KEY} instead of
// ${AWS_REGION}) would bring one into an error, from there into a log, and from there everywhere. So a message
// shows the reference, never what it stands for.
const (
	// veiledWord is the least length in bytes at which a value is taken away wherever it stands as a word; what is
	// shorter is no secret, and numbers such as 2 belong into the sentence. In quotes every value is taken away.
	veiledWord = 4
	// veiledPiece is the least length in bytes of a piece of a value that is taken away: messages shorten and split.
	veiledPiece = 8
)

// remember notes what a variable was replaced by.
func (d *Decoder) remember(name, value string) {
	if value != "" {
		d.replaced[name] = value
	}
}

// Veil puts ${NAME} where a message shows what NAME holds. Long values come first: a short one may be a part of them.
func (d *Decoder) Veil(message string) string {
	names := slices.SortedFunc(maps.Keys(d.replaced), func(a, b string) int {
		if n := len(d.replaced[b]) - len(d.replaced[a]); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		value, shown := d.replaced[name], "${"+name+"}"
		quoted := strconv.Quote(value)
		for _, v := range slices.Compact([]string{quoted[1 : len(quoted)-1], value}) {
			message = strings.ReplaceAll(message, `"`+v+`"`, `"`+shown+`"`)
			message = veilPieces(message, v, shown)
			if len(v) >= veiledWord {
				message = words(v).ReplaceAllLiteralString(message, shown)
			}
		}
	}
	return message
}

// words finds a value that is not a part of a longer word.
func words(value string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(value)
	if first, _ := utf8.DecodeRuneInString(value); first < utf8.RuneSelf && (unicode.IsLetter(first) || unicode.IsDigit(first)) {
		pattern = `\b` + pattern
	}
	if last, _ := utf8.DecodeLastRuneInString(value); last < utf8.RuneSelf && (unicode.IsLetter(last) || unicode.IsDigit(last)) {
		pattern += `\b`
	}
	return regexp.MustCompile(pattern)
}

// veilPieces takes away every run of a value that is long enough, as far as it goes.
func veilPieces(message, value, shown string) string {
	if len(value) < veiledPiece {
		return message
	}
	var b strings.Builder
	for i := 0; i < len(message); {
		n := commonRun(message[i:], value)
		if n < veiledPiece {
			b.WriteByte(message[i])
			i++
			continue
		}
		b.WriteString(shown)
		i += n
	}
	return b.String()
}

// commonRun is how much of the beginning of message stands somewhere in value; 0 where it is less than a piece.
func commonRun(message, value string) int {
	if len(message) < veiledPiece || !strings.Contains(value, message[:veiledPiece]) {
		return 0
	}
	n := veiledPiece
	for n < len(message) && strings.Contains(value, message[:n+1]) {
		n++
	}
	return n
}
