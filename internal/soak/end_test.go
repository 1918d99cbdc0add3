package soak

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/sim"
)

// judge looks at a world that has been calm for hours: nothing is open, nothing is stuck, and the API says what is so.
func (w *world) judge() {
	if w.failed.Load() || w.process == nil {
		return
	}
	w.compareAPI()
	w.lock.Lock()
	defer w.lock.Unlock()
	for _, s := range w.oracle.services {
		v, err := w.region.Service(s.key.Cluster, s.key.Service)
		if err != nil {
			w.t.Fatal(err)
		}
		w.nothingOpen(s, &v)
		w.notStuck(s, &v)
	}
}

// nothingOpen: every activity has an end. One may be under way that is not yet an hour old.
func (w *world) nothingOpen(s *service, v *sim.ServiceView) {
	w.checked("every activity ends")
	for _, r := range s.records {
		if r.Open() && time.Since(r.StartTime) > evaluator.FulfilWithin+2*time.Minute {
			w.violate("every activity ends", s.key.String(), "activity %s to %d of %s is %s (%d of %d tasks run)", r.ID, r.To, r.StartTime.Format(time.RFC3339), r.Status, v.Running, v.Desired)
		}
		if !r.Open() && r.EndTime.IsZero() {
			w.violate("every activity ends", s.key.String(), "activity %s is %s without an end", r.ID, r.Status)
		}
	}
}

// notStuck: a service whose metric has been beyond its alarm for long is not left alone.
func (w *world) notStuck(s *service, v *sim.ServiceView) {
	r := w.process.version.rules[s.class]
	if r == nil || v.Status != "ACTIVE" || !s.off.IsZero() || v.Desired == 0 || w.plan.starved || w.plan.calm < 3*hour {
		return
	}
	w.checked("nobody is stuck")
	now := time.Now()
	may := w.oracle.bounds[s.class].at(now)
	for _, c := range w.oracle.history(s, now.Add(-50*time.Minute), now) {
		if c.From.After(now.Add(-45 * time.Minute)) {
			return // still on the move
		}
	}
	if why := w.wants(s, r, v, may[0]); why != "" && len(may) == 1 {
		w.violate("nobody is stuck", s.key.String(), "%d of %d tasks run, bounds %v, load %.2f: %s", v.Running, v.Desired, may, v.Load, why)
	}
}

// wants says which policy should have changed the count of a service that has stood still for long, or is empty.
func (w *world) wants(s *service, r *rules, v *sim.ServiceView, b pair) string {
	in, held := "", false
	for _, q := range r.policies {
		k := w.process.told(s, q)
		if k == nil {
			return fmt.Sprintf("nothing is known of the metric of %s", q.name)
		}
		low, high, all := k.lately(q.side(evaluator.ScaleOut).period)
		if !all {
			return ""
		}
		if q.out != nil && q.out.breaches(low) {
			held = true
			if want := q.furthest(evaluator.ScaleOut, v.Running, low, low); min(want, b.max) > v.Desired && !r.suspendedOut {
				return fmt.Sprintf("%s has seen %g to %g and would want %d", q.name, low, high, want)
			}
		}
		if q.in != nil && q.in.breaches(high) {
			want := q.furthest(evaluator.ScaleIn, v.Running, high, high)
			switch {
			case max(want, b.min) >= v.Desired:
				held = held || q.tracking // one that would not remove anything is not ready to
			case !r.suspendedIn:
				in = fmt.Sprintf("%s has seen %g to %g and would want %d", q.name, low, high, want)
			}
		} else if q.tracking && q.in != nil {
			held = true
		}
	}
	if held {
		return ""
	}
	return in
}

// lately is the least and the greatest value of the newest datapoints; all is false when some are missing among them.
func (k *known) lately(period int64) (low, high float64, all bool) {
	low, high = math.Inf(1), math.Inf(-1)
	n := len(k.begins)
	wanted := 32
	if period > 60 {
		wanted = 2
	}
	if n < wanted || k.begins[n-1]-k.begins[n-wanted] != int64(wanted-1)*period {
		return low, high, false
	}
	for _, v := range k.values[n-wanted:] {
		low, high = min(low, v), max(high, v)
	}
	return low, high, true
}

// ask gets an answer of the daemon's API.
func (w *world) ask(path string, into any) bool {
	rec := httptest.NewRecorder()
	w.process.daemon.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	if rec.Code != http.StatusOK {
		w.lock.Lock()
		defer w.lock.Unlock()
		w.violate("the API answers", "", "GET %s: %d %s", path, rec.Code, rec.Body)
		return false
	}
	if err := json.Unmarshal(rec.Body.Bytes(), into); err != nil {
		w.t.Fatal(err)
	}
	return true
}

type shownActivity struct {
	ID     string `json:"activity_id"`
	Status string `json:"status_code"`
	From   int    `json:"from"`
	To     int    `json:"to"`
}

// compareAPI: the activities of the API are the writes of the region, and its counts the region's.
func (w *world) compareAPI() {
	if w.process == nil || w.process.dead {
		return
	}
	shown := map[string]shownActivity{}
	since := time.Now().Add(-history * 2 / 3)
	for cursor := ""; ; {
		var page struct {
			Activities []shownActivity `json:"activities"`
			Next       *string         `json:"next_cursor"`
		}
		path := "/api/v1/activities?limit=1000&since=" + url.QueryEscape(since.UTC().Format(time.RFC3339))
		if cursor != "" {
			path += "&cursor=" + url.QueryEscape(cursor)
		}
		if !w.ask(path, &page) {
			return
		}
		for _, a := range page.Activities {
			shown[a.ID] = a
		}
		if page.Next == nil {
			break
		}
		cursor = *page.Next
	}
	w.lock.Lock()
	defer w.lock.Unlock()
	w.totals.apis++
	for _, s := range w.oracle.services {
		for _, r := range s.records {
			if r.StartTime.Before(since) {
				continue
			}
			w.checked("the API says what the region did")
			a, there := shown[r.ID]
			if !there || a.From != r.From || a.To != r.To || a.Status != string(r.Status) {
				w.violate("the API says what the region did", s.key.String(), "activity %s %d -> %d is %s, the API shows %+v", r.ID, r.From, r.To, r.Status, a)
			}
		}
	}
}
