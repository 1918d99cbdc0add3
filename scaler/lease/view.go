package lease

import (
	"cmp"
	"maps"
	"slices"

	"go.uber.org/zap"

	"ecs-autoscaler/store"
)

// View is who steers what, as this daemon saw it in its last round that worked.
type View struct {
	// ID is this daemon's own.
	ID string `json:"id"`
	// Leases are sorted by account and cluster.
	Leases []LeaseView `json:"leases"`
	// Members are sorted by ID.
	Members []MemberView `json:"members"`
}

// LeaseView is one lease.
type LeaseView struct {
	Account    string `json:"account,omitempty"`
	Cluster    string `json:"cluster"`
	Owner      string `json:"owner"`
	Generation uint64 `json:"generation"`
	// Steered says that this daemon steers the cluster.
	Steered bool `json:"steered"`
}

// MemberView is one daemon.
type MemberView struct {
	ID      string `json:"id"`
	Address string `json:"address,omitempty"`
	// Alive says that its heartbeat moves, as far as this daemon has seen.
	Alive bool `json:"alive"`
}

// View gives the last view; it has no leases before the first round.
func (k *Keeper) View() View {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.view
}

// publish makes the result of a round that worked known.
func (k *Keeper) publish(leases map[store.Scope]store.Lease, members []store.Member) {
	v := View{ID: k.ID, Leases: []LeaseView{}, Members: []MemberView{}}
	maps.Copy(leases, k.held) // newer than what was read
	for sc, t := range k.taken {
		leases[sc] = t.lease
	}
	for sc, l := range leases {
		_, steered := k.held[sc]
		v.Leases = append(v.Leases, LeaseView{sc.Account, sc.Cluster, l.Owner, l.Generation, steered})
	}
	slices.SortFunc(v.Leases, func(a, b LeaseView) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Cluster, b.Cluster))
	})
	for _, m := range members {
		v.Members = append(v.Members, MemberView{m.ID, m.Address, m.ID == k.ID || !k.sights.dead(m.ID)})
	}
	slices.SortFunc(v.Members, func(a, b MemberView) int { return cmp.Compare(a.ID, b.ID) })
	if k.trouble {
		k.trouble = false
		k.Logger.Info("the leases can be read and written again", zap.Int("steered", len(k.held)))
	}
	k.telemetry.members.Set(float64(len(members)))
	k.mu.Lock()
	defer k.mu.Unlock()
	k.view, k.good = v, k.elapsed()
}
