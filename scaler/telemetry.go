package scaler

import (
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
	lastPass   prometheus.Gauge
	reloaded   prometheus.Gauge
	reloadedAt prometheus.Gauge
	offset     prometheus.Gauge
	// reasons are those that notScaled has been counted for, by which its series are found again.
	reasons map[evaluator.Reason]bool
}

func newTelemetry(r prometheus.Registerer) *telemetry {
	f := promauto.With(r)
	return &telemetry{
		reasons: make(map[evaluator.Reason]bool),
		activities: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_autoscaler_scaling_activities_total",
			Help: "Scaling activities by direction and the status they reached.",
		}, []string{"cluster", "service", "direction", "status"}),
		notScaled: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_autoscaler_not_scaled_total",
			Help: "Decisions in which a policy wished to scale, or could not tell, and the count was held, by reason.",
		}, []string{"cluster", "service", "reason"}),
		foreign: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_autoscaler_foreign_writes_total",
			Help: "Changes of a desired count that someone else made.",
		}, []string{"cluster", "service"}),
		scheduled: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_autoscaler_scheduled_actions_total",
			Help: "Scheduled actions that were due, by what became of them: applied, failed, suspended or missed.",
		}, []string{"cluster", "service", "action", "status"}),
		passes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_autoscaler_passes_total",
			Help: "Passes by result: ok, or state_error when the state could not be written.",
		}, []string{"result"}),
		duration: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "ecs_autoscaler_pass_duration_seconds",
			Help:    "Duration of a pass.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}),
		lastPass: f.NewGauge(prometheus.GaugeOpts{
			Name: "ecs_autoscaler_last_successful_pass_timestamp_seconds",
			Help: "When the last pass without an error of the daemon's own was made.",
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
	m.activities.WithLabelValues(a.Target.Cluster, a.Target.Service, string(a.Direction), string(a.Status)).Inc()
}

// decision counts a hold that is worth a look. Being within target is not.
func (m *telemetry) decision(d *evaluator.Decision) {
	switch {
	case d.Action != evaluator.Hold, d.Reason == evaluator.WithinTarget,
		d.Reason == evaluator.AlarmNotInAlarm, d.Reason == evaluator.NothingDue:
		return
	}
	m.reasons[d.Reason] = true
	m.notScaled.WithLabelValues(d.Target.Cluster, d.Target.Service, string(d.Reason)).Inc()
}

// forget removes the series of a target that is gone.
func (m *telemetry) forget(k evaluator.Key) {
	m.foreign.DeleteLabelValues(k.Cluster, k.Service)
	m.scheduled.DeletePartialMatch(prometheus.Labels{"cluster": k.Cluster, "service": k.Service})
	for reason := range m.reasons {
		m.notScaled.DeleteLabelValues(k.Cluster, k.Service, string(reason))
	}
	for _, direction := range []evaluator.Action{evaluator.ScaleOut, evaluator.ScaleIn} {
		for _, status := range []evaluator.ActivityStatus{
			evaluator.InProgress, evaluator.Successful, evaluator.Overridden, evaluator.Unfulfilled, evaluator.Failed,
		} {
			m.activities.DeleteLabelValues(k.Cluster, k.Service, string(direction), string(status))
		}
	}
}

// pass counts a pass.
func (m *telemetry) pass(err error, took time.Duration, now time.Time) {
	m.duration.Observe(took.Seconds())
	if err != nil {
		m.passes.WithLabelValues("state_error").Inc()
		return
	}
	m.passes.WithLabelValues("ok").Inc()
	m.lastPass.Set(float64(now.Unix()))
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
