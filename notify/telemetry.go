package notify

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"ecs-autoscaler/config"
)

// result is what became of an event at a destination.
type result string

const (
	delivered result = "delivered"
	refused   result = "refused"
	givenUp   result = "given_up"
	dropped   result = "dropped"
	unsent    result = "unsent"
)

type telemetry struct {
	events *prometheus.CounterVec
	queued *prometheus.GaugeVec
}

func newTelemetry(r prometheus.Registerer) *telemetry {
	f := promauto.With(r)
	return &telemetry{
		events: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_autoscaler_events_total",
			Help: "Events by destination, kind and what became of them: delivered, refused, given_up, dropped or unsent.",
		}, []string{"destination", "kind", "result"}),
		queued: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ecs_autoscaler_events_queued",
			Help: "Events that wait for a destination, the one under way included.",
		}, []string{"destination"}),
	}
}

func (t *telemetry) count(destination string, kind config.EventKind, r result) {
	t.events.WithLabelValues(destination, string(kind), string(r)).Inc()
}
