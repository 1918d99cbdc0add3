package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ecs-autoscaler/evaluator"
)

// UsualResolution is how often ECS publishes the utilizations of a service that asks for nothing else, in seconds (aws-semantics 1.2).
const UsualResolution = 60

// finestResolution is how often it does at most.
const finestResolution = 20

// follow is a policy that follows a utilization of its own service more often than ECS publishes it unless asked to.
type follow struct {
	policy, metric string
	period         int
}

// fast are those of a service.
func (s *AccountService) fast() []follow {
	bound := s.Entry.Bind(s.Key.Cluster, s.Key.Service)
	var all []follow
	for i := range bound.Policies {
		p := &bound.Policies[i]
		for j := range p.Alarms {
			m := &bound.Metrics[p.Alarms[j].Metric]
			f := follow{p.Name, m.MetricName, int(m.Period)}
			own := m.Namespace == ecsNamespace && slices.Equal(m.Dimensions, serviceDimensions(s.Key))
			if own && m.Period < UsualResolution && !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all
}

// NeedsMonitoring says that Monitoring makes a difference: some policy follows a high-resolution metric of the service.
func (s *AccountService) NeedsMonitoring() bool {
	return s.Service.Status == evaluator.ServiceActive && s.mayBeFast() && len(s.fast()) > 0
}

// mayBeFast says that the deployment controller has high-resolution metrics at all (aws-semantics 1.2).
func (s *AccountService) mayBeFast() bool {
	return s.Service.Controller == "" || s.Service.Controller == "ECS"
}

// published warns of policies that follow a utilization more often than ECS publishes it.
func published(s *AccountService) string {
	if s.Service.Status != evaluator.ServiceActive {
		return ""
	}
	var all []string
	for _, f := range s.fast() {
		if why := s.lacks(f); why != "" {
			all = append(all, fmt.Sprintf("policy %s follows %s each %d s, %s", f.policy, f.metric, f.period, why))
		}
	}
	return strings.Join(all, "; and ")
}

// lacks says why a policy will not get its datapoints, and what would be right; "" when it will, or nobody knows.
func (s *AccountService) lacks(f follow) string {
	remedy := fmt.Sprintf("ask for it by monitoring.metricConfigurations [{metricNames: [%s], resolutionSeconds: %d}] of ecs:UpdateService, which starts a deployment, or follow it each 60 s (the type without HighResolution)",
		f.metric, finestResolution)
	switch {
	case !s.mayBeFast():
		return "which services with the deployment controller " + s.Service.Controller + " do not have: it is held (HighResolutionUnsupported); follow it each 60 s (the type without HighResolution)"
	case f.period < finestResolution:
		return fmt.Sprintf("and ECS publishes it each %d s at most; use a period of %d or 60", finestResolution, finestResolution)
	case s.Monitoring == nil:
		return ""
	case s.Monitoring.Revisions == 0:
		return "and nobody can see whether ECS publishes it so often: ECS names no service revision of it, and there the monitoring configuration would stand; " + remedy
	}
	seconds := cmp.Or(s.Monitoring.Seconds[f.metric], UsualResolution)
	if seconds <= f.period {
		return ""
	}
	of := ""
	if n := s.Monitoring.Revisions; n > 1 {
		of = fmt.Sprintf(" (the slowest of %d service revisions: a deployment is under way)", n)
	}
	return fmt.Sprintf("and ECS publishes it each %d s%s, so that its alarms lack datapoints; %s", seconds, of, remedy)
}
