package lease_test

import (
	"testing"
	"time"

	"ecs-autoscaler/scaler/lease"
)

func TestWhatAClusterHasLeftOpenThatNobodyMeansIsEndedOnce(t *testing.T) {
	inTime(t, 3, func(w *world) {
		first, second := w.start(), w.start()
		w.live(time.Minute)
		gone := w.scopes[0]
		w.open.due[gone], w.open.later[w.scopes[1]] = 1, 1 // the other one is steered
		first.mean(w.scopes[1:]...)
		second.mean(w.scopes[1:]...)
		w.live(lease.Unsteered - time.Minute)
		if n := w.open.count(gone); n != 1 {
			t.Errorf("%d activities are open before an hour has passed", n)
		}
		w.live(5 * time.Minute)
		if n := w.open.count(gone); n != 0 {
			t.Errorf("%d activities are open", n)
		}
		l := w.table.leases[gone]
		if l.Owner != "" {
			t.Errorf("the lease is %s's", l.Owner)
		}
		w.live(6 * time.Hour)
		if now := w.table.leases[gone]; now != l {
			t.Errorf("the lease goes on moving: %+v, then %+v", l, now)
		}
		// Each of the two found something at first, one was quicker, and both have seen that nothing is left.
		if n := first.read + second.read; n > 4 {
			t.Errorf("the state was read %d times", n)
		}
	})
}

func TestWhatIsTooYoungIsLookedAtAgainInAnHour(t *testing.T) {
	inTime(t, 2, func(w *world) {
		d := w.start()
		w.live(time.Minute)
		gone := w.scopes[0]
		w.open.later[gone] = 1
		d.mean(w.scopes[1:]...)
		w.live(lease.Unsteered + time.Minute)
		w.open.mu.Lock()
		w.open.later[gone], w.open.due[gone] = 0, 1
		w.open.mu.Unlock()
		w.live(lease.Unsteered - 5*time.Minute)
		if n, generation := w.open.count(gone), w.table.leases[gone].Generation; n != 1 || generation != 2 {
			t.Errorf("%d activities are open, generation %d", n, generation)
		}
		w.live(5 * time.Minute)
		if n := w.open.count(gone); n != 0 {
			t.Errorf("%d activities are open", n)
		}
	})
}

func TestAClusterThatOneDaemonMeansIsLeftAloneByTheOthers(t *testing.T) {
	inTime(t, 3, func(w *world) {
		first, second := w.start(), w.start()
		w.live(time.Minute)
		w.open.due[w.scopes[0]] = 1
		first.mean(w.scopes[1:]...)
		second.mean(w.scopes...)
		w.live(5 * time.Hour)
		if first.read+second.read > 0 || w.open.count(w.scopes[0]) != 1 {
			t.Errorf("the state was read %d times, %d activities are open", first.read+second.read, w.open.count(w.scopes[0]))
		}
		if second.held()[w.scopes[0]] == 0 {
			t.Error("it is not steered by the daemon that means it")
		}
		second.kill() // the only one that means it
		w.live(lease.Unsteered + 2*time.Minute)
		if n := w.open.count(w.scopes[0]); n != 0 {
			t.Errorf("%d activities are open of a dead daemon's cluster", n)
		}
	})
}

func TestAClusterThatIsMeantAgainWhileItIsTidiedIsSteeredAfterwards(t *testing.T) {
	inTime(t, 2, func(w *world) {
		d := w.start()
		w.live(time.Minute)
		w.open.due[w.scopes[0]] = 1
		d.mean(w.scopes[1:]...)
		d.slowDown(15*time.Second, w.scopes[0])
		w.live(lease.Unsteered + 40*time.Second)
		d.mean(w.scopes...)
		other := w.start()
		w.live(time.Minute)
		if n := len(d.held()) + len(other.held()); n != 2 || w.open.count(w.scopes[0]) != 0 {
			t.Errorf("%d clusters are steered, %d activities open", n, w.open.count(w.scopes[0]))
		}
	})
}
