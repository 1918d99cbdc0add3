package lease

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// telemetry is what a keeper counts.
type telemetry struct {
	held    *prometheus.GaugeVec
	taken   *prometheus.CounterVec
	lost    prometheus.Counter
	failed  prometheus.Counter
	beat    prometheus.Gauge
	members prometheus.Gauge
}

func newTelemetry(r prometheus.Registerer) *telemetry {
	f := promauto.With(r)
	return &telemetry{
		held: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ecs_autoscaler_lease_held",
			Help: "1 for each cluster that this daemon steers.",
		}, []string{"account", "cluster"}),
		taken: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_autoscaler_leases_taken_total",
			Help: "Leases taken: free ones, expired ones of dead daemons, and ours, whose taking was not confirmed at first.",
		}, []string{"was"}),
		lost: f.NewCounter(prometheus.CounterOpts{
			Name: "ecs_autoscaler_leases_lost_total",
			Help: "Leases that another daemon took while this one still steered their clusters.",
		}),
		failed: f.NewCounter(prometheus.CounterOpts{
			Name: "ecs_autoscaler_lease_failures_total",
			Help: "Calls about leases and heartbeats that failed.",
		}),
		beat: f.NewGauge(prometheus.GaugeOpts{
			Name: "ecs_autoscaler_last_heartbeat_timestamp_seconds",
			Help: "When this daemon's heartbeat was last written.",
		}),
		members: f.NewGauge(prometheus.GaugeOpts{
			Name: "ecs_autoscaler_daemons",
			Help: "Daemons that share the work, this one included: those that have not left and whose heartbeats move, as last seen.",
		}),
	}
}
