package evaluator

// resize makes s n long and keeps what its elements own, so that a decision that is filled again and
// again stops allocating once it has seen its largest target.
func resize[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:n]
	}
	grown := make([]T, n)
	copy(grown, s[:cap(s)])
	return grown
}
