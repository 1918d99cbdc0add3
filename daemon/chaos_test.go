package daemon_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// faultKinds are what may go wrong between the daemon and AWS. Each comes and goes in the chaos tests.
var faultKinds = []string{
	"throttling", "server_error", "access_denied", "expired_credentials", "timeout_before", "timeout_after", "hang",
	"connection_reset", "connection_reset_after", "partial_data", "internal_error", "forbidden", "missing_datapoints",
	"late_datapoints", "duplicate_datapoints", "out_of_order",
}

// chaos is a scenario drawn from a seed: six hours of changing load and faults, then calm at a constant load.
func chaos(r *rand.Rand) (scenario string, load float64) {
	var steps, faults, events []string
	for at := 0; at < 360; at += 20 + r.IntN(60) {
		steps = append(steps, fmt.Sprintf("{at: %dm, value: %.2f}", at, r.Float64()*4))
	}
	load = float64(50+r.IntN(350)) / 100
	steps = append(steps, fmt.Sprintf("{at: 360m, value: %.2f}", load))
	for range 12 {
		from := r.IntN(330)
		faults = append(faults, fmt.Sprintf("{kind: %s, from: %dm, for: %ds, probability: %.2f}",
			faultKinds[r.IntN(len(faultKinds))], from, 30+r.IntN(1500), 0.2+0.8*r.Float64()))
	}
	for at := 10; at < 340; at += 40 + r.IntN(100) {
		events = append(events, fmt.Sprintf([]string{"{at: %dm, desired: %d}", "{at: %dm, deploy: true, kill: %d}"}[r.IntN(2)], at, 1+r.IntN(9)))
	}
	return fmt.Sprintf(`
region: eu-west-2
seed: %d
history: 30m
publication: {delay: %ds, delay_spread: 20s}
services:
  - service: c/web
    desired: %d
    task_start: %ds
    load: {steps: [%s]}
    events: [%s]
faults: [%s]
`, r.IntN(1000), r.IntN(120), 1+r.IntN(9), r.IntN(120), strings.Join(steps, ", "), strings.Join(events, ", "), strings.Join(faults, ", ")), load
}

// unreliable is a backend whose disk is full now and then.
type unreliable struct {
	store.Backend
	r    *rand.Rand
	full bool
}

func (u *unreliable) Commit(d *store.Durable) error {
	if u.full && u.r.IntN(2) == 0 {
		return errors.New("no space left on device")
	}
	return u.Backend.Commit(d)
}

// Whatever happens, the count stays within the bounds by our hand, every activity comes to an end, and once the
// trouble is over the service has what its load needs.
func TestTheDaemonComesThroughHoursOfTrouble(t *testing.T) {
	for seed := range uint64(chaosSeeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			scenario, load := chaos(r)
			inTime(t, scenario, func(w *world) {
				backend := &unreliable{Backend: store.Memory(), r: r}
				for hour := range 6 {
					backend.full = false // a daemon does not start on a full disk
					d := w.start(patient, backend)
					backend.full = hour%2 == 1
					w.live(d, time.Hour+time.Duration(r.IntN(60))*time.Second)
				}
				backend.full = false
				w.live(w.start(patient, backend), 3*time.Hour)
				w.inBounds()
				w.settled(backend)
				w.fits(load)
			})
			if t.Failed() {
				t.Log(scenario)
			}
		})
	}
}

// chaosSeeds is how many worlds the test goes through, nine hours each, in a third of a second.
const chaosSeeds = 8

// inBounds checks every count that the daemon has written.
func (w *world) inBounds() {
	w.t.Helper()
	for _, c := range w.region.Calls() {
		in := c.Input()
		if c.Operation != "UpdateService" || in == nil { // payloads of long ago are not kept
			continue
		}
		if n, ok := in["desiredCount"].(int64); !ok || n < 1 || n > 10 {
			w.t.Errorf("at %s the daemon wrote %v", c.Time.Format("15:04:05"), in)
		}
	}
}

// settled checks that no activity is left open.
func (w *world) settled(b store.Backend) {
	w.t.Helper()
	s, err := store.New(b)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range s.OpenActivities() {
		w.t.Errorf("activity to %d of %s is still %s", a.To, a.StartTime.Format("15:04:05"), a.Status)
	}
	if err := s.Close(); err != nil {
		w.t.Error(err)
	}
	if s, err = store.New(b); err != nil {
		w.t.Fatal(err)
	}
	if m := s.Memory(evaluator.Key{Cluster: "c", Service: "web"}); m == nil || m.Activity.Open {
		w.t.Errorf("the memory is %+v", m)
	}
	if err := s.Close(); err != nil {
		w.t.Error(err)
	}
}

// fits checks that the service is neither above its target of 50 % nor has a task too many.
func (w *world) fits(load float64) {
	w.t.Helper()
	v := w.view()
	cpu := 100 * load / float64(v.Desired)
	fewest := min(10, int(math.Ceil(load/0.5-1e-9)))
	idle := cpu < 45 && int(math.Ceil(float64(v.Desired)*cpu/50-1e-9)) < v.Desired
	if v.Desired < fewest || idle || v.Running != v.Desired {
		w.t.Errorf("at a load of %.2f there are %d of %d tasks at %.0f %%", load, v.Running, v.Desired, cpu)
	}
}

// patient has AWS's default cooldowns of 300 s. With shorter ones than the metric is late, target tracking swings
// for ever: it sizes the next step on datapoints from before the last one, here as at AWS.
var patient = strings.NewReplacer("scale_out_cooldown: 60", "scale_out_cooldown: 300", "scale_in_cooldown: 60", "scale_in_cooldown: 300").Replace(tracking)
