package scaler

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
)

// tide is a service behind the load of a day: what it does to its metrics depends on how many tasks run.
type tide struct {
	tasks   []float64 // how many tasks the load of each minute would keep fully busy
	changes []change
}

// change is a running count from an instant on.
type change struct {
	at    time.Time
	count int
}

// readTide takes the second column of a trace, one value a minute, from a minute of its day on, and scales its
// highest value.
func readTide(t *testing.T, file string, from int, highest float64) *tide {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	d := &tide{}
	for _, row := range rows[1:] {
		v, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		d.tasks = append(d.tasks, v)
	}
	scale := highest / slices.Max(d.tasks)
	for i := range d.tasks {
		d.tasks[i] *= scale
	}
	d.tasks = slices.Concat(d.tasks[from:], d.tasks[:from])
	return d
}

// set notes that so many tasks run from at on; a change that has not come by now never does.
func (d *tide) set(now, at time.Time, count int) {
	for len(d.changes) > 0 && d.changes[len(d.changes)-1].at.After(now) {
		d.changes = d.changes[:len(d.changes)-1]
	}
	d.changes = append(d.changes, change{at, count})
}

func (d *tide) running(at time.Time) float64 {
	n := d.changes[0].count
	for _, c := range d.changes {
		if !c.at.After(at) {
			n = c.count
		}
	}
	return float64(max(n, 1))
}

// value is CPU or memory as the services of the simulated region have them: load by task, and some noise.
func (d *tide) value(m evaluator.Metric, start int64) float64 {
	minute := int(start-midnight.Unix())/60 + len(d.tasks)
	load := d.tasks[minute%len(d.tasks)] / d.running(time.Unix(start+30, 0))
	noise := rand.New(rand.NewPCG(uint64(start), uint64(len(m.MetricName)))).NormFloat64()
	if m.MetricName == "MemoryUtilization" {
		return math.Max(35+15*load+0.5*noise, 0)
	}
	return math.Max(100*load+1.5*noise, 0)
}

// live is the day of a daemon with that interval: what it did, and how many metrics it read.
func (d *tide) live(t *testing.T, config, interval string, w *world) (did []string, reads int) {
	t.Helper()
	k := w.add("web", 8)
	d.changes = []change{{midnight, 8}}
	w.value, w.startAfter, w.phase = d.value, time.Minute, nil
	w.onWrite = func(_ evaluator.Key, n int) (bool, error) {
		serves := w.now
		if n > w.services[k].Desired {
			serves = serves.Add(w.startAfter)
		}
		d.set(w.now, serves, n)
		return false, nil
	}
	b := newBench(t, w, fmt.Sprintf(config, interval))
	for end := midnight.Add(24 * time.Hour); w.now.Before(end); w.now = w.now.Add(b.engine.untilNext(w.now)) {
		b.pass()
	}
	if w.services[k].Desired < 1 {
		t.Errorf("desired %d at the end of the day", w.services[k].Desired)
	}
	for _, a := range slices.Backward(b.activities()) {
		did = append(did, fmt.Sprintf("%s %d->%d %s", a.StartTime.Format(time.TimeOnly), a.From, a.To, a.Policy))
	}
	return did, w.metricReads
}

// demoTracking is the policy of shop/api in the demo.
const demoTracking = `
interval: %s
targets:
  - service: c/web
    min_capacity: 2
    max_capacity: 16
    target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60, scale_out_cooldown: 60, scale_in_cooldown: 120}]
`

// awsTracking has the cooldowns that AWS sets by default.
const awsTracking = `
interval: %s
targets:
  - service: c/web
    min_capacity: 2
    max_capacity: 16
    target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]
`

const bothTracking = `
interval: %s
targets:
  - service: c/web
    min_capacity: 2
    max_capacity: 16
    target_tracking:
      - {name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 70}
      - {name: memory, metric: ECSServiceAverageMemoryUtilization, target_value: 45, disable_scale_in: true}
`

