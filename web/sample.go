package web

import (
	"time"

	"ecs-autoscaler/evaluator"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// slab is how many samples or labels are allocated at a time.
const slab = 512

// sample is one gauge value. prometheus.MustNewConstMetric makes its label pairs anew for every value,
// a dozen allocations each; a scrape of 10,000 targets has 200,000 values, and all values of a target or policy
// can share their pairs.
type sample struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	value  float64
	gauge  dto.Gauge
}

// Desc is the gauge the sample belongs to.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write shows the sample to the registry, which does not change what it is shown.
func (s *sample) Write(out *dto.Metric) error {
	out.Gauge = &s.gauge
	out.Label = s.labels
	return nil
}

// The label names and the two directions, shared by all samples.
var (
	accountName, alarmName, clusterName, policyName, serviceName = "account", "alarm", "cluster", "policy", "service"

	scaleOutPair = pair("direction", string(evaluator.ScaleOut))
	scaleInPair  = pair("direction", string(evaluator.ScaleIn))
)

func pair(name, value string) *dto.LabelPair {
	return &dto.LabelPair{Name: &name, Value: &value}
}

// withoutEmptyAccounts leaves the label account out where it is empty. To Prometheus that is the same, and people who have but
// one account do not read it two hundred thousand times.
type withoutEmptyAccounts struct{ prometheus.Gatherer }

// Gather takes the label off. It is the first by the alphabet, and label slices are shared: they are cut, not changed.
func (w withoutEmptyAccounts) Gather() ([]*dto.MetricFamily, error) {
	families, err := w.Gatherer.Gather()
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if l := m.GetLabel(); len(l) > 0 && l[0].GetName() == accountName && l[0].GetValue() == "" {
				m.Label = l[1:]
			}
		}
	}
	return families, err
}

// writer sends samples with the labels of the target and policy at hand.
type writer struct {
	ch      chan<- prometheus.Metric
	samples []sample

	account, cluster, service *dto.LabelPair
	policyPair                *dto.LabelPair
	target, policy            []*dto.LabelPair
	// decision is room for the one being shown.
	decision evaluator.Decision
}

func (w *writer) labelTarget(k evaluator.Key) {
	w.account = &dto.LabelPair{Name: &accountName, Value: &k.Account}
	w.cluster = &dto.LabelPair{Name: &clusterName, Value: &k.Cluster}
	w.service = &dto.LabelPair{Name: &serviceName, Value: &k.Service}
	w.target = []*dto.LabelPair{w.account, w.cluster, w.service}
}

func (w *writer) labelPolicy(name string) {
	w.policyPair = &dto.LabelPair{Name: &policyName, Value: &name}
	w.policy = []*dto.LabelPair{w.account, w.cluster, w.policyPair, w.service}
}

func (w *writer) directionLabels(direction *dto.LabelPair) []*dto.LabelPair {
	return []*dto.LabelPair{w.account, w.cluster, direction, w.policyPair, w.service}
}

func (w *writer) scalingLabels(scaling string) []*dto.LabelPair {
	return []*dto.LabelPair{w.account, w.cluster, pair("scaling", scaling), w.service}
}

func (w *writer) alarmLabels(name string) []*dto.LabelPair {
	return []*dto.LabelPair{w.account, {Name: &alarmName, Value: &name}, w.cluster, w.policyPair, w.service}
}

func (w *writer) send(d *prometheus.Desc, value float64, labels []*dto.LabelPair) {
	if len(w.samples) == 0 {
		w.samples = make([]sample, slab)
	}
	s := &w.samples[0]
	w.samples = w.samples[1:]
	s.desc, s.value, s.labels = d, value, labels
	s.gauge.Value = &s.value
	w.ch <- s
}

// sendTime sends an instant in unix seconds, and nothing for none.
func (w *writer) sendTime(d *prometheus.Desc, t time.Time, labels []*dto.LabelPair) {
	if !t.IsZero() {
		w.send(d, unix(t), labels)
	}
}
