package fixedpoint

import "testing"

func BenchmarkSearch(b *testing.B) {
	tg := target(1, 5000, out(70, 1), in(35, -1))
	for b.Loop() {
		if found := Search(tg, all(tg)); found.UpTo != tg.Max {
			b.Fatalf("the search ended at %d tasks", found.UpTo)
		}
	}
}

func BenchmarkSearchWithTracking(b *testing.B) {
	tg := target(1, 60, trackingPolicy(60, 90), out(85, 3))
	for b.Loop() {
		Search(tg, all(tg))
	}
}
