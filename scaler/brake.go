package scaler

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"ecs-autoscaler/evaluator"
)

// Brake holds every scale-in while too many targets of the whole daemon lack data or cannot be described
// (halt_if_unready_percent). Engines that share one report what they see and read what all of them see. It may be used
// concurrently, and costs nothing where there is no limit.
type Brake struct {
	mu      sync.Mutex
	limit   float64
	reports map[any]evaluator.Fleet
	total   evaluator.Fleet
	halted  bool
}

// NewBrake makes a brake that is off until a limit is set. Its metrics go to r, if there is one, and are there only while
// there is a limit.
func NewBrake(r prometheus.Registerer) *Brake {
	b := &Brake{reports: map[any]evaluator.Fleet{}}
	if r != nil {
		r.MustRegister(brakeMetrics{b})
	}
	return b
}

// SetLimit sets the share in percent beyond which nothing is scaled in; 0 switches the brake off, and what was reported
// counts no more when it is switched on again.
func (b *Brake) SetLimit(percent float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limit = percent; percent == 0 {
		clear(b.reports)
		b.halted = false
	}
	b.add()
}

// Report replaces what the engine (or whatever else) of counts, and returns what all of them count. changed says that the
// brake has just closed or opened. Without a limit nothing is kept.
func (b *Brake) Report(of any, targets, unready int) (fleet evaluator.Fleet, changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limit == 0 {
		return evaluator.Fleet{}, false
	}
	b.reports[of] = evaluator.Fleet{Targets: targets, Unready: unready}
	b.add()
	before := b.halted
	b.halted = b.total.Halted()
	return b.total, b.halted != before
}

// Forget takes what of has reported out of the count: an engine that has stopped sees nothing.
func (b *Brake) Forget(of any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.reports, of)
	b.add()
}

// add makes the total anew.
func (b *Brake) add() {
	b.total = evaluator.Fleet{HaltAbove: b.limit}
	for _, r := range b.reports {
		b.total.Targets += r.Targets
		b.total.Unready += r.Unready
	}
}

// fleet is the present total.
func (b *Brake) fleet() evaluator.Fleet {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total
}

// brakeMetrics shows a brake that has a limit.
type brakeMetrics struct{ *Brake }

var (
	unreadyTargets = prometheus.NewDesc("ecs_autoscaler_targets_unready",
		"Targets that lack data or cannot be described; only with halt_if_unready_percent.", nil, nil)
	fleetBrake = prometheus.NewDesc("ecs_autoscaler_fleet_brake",
		"1 while more targets are unready than halt_if_unready_percent allows, so that none scales in, else 0.", nil, nil)
)

// Describe implements prometheus.Collector.
func (brakeMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- unreadyTargets
	to <- fleetBrake
}

// Collect implements prometheus.Collector.
func (m brakeMetrics) Collect(to chan<- prometheus.Metric) {
	f := m.fleet()
	if f.HaltAbove == 0 {
		return
	}
	halted := 0.0
	if f.Halted() {
		halted = 1
	}
	to <- prometheus.MustNewConstMetric(unreadyTargets, prometheus.GaugeValue, float64(f.Unready))
	to <- prometheus.MustNewConstMetric(fleetBrake, prometheus.GaugeValue, halted)
}

// brakeFleet reports what the engine's targets are like after this pass's reads, and takes what all are like for its
// decisions. When a target is looked at again does not depend on it: one whose scale-in the brake stops is looked at with each
// evaluation, and so also with the first after the brake has opened.
func (p *pass) brakeFleet() {
	if p.Config.HaltIfUnreadyPercent == 0 {
		p.fleet = evaluator.Fleet{}
		return
	}
	unready := 0
	for _, t := range p.order {
		if t.unready() {
			unready++
		}
	}
	fleet, changed := p.Brake.Report(p.Engine, len(p.order), unready)
	p.fleet = fleet
	if !changed {
		return
	}
	fields := []zap.Field{
		zap.Int("unready", fleet.Unready), zap.Int("targets", fleet.Targets), zap.Float64("halt_if_unready_percent", fleet.HaltAbove),
	}
	if fleet.Halted() {
		p.Logger.Warn("fleet brake: too many targets lack data or cannot be described; no policy of any target scales in until fewer do", fields...)
		return
	}
	p.Logger.Info("fleet brake: enough targets have data again; policies may scale in", fields...)
}

// unready reports whether so little is known of the target that it counts against the fleet: ECS did not describe it or has not
// been asked yet, CloudWatch did not answer in full, or its metrics have stopped. A service that needs no data, because it
// runs nothing or cannot be scaled, is ready, and so is one whose metrics have never had a datapoint.
func (t *target) unready() bool {
	if t.describeErr != nil || !t.known() {
		return true
	}
	if s := &t.observation.Service; !t.readable() || s.Desired == 0 && s.Running == 0 {
		return false
	}
	unread := func(tr *trackedEntry) bool { return tr.readAt.IsZero() || tr.Series.Failed || tr.Series.Partial }
	return slices.ContainsFunc(t.entries, unread) || t.silent()
}

// silent reports whether the target has had datapoints, be it before this start, and all of its metrics have stopped.
func (t *target) silent() bool {
	spoke, speaks := t.spokeBefore(), false
	for _, tr := range t.entries {
		tr.seen()
		spoke = spoke || tr.newest > 0
		speaks = speaks || tr.newest > 0 && !tr.stopped()
	}
	return spoke && !speaks
}

// spokeBefore reports whether an alarm of the target has ever left the state that it began with, INSUFFICIENT_DATA. Where missing
// data do not count as good or bad that takes datapoints, and the memory of it survives a restart and goes to the next daemon.
func (t *target) spokeBefore() bool {
	for i := range min(len(t.spec.Policies), len(t.memory.Policies)) {
		alarms, known := t.spec.Policies[i].Alarms, t.memory.Policies[i].Alarms
		for j := range min(len(alarms), len(known)) {
			filled := alarms[j].Missing == evaluator.TreatBreaching || alarms[j].Missing == evaluator.TreatNotBreaching
			if !filled && !known[j].Since.IsZero() {
				return true
			}
		}
	}
	return false
}

// seen notes the end of the newest bucket that has had a datapoint.
func (tr *trackedEntry) seen() {
	s := &tr.Series
	for i, v := range slices.Backward(s.Values) {
		end := s.End - int64(len(s.Values)-1-i)*s.Period
		if end <= tr.newest {
			return
		}
		if v == v { // not NaN
			tr.newest = end
			return
		}
	}
}

// stopped reports whether, at the last read, two buckets in a row were missing that should have been published.
func (tr *trackedEntry) stopped() bool {
	width := max(tr.Series.Period, int64(time.Minute/time.Second))
	return tr.readAt.Unix()-tr.newest >= tr.Series.Delay+2*width
}
