package lease_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/scaler/lease"
	"ecs-autoscaler/store"
)

func TestTheOnlyDaemonSteersEverythingAtOnce(t *testing.T) {
	inTime(t, 3, func(w *world) {
		d := w.start()
		w.live(time.Second)
		w.steered(3)
		if ok, why := d.keeper.Ready(); !ok {
			t.Errorf("not ready: %s", why)
		}
		v := d.keeper.View()
		if v.ID != "daemon-0" || len(v.Leases) != 3 || v.Leases[0].Cluster != "c0" || !v.Leases[0].Steered || v.Leases[0].Owner != v.ID {
			t.Errorf("the view is %+v", v)
		}
	})
}

func TestAnotherDaemonGetsItsShare(t *testing.T) {
	inTime(t, 6, func(w *world) {
		w.start()
		w.live(10 * time.Second)
		w.start()
		w.live(30 * time.Second)
		w.steered(3, 3)
		w.start()
		w.live(30 * time.Second)
		w.steered(2, 2, 2)
	})
}

func TestADeadDaemonsClustersAreTakenWithinTheLeaseTime(t *testing.T) {
	inTime(t, 4, func(w *world) {
		dead := w.start()
		w.start()
		w.live(time.Minute)
		w.steered(2, 2)
		dead.kill()
		w.live(lease.Expiry - lease.Every - time.Second)
		w.steered(0, 2) // three beats may be lost
		w.live(lease.Within - (lease.Expiry - lease.Every - time.Second) + 100*time.Millisecond)
		for sc, l := range w.table.leases {
			if l.Owner != "daemon-1" {
				t.Errorf("%s still is %s's", sc, l.Owner)
			}
		}
		w.live(lease.SendWithin)
		w.steered(0, 4)
	})
}

func TestTheDeadAreNotCountedAmongTheDaemons(t *testing.T) {
	inTime(t, 2, func(w *world) {
		counting, dying, leaving := w.start(), w.start(), w.start()
		count := func(want float64) {
			t.Helper()
			if n := counting.metric(t, "ecs_autoscaler_daemons"); n != want {
				t.Errorf("%v daemons are counted, want %v", n, want)
			}
		}
		w.live(time.Minute)
		count(3)
		dying.kill()
		w.live(lease.Within + time.Second)
		count(2)
		leaving.stop()
		w.live(lease.Every + time.Second)
		count(1)
	})
}

func TestWhatADeadDaemonHadIsNotLookedAtBeforeItsLastWriteMustHaveBeenSent(t *testing.T) {
	inTime(t, 1, func(w *world) {
		dead := w.start()
		w.live(30 * time.Second)
		w.start()
		w.live(time.Minute)
		dead.kill()
		var taken time.Time
		for range 600 {
			w.table.mu.Lock()
			owner := w.table.leases[w.scopes[0]].Owner
			w.table.mu.Unlock()
			if taken.IsZero() && owner == "daemon-1" {
				taken = time.Now()
			}
			if len(w.daemons[1].held()) > 0 {
				if waited := time.Since(taken); waited < lease.SendWithin {
					t.Errorf("it steers the cluster %s after it took the lease", waited)
				}
				return
			}
			w.live(100 * time.Millisecond)
		}
		t.Error("the cluster was not taken over in a minute")
	})
}

func TestADaemonThatStopsInGoodOrderLeavesNoGap(t *testing.T) {
	inTime(t, 4, func(w *world) {
		leaving := w.start()
		w.start()
		w.live(time.Minute)
		leaving.stop()
		w.live(lease.Every + time.Second)
		w.steered(0, 4)
	})
}

