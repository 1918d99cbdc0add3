package scaler

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ecs-autoscaler/scaler/act"
	"ecs-autoscaler/scaler/appscaling"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/observe"
)

// Account is the way to one AWS account and region, as all its clusters share it.
type Account struct {
	// Region is its name, for people.
	Region string
	// Metrics and Services make the readers of one more cluster. What they ask is taken from the account's rates.
	Metrics  func() MetricReader
	Services func() ServiceReader
	// Actuator writes to all clusters of the account.
	Actuator Actuator
	// Managed asks Application Auto Scaling for all clusters of the account; nil is nobody.
	Managed ManagedReader
	// Clusters lists the clusters whose names match a pattern.
	Clusters func(ctx context.Context, pattern string) ([]string, error)
	// Trouble says why the account cannot be worked in at all, such as missing credentials; empty when it can. Nil is never.
	Trouble func() string
}

// AccountOptions are the choices for an account.
type AccountOptions struct {
	// Name is that of the configuration, empty for the daemon's own account.
	Name  string
	Clock Clock
	// Delay is the publication delay of metrics, negative to learn it.
	Delay time.Duration
	// DryRun gives the account no way to write, Shared one that writes in single attempts, because several daemons share
	// the clusters.
	DryRun, Shared bool
	// InFlight is how many requests of a kind a cluster has under way at once; 0 means 8. With 1, everything is asked in a
	// fixed order.
	InFlight int
	// Registerer takes the metrics about metrics read; nil registers none.
	Registerer prometheus.Registerer
}

// NewAccount makes an account of its clients, with full buckets of AWS's rates.
func NewAccount(c *awsapi.Clients, o AccountOptions) *Account {
	rate, pace := observe.NewReadRate(), observe.NewPaceRate()
	services := func() *observe.Services {
		return observe.NewServices(c.ECS, observe.ServicesOptions{Account: o.Name, InFlight: o.InFlight, Rate: rate, Now: o.Clock.Now})
	}
	return &Account{
		Region: c.Region,
		Metrics: func() MetricReader {
			return observe.NewMetrics(c.CloudWatch, observe.MetricsOptions{
				Delay: o.Delay, Registerer: o.Registerer, InFlight: o.InFlight,
				Pace: func(ctx context.Context) error { return pace.Wait(ctx, o.Clock) },
			})
		},
		Services: func() ServiceReader { return services() },
		Actuator: actuator(c, o),
		Managed:  appscaling.NewReader(c),
		Clusters: services().Clusters,
	}
}

// actuator is the one that writes, or the one that has nothing to write with.
func actuator(c *awsapi.Clients, o AccountOptions) Actuator {
	switch {
	case o.DryRun:
		return act.DryRun{}
	case o.Shared:
		return act.NewSingleAttempt(c.ECS)
	default:
		return act.NewECS(c.ECS)
	}
}
