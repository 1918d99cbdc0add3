package soak

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/sim"
)

// judge looks at a world that has been calm for hours: nothing is open, nothing is stuck, and the API says what is so.
func (w *world) judge() {
	if w.failed.Load() || w.process == nil && w.crew == nil {
		return
	}
	if w.process != nil && time.Since(w.process.began) < settling {
		return // it comes up after a downtime that has outlasted a short calm
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
	p := w.follower(s)
	if p == nil || v.Status != "ACTIVE" || !s.off.IsZero() || v.Desired == 0 || w.plan.starved || w.plan.calm < 3*hour {
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
	if why := w.wants(p, s, v, may[0]); why != "" && len(may) == 1 {
		w.violate("nobody is stuck", s.key.String(), "%d of %d tasks run, bounds %v, load %.2f: %s", v.Running, v.Desired, may, v.Load, why)
	}
}

// follower is the process that has a service in its configuration and steers it, nil if there is none.
func (w *world) follower(s *service) *process {
	p := w.holder(s.key.Cluster)
	if p == nil || p.version.rules[s.class] == nil {
		return nil
	}
	return p
}

// wants says which policy should have changed the count of a service that has stood still for long, or is empty.
func (w *world) wants(p *process, s *service, v *sim.ServiceView, b pair) string {
	in, held, r := "", false, p.version.rules[s.class]
	for _, q := range r.policies {
		k := p.told(s, q)
		if k == nil {
			return fmt.Sprintf("nothing is known of the metric of %s", q.name)
		}
		low, high, all := k.lately(q.side(evaluator.ScaleOut))
		if !all {
			return ""
		}
		saw := fmt.Sprintf("%s has seen %g to %g", q.name, low, high)
		if q.adds(v, b, low) && !r.suspendedOut {
			return saw + " and would add"
		}
		removes := q.removes(v, b, high)
		if removes && !r.suspendedIn {
			in = saw + " and would remove"
		}
		held = held || q.holds(low, removes)
	}
	if held {
		return ""
	}
	return in
}

// holds says that the policy keeps others from removing tasks: its scale-out alarm is in ALARM, or it is not ready to itself.
func (p *policy) holds(low float64, removes bool) bool {
	return p.out != nil && p.out.breaches(low) || p.tracking && p.in != nil && !removes
}

// adds says that a metric as low as that would make the policy add tasks within the bounds.
func (p *policy) adds(v *sim.ServiceView, b pair, low float64) bool {
	return p.out != nil && p.out.breaches(low) && min(p.furthest(evaluator.ScaleOut, v.Running, low, low), b.max) > v.Desired
}

// removes says that a metric as high as that would make the policy remove tasks within the bounds.
func (p *policy) removes(v *sim.ServiceView, b pair, high float64) bool {
	return p.in != nil && p.in.breaches(high) && max(p.furthest(evaluator.ScaleIn, v.Running, high, high), b.min) < v.Desired
}

// lately is the least and the greatest value of the newest datapoints; all is false when some are missing among them.
func (k *known) lately(a *alarm) (low, high float64, all bool) {
	low, high = math.Inf(1), math.Inf(-1)
	n := len(k.begins)
	wanted, period := 32, a.period
	if period > 60 { // of these only those of the last read are remembered
		wanted = max(2, a.n)
	}
	if n < wanted || k.begins[n-1]-k.begins[n-wanted] != int64(wanted-1)*period {
		return low, high, false
	}
	for _, v := range k.values[n-wanted:] {
		low, high = min(low, v), max(high, v)
	}
	return low, high, true
}

// ask gets an answer of a daemon's API.
func (w *world) ask(p *process, path string, into any) bool {
	rec := httptest.NewRecorder()
	p.daemon.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	if rec.Code != http.StatusOK {
		w.lock.Lock()
		defer w.lock.Unlock()
		if p.excused() {
			return false
		}
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

// shown are the activities since an instant as the API lists them; false where it does not answer.
func (w *world) shown(p *process, since time.Time) (all map[string]shownActivity, answered bool) {
	all = map[string]shownActivity{}
	for cursor := ""; ; {
		var page struct {
			Activities []shownActivity `json:"activities"`
			Next       *string         `json:"next_cursor"`
		}
		path := "/api/v1/activities?limit=1000&since=" + url.QueryEscape(since.UTC().Format(time.RFC3339))
		if cursor != "" {
			path += "&cursor=" + url.QueryEscape(cursor)
		}
		if !w.ask(p, path, &page) {
			return nil, false
		}
		for _, a := range page.Activities {
			all[a.ID] = a
		}
		if page.Next == nil {
			return all, true
		}
		cursor = *page.Next
	}
}

// compareAPI: the activities of the API are the writes of the region.
func (w *world) compareAPI() {
	p, asked := w.process, time.Now()
	if w.crew != nil {
		p = w.crew.someone()
	}
	if p == nil || p.gone() {
		return
	}
	since := asked.Add(-history * 2 / 3)
	shown, answered := w.shown(p, since)
	if !answered {
		return
	}
	w.lock.Lock()
	defer w.lock.Unlock()
	w.totals.apis++
	for _, s := range w.oracle.services {
		w.compareActivities(s, shown, since, asked)
	}
	for id := range shown {
		if w.oracle.records[id] == nil && !w.oracle.undoneSince(id, asked) {
			w.violate("the API says what the region did", "", "the API shows activity %s, which was never made durable", id)
		}
	}
}

// compareActivities: those of a service are shown as they are. What changed while the API was asked is left out.
func (w *world) compareActivities(s *service, shown map[string]shownActivity, since, asked time.Time) {
	for _, r := range slices.Backward(s.records) {
		if r.StartTime.Before(since) {
			return
		}
		if !r.changed.Before(asked) {
			continue
		}
		w.checked("the API says what the region did")
		if a := shown[r.ID]; a != (shownActivity{r.ID, string(r.Status), r.From, r.To}) {
			w.violate("the API says what the region did", s.key.String(), "activity %s %d -> %d is %s, the API shows %+v", r.ID, r.From, r.To, r.Status, a)
		}
	}
}
