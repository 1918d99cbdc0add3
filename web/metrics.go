package web

import (
	"math"
	"runtime"
	"slices"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "ecs_autoscaler"

// The label sets. Names stand in alphabetical order, as the registry wants the pairs. The account is empty, which to
// Prometheus is no label, where it is the daemon's own.
var (
	perTarget    = []string{"account", "cluster", "service"}
	perPolicy    = []string{"account", "cluster", "policy", "service"}
	perDirection = []string{"account", "cluster", "direction", "policy", "service"}
	perScaling   = []string{"account", "cluster", "scaling", "service"}
	perAlarm     = []string{"account", "alarm", "cluster", "policy", "service"}
)

// What is known of a target. A gauge that is not known is absent, never 0.
var (
	desiredTasks   = gauge("desired_tasks", "Desired count of the ECS service as last described.", perTarget)
	runningTasks   = gauge("running_tasks", "Running count of the ECS service as last described.", perTarget)
	pendingTasks   = gauge("pending_tasks", "Pending count of the ECS service as last described.", perTarget)
	minCapacity    = gauge("min_capacity", "Min capacity of the scalable target, in tasks.", perTarget)
	maxCapacity    = gauge("max_capacity", "Max capacity of the scalable target, in tasks.", perTarget)
	wantedTasks    = gauge("wanted_capacity", "Desired count the last decision came to after every guard; the desired count itself on hold.", perTarget)
	decidedAt      = gauge("last_decision_timestamp_seconds", "When the target was last decided on.", perTarget)
	activityOpen   = gauge("scaling_activity_open", "1 while a scaling activity waits for running to reach desired, else 0.", perTarget)
	suspendedGauge = gauge("suspended", "1 while this kind of scaling (in, out, scheduled) is suspended, by a command or by the registration; absent while it is not.", perScaling)
	overrideGauge  = gauge("override", "Count with which a person has overridden the desired count, before bounds; absent while nobody has.", perTarget)
	activitySince  = gauge("scaling_activity_open_since_timestamp_seconds", "When the open scaling activity started; absent when none is open.", perTarget)
)

// What is known of a policy and its alarms.
var (
	metricValue = gauge("policy_metric_value", "Newest datapoint that the policy's alarms were judged on, in the metric's own unit.", perPolicy)
	datapointAt = gauge("policy_newest_datapoint_timestamp_seconds", "End of the period that the newest datapoint covers.", perPolicy)
	targetValue = gauge("policy_target_value", "Target value of a target-tracking policy, in the metric's own unit.", perPolicy)
	policyWants = gauge("policy_wanted_capacity", "What the policy alone wished for at the last decision, in tasks, before bounds; absent when it wished for nothing.", perPolicy)
	cooldownEnd = gauge("policy_cooldown_end_timestamp_seconds", "When the cooldown of the policy in this direction ends or ended; absent when it never began.", perDirection)
	alarmState  = gauge("alarm_state", "State of the alarm: 1 ALARM, 0 OK, -1 INSUFFICIENT_DATA.", perAlarm)
)

var gauges = []*prometheus.Desc{
	desiredTasks, runningTasks, pendingTasks, minCapacity, maxCapacity, wantedTasks, decidedAt, activityOpen, activitySince,
	suspendedGauge, overrideGauge,
	metricValue, datapointAt, targetValue, policyWants, cooldownEnd, alarmState,
}

func gauge(name, help string, labels []string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// collector makes gauges of the store's rows when it is asked, so nothing has to be kept up to date or
// forgotten when a target goes.
type collector struct {
	store      *store.Store
	configured func(evaluator.Key) (*evaluator.Target, bool)
	now        func() time.Time
}

// newCollector gives the gauges of every target in the store. Without o.Configured they have no ends of cooldowns.
func newCollector(o *Options) *collector {
	c := &collector{o.Store, o.Configured, o.Now}
	if c.configured == nil {
		c.configured = func(evaluator.Key) (*evaluator.Target, bool) { return nil, false }
	}
	if c.now == nil {
		c.now = time.Now
	}
	return c
}

// Register registers everything this room measures: the gauges of every target, with the ends of cooldowns if o.Configured is
// set, whether the state, and where there are leases their table, can be used, and ecs_autoscaler_build_info. Errors are the
// registerer's.
func Register(r prometheus.Registerer, o Options) error {
	for _, c := range []prometheus.Collector{
		newCollector(&o), newStateWritable(o.Store, o.Leases), newStateFailures(o.Store), newBuildInfo(o.Version, o.Commit),
	} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func newStateWritable(s *store.Store, l Leases) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "state_writable",
		Help: "1 if the state could be written, and a shared table's leases be used, when that was last tried, else 0: then nothing is written to ECS.",
	}, func() float64 {
		if s.Health().Err != nil || l != nil && l.Trouble() != nil {
			return 0
		}
		return 1
	})
}