func TestADaemonThatCannotReachTheTableLosesItsClustersAndGetsThemBack(t *testing.T) {
	inTime(t, 4, func(w *world) {
		cut := w.start()
		w.start()
		w.live(time.Minute)
		cut.link.set(true, false)
		w.live(lease.Within + lease.SendWithin + time.Second)
		w.steered(2, 4) // it cannot know yet; what it would write is refused
		if ok, why := cut.keeper.Ready(); ok || !strings.Contains(why, "leases") {
			t.Errorf("ready %v: %s", ok, why)
		}
		cut.link.set(false, false)
		w.live(lease.Every + time.Second)
		if n := len(cut.held()); n != 0 {
			t.Errorf("it steers %d clusters whose leases are another's", n)
		}
		w.live(30 * time.Second)
		w.steered(2, 2)
	})
}

func TestARefusedCommitEndsTheSteeringAtOnce(t *testing.T) {
	inTime(t, 1, func(w *world) {
		d := w.start()
		w.live(time.Second)
		w.table.mu.Lock()
		w.table.leases[w.scopes[0]] = store.Lease{Scope: w.scopes[0], Owner: "somebody", Generation: 7}
		w.table.mu.Unlock()
		d.keeper.Fenced(w.scopes[0])
		w.live(100 * time.Millisecond)
		w.steered(0)
	})
}

func TestALeaseWhoseTakingWasNotConfirmedIsTakenAnew(t *testing.T) {
	inTime(t, 1, func(w *world) {
		d := w.start()
		d.link.set(false, true)
		w.live(8 * time.Second)
		d.link.set(false, false)
		w.live(lease.Every + lease.SendWithin + 8*time.Second)
		w.steered(1)
	})
}

// A request to take a lease is lost on its way, and another daemon takes the same lease: it has the generation that the first one
// would have made.
func TestALeaseThatAnotherTookMeanwhileIsNotGivenBack(t *testing.T) {
	for phase := range 5 {
		inTime(t, 1, func(w *world) {
			w.table.leases[w.scopes[0]] = store.Lease{Scope: w.scopes[0], Owner: "dead", Generation: 7}
			unlucky := w.start()
			unlucky.link.lost = true
			w.live(time.Duration(phase) * time.Second)
			w.start()
			for w.table.leases[w.scopes[0]].Owner != "daemon-1" {
				w.live(time.Second)
			}
			w.live(lease.Every)
			unlucky.stop()
			w.live(lease.SendWithin)
			w.steered(0, 1)
			if l := w.table.leases[w.scopes[0]]; l.Generation != 8 || w.table.wrong > 0 {
				t.Errorf("%d s apart: the lease is %+v, and %d times somebody tried to give back what is another's", phase, l, w.table.wrong)
			}
		})
	}
}

func TestAClusterWhoseStateCannotBeLoadedIsTriedAgainAndSaidToBeNobodys(t *testing.T) {
	inTime(t, 2, func(w *world) {
		d := w.start()
		d.breaks(true)
		w.live(12 * time.Second)
		w.steered(0)
		steers := func() int { return d.logs.FilterMessage("this daemon steers the cluster now").Len() }
		const want = "cluster c0 (and 1 more) cannot be taken up, so nobody steers it: the table does not answer"
		for range 30 { // also while it is being tried
			if ok, why := d.keeper.Ready(); ok || why != want || steers() > 0 {
				t.Fatalf("ready %v: %s; %d times it says that it steers a cluster", ok, why, steers())
			}
			w.live(300 * time.Millisecond)
		}
		d.breaks(false)
		w.live(lease.Every + time.Second)
		w.steered(2)
		if ok, why := d.keeper.Ready(); !ok || steers() != 2 {
			t.Errorf("ready %v: %s; %d times it says that it steers a cluster", ok, why, steers())
		}
	})
}

func TestAClusterWhoseStateCannotBeLoadedIsHandedOverLikeAnyOther(t *testing.T) {
	inTime(t, 4, func(w *world) {
		broken := w.start()
		broken.breaks(true)
		w.live(10 * time.Second)
		w.start()
		w.live(30 * time.Second)
		w.steered(0, 2) // its share, of which nothing was steered
		broken.mean(w.scopes[3])
		w.daemons[1].mean(w.scopes[3])
		w.live(30 * time.Second)
		for _, sc := range w.scopes[:3] {
			if l := w.table.leases[sc]; l.Owner != "" {
				t.Errorf("%s is meant by nobody and is %s's", sc, l.Owner)
			}
		}
		broken.stop()
		w.live(lease.Every + time.Second)
		w.steered(0, 1)
	})
}

