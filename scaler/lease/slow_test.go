package lease_test

import (
	"slices"
	"testing"
	"time"

	"ecs-autoscaler/scaler/lease"
	"ecs-autoscaler/store"
)

func TestAStateThatLoadsSlowlyHoldsNoOtherClusterBack(t *testing.T) {
	inTime(t, 5, func(w *world) {
		dead := w.start()
		w.live(time.Minute)
		heir := w.start()
		heir.slowDown(10*time.Second, w.scopes[0], w.scopes[1])
		dead.kill()
		w.live(lease.Within + lease.SendWithin + time.Second)
		if n := len(heir.held()); n < 3 {
			t.Errorf("after %s it steers %d clusters, want the three whose state loads at once", lease.Within+lease.SendWithin, n)
		}
		w.live(10 * time.Second)
		w.steered(0, 5)
	})
}

func TestAHandOverThatTakesLongDelaysNoTakeOver(t *testing.T) {
	inTime(t, 6, func(w *world) {
		busy := w.start()
		w.live(10 * time.Second)
		dead := w.start()
		w.live(time.Minute)
		w.steered(3, 3)
		busy.slowDown(8*time.Second, w.scopes...) // each write under way takes so long to end
		w.start()
		w.live(9 * time.Second)
		dead.kill()
		w.live(lease.Within + lease.SendWithin + time.Second)
		for sc, l := range w.table.leases {
			if l.Owner == "daemon-1" {
				t.Errorf("%s still is the dead daemon's", sc)
			}
		}
	})
}

func TestAStopInTheMiddleOfAHandOverOrATakingLeavesEveryLeaseFree(t *testing.T) {
	for delay := range 60 {
		inTime(t, 4, func(w *world) {
			stopping := w.start()
			w.live(10 * time.Second)
			stopping.slowDown(2*time.Second, w.scopes...)
			w.start()
			w.live(8*time.Second + time.Duration(delay)*50*time.Millisecond)
			stopping.stop()
			for sc, l := range w.table.leases {
				if l.Owner == "daemon-0" {
					t.Errorf("stopped after %d ms, it has not given back %s", delay*50, sc)
				}
			}
		})
	}
}

func TestAStopWaitsForNoStateToLoad(t *testing.T) {
	inTime(t, 3, func(w *world) {
		d := w.start()
		d.slowDown(10*time.Second, w.scopes...)
		time.Sleep(time.Second)
		began := time.Now()
		d.stop()
		if took := time.Since(began); took > time.Second {
			t.Errorf("the stop took %s", took)
		}
		for sc, l := range w.table.leases {
			if l.Owner != "" {
				t.Errorf("%s still is %s's", sc, l.Owner)
			}
		}
	})
}

func TestHundredsOfLeasesAreGivenBackInASecond(t *testing.T) {
	inTime(t, 400, func(w *world) {
		d := w.start()
		w.live(5 * time.Second)
		w.steered(400)
		d.stop()
		for sc, l := range w.table.leases {
			if l.Owner != "" {
				t.Errorf("%s still is %s's", sc, l.Owner)
			}
		}
	})
}

func TestASinglePassTakesOverFromOneThatWasKilled(t *testing.T) {
	inTime(t, 3, func(w *world) {
		for _, sc := range w.scopes {
			w.table.leases[sc] = store.Lease{Scope: sc, Owner: "killed", Generation: 3}
		}
		d := w.daemon()
		others, err := d.keeper.TakeFree(w.t.Context())
		if err != nil || len(others) > 0 || len(d.held()) != 3 {
			t.Errorf("it steers %d clusters, others %v, error %v", len(d.held()), others, err)
		}
		again := w.daemon() // while the first is at work
		if others, err = again.keeper.TakeFree(w.t.Context()); err != nil || len(others) != 3 {
			t.Errorf("others are said to steer %v, error %v", others, err)
		}
		for _, d := range []*daemon{d, again} {
			if err := d.keeper.Close(w.t.Context()); err != nil {
				t.Error(err)
			}
		}
		if len(w.table.members) > 0 || slices.ContainsFunc(w.scopes, func(sc store.Scope) bool { return w.table.leases[sc].Owner != "" }) {
			t.Errorf("left behind are %v and %v", w.table.members, w.table.leases)
		}
	})
}

func TestATableThatSaysNoIsNotAskedWithoutAPause(t *testing.T) {
	inTime(t, 1, func(w *world) {
		w.table.leases[w.scopes[0]] = store.Lease{Scope: w.scopes[0], Owner: "dead", Generation: 3}
		d := w.start()
		for len(w.table.leases) > 0 && w.table.leases[w.scopes[0]].Owner == "dead" {
			w.live(time.Second)
		}
		d.link.mu.Lock() // a lease is taken, and not steered yet
		d.link.refused = true
		before := d.link.calls
		d.link.mu.Unlock()
		w.live(time.Minute)
		d.link.mu.Lock()
		defer d.link.mu.Unlock()
		if n := d.link.calls - before; n > 100 {
			t.Errorf("it was asked %d times in a minute", n)
		}
	})
}
