package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/evaluator/fixedpoint"
)

// Lint looks for what a configuration says and its author can hardly mean: policies that can never act, never stop, or act twice
// on the same load. All findings are warnings, in the order of the text. It is apart from Parse because it computes:
// a daemon that starts or reloads need not wait for it. Entries for many services are looked at once.
func (c *Config) Lint() Diagnostics {
	l := &linter{finding: c.finding, searched: map[string]verdict{}}
	for _, t := range c.Targets {
		l.lint(t)
	}
	return l.inOrder()
}

// inOrder are the findings in the order of the text.
func (l *linter) inOrder() Diagnostics {
	slices.SortStableFunc(l.found, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return l.found
}

// linter collects the findings of one configuration.
type linter struct {
	finding func(at strict.Position, message string) Diagnostic
	found   Diagnostics
	// searched are the answers of fixedpoint by what was asked: entries that differ in names only ask the same.
	searched map[string]verdict
}

// verdict is what there is to say about policies that follow one metric.
type verdict struct {
	fixedpoint.Result
	// calmer is a threshold of the policy that scales in with which the finding goes away, if there is one.
	calmer float64
	ok     bool
}

func (l *linter) warnf(at strict.Position, format string, args ...any) {
	if len(l.found) >= strict.MaxFindings {
		return
	}
	d := l.finding(at, fmt.Sprintf(format, args...))
	d.Severity = SeverityWarning
	l.found = append(l.found, d)
}

// linted is an entry as the evaluator sees it, with the places of its policies.
type linted struct {
	*linter
	entry *Target
	*evaluator.Target
}

func (l *linter) lint(t *Target) {
	e := linted{l, t, t.Bind(t.Cluster, t.Service)}
	if len(e.Policies) == 0 {
		return
	}
	e.bounds()
	e.asleep()
	for i := range e.Policies {
		e.reach(i)
		e.cooldowns(i)
	}
	e.flapping()
}

// at is where a policy stands.
func (e linted) at(policy int) strict.Position { return e.entry.plan.places[policy] }

func (e linted) name(policy int) string { return strict.Shorten(e.Policies[policy].Name) }

// metric is what an alarm of a policy watches.
func (e linted) metric(a *evaluator.Alarm) *evaluator.Metric { return &e.Metrics[a.Metric] }

// bounds warns of bounds that leave the policies nothing to do. What scheduled actions make of them is not known here.
func (e linted) bounds() {
	if e.Min != e.Max || len(e.ScheduledActions) > 0 {
		return
	}
	e.warnf(e.entry.at, "min_capacity and max_capacity of target %s are both %d, so that its policies (%s) can do nothing; let the bounds differ, or remove the policies",
		e.entry.Pattern(), e.Min, e.policyNames())
}

func (e linted) policyNames() string {
	names := make([]string, len(e.Policies))
	for i := range names {
		names[i] = e.name(i)
	}
	return strict.Shorten(strings.Join(names, ", "))
}

// asleep warns of a service that nothing wakes: ECS has no metrics of a service without tasks (aws-semantics 1.7).
func (e linted) asleep() {
	if e.Min > 0 || e.Max == 0 {
		return
	}
	for _, a := range e.ScheduledActions {
		if a.Min != nil && *a.Min > 0 {
			return
		}
	}
	for i := range e.Metrics {
		if !needsTasks(&e.Metrics[i]) {
			return
		}
	}
	e.warnf(e.entry.at, "target %s never comes back from 0 tasks, which min_capacity 0 allows: the metrics of all its policies (%s) are those of running tasks, and without a task there is no datapoint that could scale out; use min_capacity 1, or add a policy on something that exists without tasks, such as the length of a queue",
		e.entry.Pattern(), e.policyNames())
}

// needsTasks says that the metric has no datapoints where no task runs.
func needsTasks(m *evaluator.Metric) bool {
	for i := range m.Queries {
		if q := m.Queries[i].Metric; q != nil && q.Namespace != ecsNamespace {
			return false
		}
	}
	return len(m.Queries) > 0 || m.Namespace == ecsNamespace
}

const ecsNamespace = "AWS/ECS"