func TestAClusterThatCouldNotBeHeldIsNobodysConcernOnceItIsAnothers(t *testing.T) {
	inTime(t, 1, func(w *world) {
		d := w.start()
		d.breaks(true)
		w.live(7 * time.Second)
		w.table.mu.Lock()
		w.table.leases[w.scopes[0]] = store.Lease{Scope: w.scopes[0], Owner: "somebody", Generation: 7}
		w.table.mu.Unlock()
		w.live(lease.Every + time.Second)
		if ok, why := d.keeper.Ready(); !ok {
			t.Errorf("not ready: %s", why)
		}
	})
}

func TestASinglePassFailsWhereAStateCannotBeLoaded(t *testing.T) {
	inTime(t, 2, func(w *world) {
		d := w.daemon()
		d.breaks(true)
		if _, err := d.keeper.TakeFree(w.t.Context()); !errors.Is(err, errUnreachable) {
			t.Errorf("error %v", err)
		}
		if err := d.keeper.Close(w.t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestDaemonsOfDifferentConfigurationsRespectEachOther(t *testing.T) {
	inTime(t, 4, func(w *world) {
		w.start()
		w.live(time.Minute)
		all := w.scopes
		w.scopes = append(all[:2:2], store.Scope{Cluster: "new"}, store.Scope{Account: "staging", Cluster: "c0"})
		w.start()
		w.live(5 * time.Minute)
		w.steered(4, 2) // what only the second means, and nothing of the first's
		for i := range w.daemons {
			w.daemons[i].fleet.mu.Lock()
			w.daemons[i].fleet.scopes = w.scopes
			w.daemons[i].fleet.mu.Unlock()
		}
		w.live(time.Minute)
		w.steered(2, 2)
	})
}

func TestAClusterThatItsMemberDoesNotComeForIsTakenByAnother(t *testing.T) {
	inTime(t, 2, func(w *world) {
		first, second := w.start(), w.start()
		w.live(time.Minute)
		w.steered(1, 1)
		second.fleet.mu.Lock()
		second.fleet.broken = true // it takes leases but cannot load what belongs to them
		second.fleet.mu.Unlock()
		second.kill()
		w.live(lease.Within + lease.SendWithin + time.Second)
		if n := len(first.held()); n != 2 {
			t.Errorf("the other daemon steers %d clusters", n)
		}
	})
}

// Whatever daemons and networks do, no two daemons hold the present lease of one cluster, and when they are done
// every cluster is steered.
func TestHoursOfTroubleEndWithEveryClusterSteeredOnce(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			inTime(t, 1+r.IntN(6), func(w *world) {
				alive := []*daemon{w.start(), w.start()}
				for range 60 {
					alive = w.trouble(r, alive)
					w.live(time.Duration(r.IntN(40)) * time.Second)
				}
				steered := 0
				for _, d := range alive {
					d.link.set(false, false)
				}
				w.live(2 * time.Minute)
				for _, d := range alive {
					steered += len(d.held())
				}
				if steered != len(w.scopes) {
					t.Errorf("%d of %d clusters are steered", steered, len(w.scopes))
				}
			})
		})
	}
}

// trouble does something to one daemon, and keeps two to four alive.
func (w *world) trouble(r *rand.Rand, alive []*daemon) []*daemon {
	d := alive[r.IntN(len(alive))]
	switch r.IntN(6) {
	case 0:
		d.link.set(true, false)
	case 1:
		d.link.set(false, true)
	case 2, 3:
		d.link.set(false, false)
	case 4:
		d.kill()
		alive = slices.DeleteFunc(alive, func(a *daemon) bool { return a == d })
	}
	if len(alive) < 2 || len(alive) < 4 && r.IntN(4) == 0 {
		alive = append(alive, w.start())
	}
	return alive
}
