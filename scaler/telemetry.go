package scaler

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// telemetry are the counters that live in the engine; everything that can be read off the store at
// scrape time is in the web room.
type telemetry struct {
	activities *prometheus.CounterVec
	notScaled  *prometheus.CounterVec
	foreign    *prometheus.CounterVec
	scheduled  *prometheus.CounterVec
	passes     *prometheus.CounterVec
	duration   prometheus.Histogram
	reloaded   prometheus.Gauge
	reloadedAt prometheus.Gauge
	offset     prometheus.Gauge
	// reasons are those that notScaled has been counted for (evaluator.Reason), by which its series are found again.
	reasons sync.Map
}

// newTelemetry registers the metrics of a daemon. lastPass is when the last pass without an error of the daemon's own ended.
func newTelemetry(r prometheus.Registerer, lastPass func() time.Time) *telemetry {
	f := promauto.With(r)
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ecs_autoscaler_last_successful_pass_timestamp_seconds",
		Help: "When the last pass without an error of the daemon's own was made; of several clusters, that of the one whose is the oldest.",
	}, func() float64 {
		if at := lastPass(); !at.IsZero() {
			return float64(at.Unix())
		}
		return 0
	})
	return &telemetry{
		activities: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_autoscaler_scaling_activities_total",
			Help: "Scaling activities by direction and the status they reached.",
		}, []string{"account", "cluster", "service", "direction", "status"}),
		notScaled: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_autoscaler_not_scaled_total",
			Help: "Decisions in which a policy wished to scale, or could not tell, and the count was held, by reason.",
		}, []string{"account", "cluster", "service", "reason"}),
		foreign: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_autoscaler_foreign_writes_total",
			Help: "Changes of a desired count that someone else made.",
		}, []string{"account", "cluster", "service"}),
		scheduled: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_autoscaler_scheduled_actions_total",
			Help: "Scheduled actions that were due, by what became of them: applied, failed, suspended or missed.",
		}, []string{"account", "cluster", "service", "action", "status"}),
		passes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_autoscaler_passes_total",
			Help: "Passes over a cluster by result: ok, state_error when the state could not be written, or not_leader when another daemon had taken the cluster over.",
		}, []string{"result"}),
		duration: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "ecs_autoscaler_pass_duration_seconds",
			Help:    "Duration of a pass.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}),
		reloaded: f.NewGauge(prometheus.GaugeOpts{
			Name: "ecs_autoscaler_config_last_reload_successful",
			Help: "1 if the configuration in force is the newest that was asked for, 0 if a reload failed.",
		}),
		reloadedAt: f.NewGauge(prometheus.GaugeOpts{
			Name: "ecs_autoscaler_config_last_reload_success_timestamp_seconds",
			Help: "When the configuration in force was loaded.",
		}),
		offset: f.NewGauge(prometheus.GaugeOpts{
			Name: "ecs_autoscaler_clock_offset_seconds",
			Help: "How far AWS's time is ahead of this machine's, as corrected; 0 as long as they agree within two seconds.",
		}),
	}
}

// activity counts a change of an activity's status.
func (m *telemetry) activity(a *store.Activity) {
	m.activities.WithLabelValues(a.Target.Account, a.Target.Cluster, a.Target.Service, string(a.Direction), string(a.Status)).Inc()
}

// decision counts a hold that is worth a look. Being within target is not.
func (m *telemetry) decision(d *evaluator.Decision) {
	switch {
	case d.Action != evaluator.Hold, d.Reason == evaluator.WithinTarget,
		d.Reason == evaluator.AlarmNotInAlarm, d.Reason == evaluator.NothingDue,
		d.Reason == evaluator.ByOverride && d.Policy < 0: // nobody wished for another count
		return
	}
	m.reasons.Store(d.Reason, true)
	m.notScaled.WithLabelValues(d.Target.Account, d.Target.Cluster, d.Target.Service, string(d.Reason)).Inc()
}

// forget removes the series of a target that is gone.
func (m *telemetry) forget(k evaluator.Key) {
	m.foreign.DeleteLabelValues(k.Account, k.Cluster, k.Service)
	m.scheduled.DeletePartialMatch(prometheus.Labels{"account": k.Account, "cluster": k.Cluster, "service": k.Service})
	m.reasons.Range(func(reason, _ any) bool {
		m.notScaled.DeleteLabelValues(k.Account, k.Cluster, k.Service, string(reason.(evaluator.Reason)))
		return true
	})
	for _, direction := range []evaluator.Action{evaluator.ScaleOut, evaluator.ScaleIn} {
		for _, status := range []evaluator.ActivityStatus{
			evaluator.InProgress, evaluator.Successful, evaluator.Overridden, evaluator.Unfulfilled, evaluator.Failed,
		} {
			m.activities.DeleteLabelValues(k.Account, k.Cluster, k.Service, string(direction), string(status))
		}
	}
}

// pass counts a pass.
func (m *telemetry) pass(err error, took time.Duration) {
	m.duration.Observe(took.Seconds())
	switch {
	case errors.Is(err, store.ErrFenced):
		m.passes.WithLabelValues("not_leader").Inc()
	case err != nil:
		m.passes.WithLabelValues("state_error").Inc()
	default:
		m.passes.WithLabelValues("ok").Inc()
	}
}

// reload notes the loading of a configuration; the first one counts too.
func (m *telemetry) reload(ok bool, now time.Time) {
	if !ok {
		m.reloaded.Set(0)
		return
	}
	m.reloaded.Set(1)
	m.reloadedAt.Set(float64(now.Unix()))
}
