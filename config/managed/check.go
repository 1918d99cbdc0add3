package managed

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator/schedule"
)

func simple(statistic string) bool { return slices.Contains(config.SimpleStatistics(), statistic) }

// Check makes a document one that the configuration accepts: schedules are corrected as the reader of the configuration
// proposes, names that occur twice in a target get a number, and what it refuses is left out. Each of these is a Loss.
func Check(doc Document) Document {
	c := &checker{losses: doc.Losses}
	seen := map[string]Place{}
	var targets []Target
	for _, t := range doc.Targets {
		name := t.Cluster + "/" + t.Service
		if first, twice := seen[name]; twice {
			c.lose(t.Place, "", "", fmt.Sprintf("left out with its policies: %s has an entry already, from %s", name, first))
			continue
		}
		if kept, ok := c.target(t); ok {
			seen[name] = t.Place
			targets = append(targets, kept)
		}
	}
	if doc.Region != "" && refusal(Document{Region: doc.Region, Targets: []Target{{Cluster: "c", Service: "s"}}}) != "" {
		c.lose(Place{}, "region", doc.Region, "left out: it is not the name of an AWS region")
		doc.Region = ""
	}
	doc.Targets, doc.Losses = targets, c.losses
	return doc
}

type checker struct {
	losses []Loss
	names  map[string]bool
}

func (c *checker) lose(at Place, attribute, value, why string) {
	c.losses = append(c.losses, Loss{Place: at, Attribute: attribute, Value: value, Why: why})
}

// target keeps what is right of one target; false where the target itself is not.
func (c *checker) target(t Target) (Target, bool) {
	kept := Target{Place: t.Place, Cluster: t.Cluster, Service: t.Service, Min: t.Min, Max: t.Max, Suspended: t.Suspended}
	if why := refusal(Document{Targets: []Target{kept}}); why != "" || strings.ContainsAny(t.Cluster+t.Service, "*?") {
		c.lose(t.Place, "", "", "left out with its policies: "+strings.TrimSpace(why+" ("+t.Cluster+"/"+t.Service+")"))
		return kept, false
	}
	c.names = map[string]bool{}
	for _, p := range t.Tracking {
		p.Name = c.unique(p.Place, p.Name)
		keep(c, &kept, &kept.Tracking, p, p.Place)
	}
	for _, p := range t.Steps {
		p.Name = c.unique(p.Place, p.Name)
		c.lowSamples(&p.Alarm)
		keep(c, &kept, &kept.Steps, p, p.Place)
	}
	for _, a := range t.Actions {
		a.Name = c.unique(a.Place, a.Name)
		c.schedule(&a)
		keep(c, &kept, &kept.Actions, a, a.Place)
	}
	for _, p := range t.Predictive {
		p.Name = c.unique(p.Place, p.Name)
		keep(c, &kept, &kept.Predictive, p, p.Place)
	}
	return kept, true
}

// keep adds an entry to the target, unless the configuration would be refused with it.
func keep[T any](c *checker, t *Target, list *[]T, entry T, at Place) {
	before := *list
	*list = append(slices.Clone(before), entry)
	if why := refusal(Document{Targets: []Target{*t}}); why != "" {
		*list = before
		c.lose(at, "", "", "left out: "+why)
	}
}

// refusal is what the configuration says against a document; "" if it is accepted.
func refusal(doc Document) string {
	none := func(string) (string, bool) { return "", false }
	_, found := config.Parse(config.Source{Name: "import", Text: Write(doc)}, none)
	for _, d := range found.Errors() {
		return d.Message
	}
	return ""
}

// unique gives a name that occurs already a number.
func (c *checker) unique(at Place, name string) string {
	free := name
	for n := 2; c.names[free]; n++ {
		free = fmt.Sprintf("%s-%d", name, n)
	}
	if free != name {
		c.lose(at, "name", name, "is "+free+" here: names are unique in a target over policies and scheduled actions of all kinds")
	}
	c.names[free] = true
	return free
}

// lowSamples drops what CloudWatch takes no notice of.
func (c *checker) lowSamples(a *Alarm) {
	if a.IgnoreLowSamples && !strings.HasPrefix(a.Metric.Statistic, "p") {
		a.IgnoreLowSamples = false
		c.lose(a.Place, "evaluate_low_sample_count_percentile", "ignore", "left out: it has a meaning for percentiles only")
	}
}

// schedule rewrites an expression that AWS accepts and the configuration does not, as its message proposes.
func (c *checker) schedule(a *Action) {
	_, err := schedule.Parse(a.Schedule)
	wrong, ok := errors.AsType[*schedule.Error](err)
	if !ok || wrong.Correction == "" {
		return
	}
	c.lose(a.Place, "schedule", a.Schedule, "is "+wrong.Correction+" here: "+wrong.Problem)
	a.Schedule = wrong.Correction
}