func newStateFailures(s *store.Store) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Namespace: namespace, Name: "state_commit_failures_total",
		Help: "Commits that failed because the state could not be written.",
	}, func() float64 { return float64(s.Health().Failures) })
}

func newBuildInfo(version, commit string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info",
		Help:        "Always 1; the labels say what is running.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}

// Describe sends every gauge there may be.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range gauges {
		ch <- d
	}
}

// Collect sends what is known of every target.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	w := &writer{ch: ch}
	for _, row := range c.store.Targets() {
		w.labelTarget(row.Key)
		c.target(w, row)
	}
}

func (c *collector) target(w *writer, row *store.Target) {
	collectCounts(w, row)
	// The copy lets go of the slot's lock before anything is sent: a slow scrape must not hold up a pass.
	if row.Latest.View(func(d *evaluator.Decision) { w.decision.CopyFrom(d) }) {
		if counted(&row.Service) {
			w.send(wantedTasks, float64(w.decision.Wanted), w.target)
		}
		collectDecision(w, &w.decision)
	}
	if row.Memory == nil {
		return
	}
	collectMemory(w, row.Memory)
	if row.Memory.Suspended != (evaluator.SuspendedState{}) || len(row.Memory.Steering) > 0 {
		collectSteering(w, row, c.now())
	}
	configured, _ := c.configured(row.Key)
	for e := range cooldownEnds(configured, row.Memory) {
		w.labelPolicy(e.policy)
		w.sendTime(cooldownEnd, e.scaleOut, w.directionLabels(scaleOutPair))
		w.sendTime(cooldownEnd, e.scaleIn, w.directionLabels(scaleInPair))
	}
}

func collectCounts(w *writer, row *store.Target) {
	w.send(minCapacity, float64(row.Min), w.target)
	w.send(maxCapacity, float64(row.Max), w.target)
	if !counted(&row.Service) {
		return
	}
	w.send(desiredTasks, float64(row.Service.Desired), w.target)
	w.send(runningTasks, float64(row.Service.Running), w.target)
	w.send(pendingTasks, float64(row.Service.Pending), w.target)
}

func collectDecision(w *writer, d *evaluator.Decision) {
	w.sendTime(decidedAt, d.Time, w.target)
	for i := range d.Policies {
		p := &d.Policies[i]
		w.labelPolicy(p.Name)
		if end, value, ok := newestDatapoint(p.Alarms); ok {
			w.send(metricValue, value, w.policy)
			w.send(datapointAt, float64(end), w.policy)
		}
		if p.Type == evaluator.TargetTrackingScaling {
			w.send(targetValue, p.TargetValue, w.policy)
		}
		if p.HasWanted {
			w.send(policyWants, float64(p.Wanted), w.policy)
		}
	}
}

func collectMemory(w *writer, m *evaluator.Memory) {
	if m.Activity.Open {
		w.send(activityOpen, 1, w.target)
		w.sendTime(activitySince, m.Activity.StartedAt, w.target)
	} else {
		w.send(activityOpen, 0, w.target)
	}
	for i := range m.Policies {
		p := &m.Policies[i]
		w.labelPolicy(p.Name)
		for _, a := range p.Alarms {
			w.send(alarmState, stateNumber(a.State), w.alarmLabels(a.Name))
		}
	}
}

// collectSteering sends what is suspended and overridden, each once however often it is.
func collectSteering(w *writer, row *store.Target, now time.Time) {
	suspended, override := steeringOf(row, now)
	for i, s := range suspended {
		if !slices.ContainsFunc(suspended[:i], func(before SuspensionView) bool { return before.Scaling == s.Scaling }) {
			w.send(suspendedGauge, 1, w.scalingLabels(string(s.Scaling)))
		}
	}
	if override != nil {
		w.send(overrideGauge, float64(override.Desired), w.target)
	}
}

// stateNumber is one number an alarm: a series a state would triple the largest family, and > 0 reads as
// well as a label.
func stateNumber(s evaluator.AlarmState) float64 {
	switch s {
	case evaluator.AlarmingState:
		return 1
	case evaluator.OKState:
		return 0
	default:
		return -1
	}
}

// newestDatapoint finds the newest real datapoint of the alarms, and the unix second its period ends at.
func newestDatapoint(alarms []evaluator.AlarmDecision) (end int64, value float64, ok bool) {
	for i := range alarms {
		a := &alarms[i]
		for j, v := range slices.Backward(a.Values) {
			at := a.End - int64(len(a.Values)-1-j)*a.Period
			if ok && at <= end {
				break
			}
			if !math.IsNaN(v) {
				end, value, ok = at, v, true
				break
			}
		}
	}
	return end, value, ok
}

// unix is a time as Prometheus counts it.
func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
