package schedule

import "math/bits"

// set holds numbers from 0 to 255.
type set [4]uint64

func (s *set) add(n int) { s[n/64] |= 1 << (n % 64) }

func (s *set) has(n int) bool { return n >= 0 && n < 256 && s[n/64]>>(n%64)&1 == 1 }

// from is the least member that is at least n.
func (s *set) from(n int) (int, bool) {
	n = max(n, 0)
	for word := n / 64; word < len(s); word++ {
		rest := s[word]
		if word == n/64 {
			rest &= ^uint64(0) << (n % 64)
		}
		if rest != 0 {
			return word*64 + bits.TrailingZeros64(rest), true
		}
	}
	return 0, false
}

// upTo is the greatest member that is at most n.
func (s *set) upTo(n int) (int, bool) {
	n = min(n, 255)
	if n < 0 {
		return 0, false
	}
	for word := n / 64; word >= 0; word-- {
		rest := s[word]
		if word == n/64 {
			rest &= ^uint64(0) >> (63 - n%64)
		}
		if rest != 0 {
			return word*64 + 63 - bits.LeadingZeros64(rest), true
		}
	}
	return 0, false
}
