package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/sim/curve"
)

// dimension is a name and value of a metric.
type dimension struct{ name, value string }

// metricSpec is a metric of its own, not one that follows from a service.
type metricSpec struct {
	namespace, name string
	dimensions      []dimension // sorted by name
	unit            string
	resolution      time.Duration
	value           curve.Curve
	noise           float64
	seed            uint64
	perTaskOf       key // zero: not divided
	published       publication
}

func (c *compiler) customMetrics(doc *document) error {
	seen := map[string]bool{}
	for i := range doc.Home.CustomMetrics {
		path := fmt.Sprintf("%s.custom_metrics[%d]", c.base, i)
		m, err := c.customMetric(path, &doc.Home.CustomMetrics[i])
		if err != nil {
			return err
		}
		id := metricID(m.namespace, m.name, m.dimensions)
		if seen[id] {
			return c.src.wrong(path, "this metric is there already")
		}
		seen[id] = true
		m.seed = c.s.seed ^ digest(id)
		c.s.custom = append(c.s.custom, m)
	}
	return nil
}

func (c *compiler) customMetric(path string, d *customDoc) (metricSpec, error) {
	m := metricSpec{
		namespace: d.Namespace, name: d.MetricName, unit: or(d.Unit, "None"), noise: d.Noise,
		resolution: time.Duration(or(d.Resolution, 60)) * time.Second,
	}
	for _, name := range sorted(d.Dimensions) {
		m.dimensions = append(m.dimensions, dimension{name, d.Dimensions[name]})
	}
	if err := c.customChoices(path, d, &m); err != nil {
		return m, err
	}
	var err error
	if m.published, err = c.publication(path+".publication", &d.Publication); err != nil {
		return m, err
	}
	m.value, err = c.curves.build(path+".value", d.Value)
	return m, err
}

func (c *compiler) customChoices(path string, d *customDoc, m *metricSpec) error {
	switch {
	case m.namespace == "" || m.name == "":
		return c.src.wrong(path, "namespace and metric_name are needed")
	case m.namespace == "AWS/ECS" || m.namespace == "ECS/ContainerInsights":
		return c.src.wrong(path+".namespace", "the metrics of %s follow from the services", m.namespace)
	case d.Value == nil:
		return c.src.wrong(path, "value is needed: a number or a curve")
	case !slices.Contains([]int{0, 1, 5, 10, 20, 30, 60}, d.Resolution):
		return c.src.wrong(path+".resolution", "%d must be 1, 5, 10, 20, 30 or 60", d.Resolution)
	case !(d.Noise >= 0 && d.Noise <= 1e9):
		return c.src.wrong(path+".noise", "%v is outside 0 to 1e9", d.Noise)
	}
	if d.PerTaskOf != "" {
		cluster, service, _ := strings.Cut(d.PerTaskOf, "/")
		m.perTaskOf = key{cluster, service}
		if !c.known[m.perTaskOf] {
			return c.src.wrong(path+".per_task_of", "there is no service %q", d.PerTaskOf)
		}
	}
	return nil
}

// metricID is the identity of a metric: namespace, name and dimensions sorted by name.
func metricID(namespace, name string, dimensions []dimension) string {
	var b strings.Builder
	b.WriteString(namespace)
	b.WriteByte(0)
	b.WriteString(name)
	for _, d := range dimensions {
		b.WriteByte(0)
		b.WriteString(d.name)
		b.WriteByte(1)
		b.WriteString(d.value)
	}
	return b.String()
}