const cpuSteps = `
interval: %s
targets:
  - service: c/web
    min_capacity: 2
    max_capacity: 16
    step_scaling:
      - name: out
        alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: GreaterThanThreshold, threshold: 70, period: 60, evaluation_periods: 3, datapoints_to_alarm: 2}
        adjustment_type: ChangeInCapacity
        cooldown: 120
        step_adjustments: [{metric_interval_lower_bound: 0, metric_interval_upper_bound: 15, scaling_adjustment: 1}, {metric_interval_lower_bound: 15, scaling_adjustment: 3}]
      - name: in
        alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: LessThanThreshold, threshold: 45, period: 60, evaluation_periods: 10}
        adjustment_type: ChangeInCapacity
        cooldown: 300
        step_adjustments: [{metric_interval_upper_bound: 0, scaling_adjustment: -1}]
`

const stepsByTheHour = `
interval: %s
targets:
  - service: c/web
    min_capacity: 2
    max_capacity: 16
    step_scaling:
      - name: out
        alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: GreaterThanOrEqualToThreshold, threshold: 65, period: 60, evaluation_periods: 1}
        adjustment_type: PercentChangeInCapacity
        min_adjustment_magnitude: 1
        cooldown: 60
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 25}]
      - name: in
        alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: LessThanThreshold, threshold: 40, period: 300, evaluation_periods: 3}
        adjustment_type: ChangeInCapacity
        cooldown: 600
        step_adjustments: [{metric_interval_upper_bound: 0, scaling_adjustment: -2}]
    scheduled_actions: [{name: evening, schedule: "cron(0 20 * * ? *)", min_capacity: 4}, {name: night, schedule: "cron(0 4 * * ? *)", min_capacity: 2}]
`

// traces are the days of real services that come with the simulated region.
func traces(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../sim/traces/*.csv")
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces: %v", err)
	}
	return files
}

func TestOnRealTracesLookingLessDoesTheSame(t *testing.T) {
	policies := map[string]string{
		"the demo's": demoTracking, "AWS's cooldowns": awsTracking, "CPU and memory": bothTracking, "steps": cpuSteps, "steps over five minutes": stepsByTheHour,
	}
	lates := map[string][]int64{"the demo's": {0, 65, 130}, "AWS's cooldowns": {65}, "CPU and memory": {130}, "steps": {65}, "steps over five minutes": {0}}
	for _, file := range traces(t) {
		for name, config := range policies {
			for _, late := range lates[name] {
				t.Run(fmt.Sprintf("%s, %s, %d s late", filepath.Base(file), name, late), func(t *testing.T) {
					live := func(interval string) ([]string, int) {
						w := newWorld()
						w.late = late
						w.jitter = func(start int64) int64 { return rand.New(rand.NewPCG(7, uint64(start))).Int64N(25) - 20 }
						return readTide(t, file, 412, 7.2).live(t, config, interval, w)
					}
					want, each := live("60s")
					got, less := live("auto")
					if !slices.Equal(want, got) {
						t.Fatalf("looking each minute:\n%s\nlooking less:\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
					}
					if len(want) < 10 || less > each {
						t.Errorf("%d activities, %d metrics read instead of %d; want some activities and fewer reads", len(want), less, each)
					}
					t.Logf("%d activities, %d of %d metrics read: %.0f %%", len(want), less, each, 100*float64(less)/float64(each))
				})
			}
		}
	}
}

// The demo's service, looked at as the demo's region publishes: 60 to 70 s after the end of a bucket.
func TestTheDemosDayNeedsAtMost45PercentOfTheReads(t *testing.T) {
	w := newWorld()
	w.late, w.jitter = 70, func(start int64) int64 { return -rand.New(rand.NewPCG(7, uint64(start))).Int64N(11) }
	_, reads := readTide(t, traces(t)[0], 412, 7.2).live(t, demoTracking, "auto", w)
	if reads > 1440*45/100 {
		t.Errorf("%d metrics read in a day of 1,440 minutes, want 45 %% at most", reads)
	}
	t.Logf("%d of 1440 metrics read: %.1f %%", reads, float64(reads)/14.4)
}
