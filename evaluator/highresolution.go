package evaluator

// HighResolutionUnsupported holds a policy that follows a utilization of ECS in periods under a minute, at a service
// whose deployment controller cannot have it.
const HighResolutionUnsupported Reason = "HighResolutionUnsupported"

// lacksHighResolution says that policy i is one that AWS refuses: high-resolution monitoring is not for services under
// CODE_DEPLOY or EXTERNAL (aws-semantics 1.2). The configuration cannot know the controller, so it is found out here.
func (e *pass) lacksHighResolution(i int) bool {
	if c := e.o.Service.Controller; c == "" || c == "ECS" {
		return false
	}
	for j := range e.t.Policies[i].Alarms {
		m := &e.t.Metrics[e.t.Policies[i].Alarms[j].Metric]
		if m.Period < minute && m.Namespace == "AWS/ECS" {
			return true
		}
	}
	return false
}

func highResolutionUnsupported(_ *Decision, p *PolicyDecision) string {
	return p.called() + " follows a high-resolution metric, which services with the deployment controller CODE_DEPLOY or EXTERNAL " +
		"do not have; use the type without HighResolution"
}
