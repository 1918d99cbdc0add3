package daemon

import (
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ecs-autoscaler/config"
	"ecs-autoscaler/decisionlog"
	"ecs-autoscaler/scaler"
)

// recorder begins the decision log, if there is to be one. It is opened with the first decision, and what is wrong with it is
// told then: a log that cannot be written keeps no service from being scaled. Every reload opens it again.
func (d *Daemon) recorder(registry prometheus.Registerer, now func() time.Time) scaler.Recorder {
	o := d.options
	if to := o.Config.DecisionLog; o.Recorder != nil || to == (config.DecisionLog{}) {
		return o.Recorder
	}
	out := o.Stdout
	if out == nil {
		out = io.Discard
	}
	log := decisionlog.New(decisionlog.Options{
		Path: o.Config.DecisionLog.Path, Out: out, Version: o.Build.Version, Now: now, Logger: o.Logger,
		Veil: o.Config.Veil, Registerer: registry,
	})
	d.cleanup.push("decision log", log.Close)
	if load := o.Load; load != nil {
		d.options.Load = func() (*config.Config, error) {
			log.Reopen()
			return load()
		}
	}
	return log
}
