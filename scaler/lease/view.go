package lease

import (
	"cmp"
	"fmt"
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
	if k.trouble {
		k.trouble = false
		k.Logger.Info("the leases can be read and written again", zap.Int("steered", len(k.held)))
	}
	k.telemetry.members.Set(float64(k.living(members)))
	k.leases, k.members = leases, members
	k.show()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.good, k.unread = k.elapsed(), nil
}

// living counts the daemons that this one does not hold for dead.
func (k *Keeper) living(members []store.Member) (n int) {
	for _, m := range members {
		if k.alive(m.ID) {
			n++
		}
	}
	return n
}

func (k *Keeper) alive(id string) bool { return id == k.ID || !k.sights.dead(id) }

// show brings the view up to date with what has been done about scopes since the last round.
func (k *Keeper) show() {
	v := View{ID: k.ID, Leases: []LeaseView{}, Members: []MemberView{}}
	leases := map[store.Scope]store.Lease{}
	maps.Copy(leases, k.leases)
	for sc, l := range k.held {
		if l.Generation > leases[sc].Generation { // newer than what was read
			leases[sc] = l
		}
	}
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
	for _, m := range k.members {
		v.Members = append(v.Members, MemberView{m.ID, m.Address, k.alive(m.ID)})
	}
	slices.SortFunc(v.Members, func(a, b MemberView) int { return cmp.Compare(a.ID, b.ID) })
	lacking := k.unsteered()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.view, k.lacking = v, lacking
}

// unsteered says in one line which clusters nobody steers although this daemon has their leases, empty where there are none.
func (k *Keeper) unsteered() string {
	all := sorted(slices.Collect(maps.Keys(k.unheld)))
	if len(all) == 0 {
		return ""
	}
	more := ""
	if len(all) > 1 {
		more = fmt.Sprintf(" (and %d more)", len(all)-1)
	}
	return because(fmt.Sprintf("cluster %s%s cannot be taken up, so nobody steers it", all[0], more), k.unheld[all[0]])
}
