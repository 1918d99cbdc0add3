package lease

import (
	"cmp"
	"encoding/hex"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	"ecs-autoscaler/store"
)

// share deals the scopes out between the members: every one with the same scopes and members before it comes to the same
// result. Each scope goes to the member that ranks highest for it and has less than its fair share, which is the number of scopes
// by the number of members, rounded up. So when a member comes or goes, mostly only what it has or gets changes hands.
func share(scopes []store.Scope, members []string) map[store.Scope]string {
	dealt := make(map[store.Scope]string, len(scopes))
	if len(members) == 0 {
		return dealt
	}
	fair := (len(scopes) + len(members) - 1) / len(members)
	has := make(map[string]int, len(members))
	for _, sc := range sorted(scopes) {
		for _, id := range ranked(sc, members) {
			if has[id] < fair {
				has[id]++
				dealt[sc] = id
				break
			}
		}
	}
	return dealt
}

// ranked are the members in the order in which they would have the scope (rendezvous hashing).
func ranked(sc store.Scope, members []string) []string {
	rank := make(map[string]uint64, len(members))
	for _, id := range members {
		rank[id] = hash(id, sc.Account, sc.Cluster)
	}
	order := slices.Clone(members)
	slices.SortFunc(order, func(a, b string) int { return cmp.Or(cmp.Compare(rank[b], rank[a]), cmp.Compare(a, b)) })
	return order
}

// digest stands for the whole list of scopes.
func digest(scopes []store.Scope) string {
	h := fnv.New64a()
	for _, sc := range sorted(scopes) {
		h.Write([]byte(strconv.Quote(sc.Account) + strconv.Quote(sc.Cluster)))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func sorted(scopes []store.Scope) []store.Scope {
	order := slices.Clone(scopes)
	slices.SortFunc(order, func(a, b store.Scope) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Cluster, b.Cluster))
	})
	return order
}

// inOrder are leases in the order of their scopes.
func inOrder(leases map[store.Scope]store.Lease) []store.Lease {
	order := make([]store.Lease, 0, len(leases))
	for _, sc := range sorted(slices.Collect(maps.Keys(leases))) {
		order = append(order, leases[sc])
	}
	return order
}

// hash is FNV-1a with a finish that spreads its last bytes over all bits: without it the ranks of names that differ only at
// their ends would be those of the beginnings.
func hash(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}
