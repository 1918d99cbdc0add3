package terraform

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"ecs-autoscaler/config"
	"ecs-autoscaler/config/managed"
)

// Leaving is as easy as coming: what is exported and imported again is the same configuration.
func TestWhatIsExportedIsImportedAgainUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := parsed(t, managed.Write(drawDocument(t)))
		exported := managed.Of(first)
		if len(exported.Losses) > 0 {
			t.Fatalf("lost on the way out: %v", exported.Losses)
		}
		text := managed.Terraform(exported)
		var f found
		if err := f.module(".", map[string][]byte{"main.tf": text}, nil); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		imported := f.document()
		if len(imported.Losses)+len(imported.Notes)+len(imported.Missing) > 0 {
			t.Fatalf("lost on the way in: %v %v %v\n%s", imported.Losses, imported.Notes, imported.Missing, text)
		}
		again := managed.Of(parsed(t, managed.Write(imported)))
		if diff := cmp.Diff(exported, again, cmpopts.IgnoreTypes(managed.Place{}), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-exported +imported again)\n%s\n%s", diff, text)
		}
	})
}

func parsed(t *rapid.T, text []byte) *config.Config {
	c, diagnostics := config.Parse(config.Source{Name: "x", Text: text}, func(string) (string, bool) { return "", false })
	if c == nil {
		t.Fatalf("%s\n%s", diagnostics.Detail(), text)
	}
	return c
}

var odd = rapid.SampledFrom([]string{"cpu", "a b", "true", "007", `"quoted"`, "${HOME}", "%{if}", `back\slash`, "ü:/|", "null", "- x", "#"})

func drawDocument(t *rapid.T) managed.Document {
	doc := managed.Document{Region: rapid.SampledFrom([]string{"", "eu-west-2"}).Draw(t, "region")}
	for i := range rapid.IntRange(1, 3).Draw(t, "targets") {
		doc.Targets = append(doc.Targets, drawTarget(t, fmt.Sprintf("service-%d", i)))
	}
	return doc
}

func drawTarget(t *rapid.T, service string) managed.Target {
	names := map[string]bool{}
	name := func(kind string) string {
		n := kind + odd.Draw(t, "name") + fmt.Sprint(len(names))
		names[n] = true
		return n
	}
	low := rapid.IntRange(0, 9).Draw(t, "min")
	out := managed.Target{Cluster: "c-1", Service: service, Min: low, Max: low + rapid.IntRange(0, 9).Draw(t, "more")}
	out.Suspended = managed.Suspended{In: rapid.Bool().Draw(t, "in"), Out: rapid.Bool().Draw(t, "out"), Scheduled: rapid.Bool().Draw(t, "scheduled")}
	for _, kind := range rapid.SliceOfNDistinct(rapid.IntRange(0, 4), 0, 3, rapid.ID).Draw(t, "tracking") {
		out.Tracking = append(out.Tracking, drawTracking(t, name("t"), kind))
	}
	for range rapid.IntRange(0, 2).Draw(t, "steps") {
		out.Steps = append(out.Steps, drawStep(t, name("s")))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "actions") {
		a := managed.Action{Name: fmt.Sprintf("a %d", i), Schedule: rapid.SampledFrom([]string{"rate(5 minutes)", "cron(0 8 ? * MON-FRI *)"}).Draw(t, "schedule")}
		a.Timezone = rapid.SampledFrom([]string{"", "Europe/London"}).Draw(t, "zone")
		a.StartTime = rapid.SampledFrom([]string{"", "2026-01-31T17:00:00Z"}).Draw(t, "start")
		a.Min = &low
		out.Actions = append(out.Actions, a)
	}
	if rapid.Bool().Draw(t, "predictive") {
		p := managed.Predictive{Name: name("p"), TargetValue: 60, Mode: "ForecastAndScale", BufferTime: 60, Breach: managed.IncreaseMax, Buffer: 10}
		switch rapid.IntRange(0, 2).Draw(t, "form") {
		case 0:
			p.Pair = "ECSServiceCPUUtilization"
		case 1:
			p.Scaling, p.Load, p.ResourceLabel = "ALBRequestCountPerTarget", "TotalALBRequestCount", "app/a/1/targetgroup/b/2"
		default:
			p.CustomizedScaling, p.CustomizedLoad = drawMath(t), drawMath(t)
		}
		out.Predictive = append(out.Predictive, p)
	}
	return out
}

func drawTracking(t *rapid.T, name string, kind int) managed.Tracking {
	p := managed.Tracking{Name: name, TargetValue: rapid.Float64Range(0.01, 1e6).Draw(t, "target"), DisableScaleIn: rapid.Bool().Draw(t, "disable")}
	p.ScaleOutCooldown, p.ScaleInCooldown = rapid.IntRange(0, 400).Draw(t, "out"), rapid.IntRange(0, 400).Draw(t, "in")
	switch kind {
	case 0:
		p.Predefined = "ECSServiceAverageCPUUtilization"
	case 1:
		p.Predefined = "ECSServiceAverageMemoryUtilizationHighResolution"
	case 2:
		p.Predefined, p.ResourceLabel = "ALBRequestCountPerTarget", "app/a/1/targetgroup/b/2"
	case 3:
		p.Metric = drawMetric(t, "Sum")
	default:
		p.Metric.Queries = drawMath(t)
	}
	return p
}

func drawMetric(t *rapid.T, statistic string) managed.Metric {
	m := managed.Metric{Namespace: "My/" + odd.Draw(t, "namespace"), Name: odd.Draw(t, "metric"), Statistic: statistic}
	m.Unit = rapid.SampledFrom([]string{"", "Count/Second"}).Draw(t, "unit")
	for _, d := range rapid.SliceOfNDistinct(odd, 0, 2, rapid.ID).Draw(t, "dimensions") {
		m.Dimensions = append(m.Dimensions, managed.Dimension{Name: "d" + d, Value: odd.Draw(t, "value")})
	}
	return m
}

func drawMath(t *rapid.T) []managed.Query {
	a, b := drawMetric(t, "Average"), drawMetric(t, "p99.9")
	return []managed.Query{{ID: "a", Metric: &a, Hidden: true}, {ID: "b", Metric: &b, Hidden: true}, {ID: "e1", Expression: `IF(a > 1, a / b, 0)`}}
}

func drawStep(t *rapid.T, name string) managed.Step {
	p := managed.Step{Name: name, AdjustmentType: "PercentChangeInCapacity", MinMagnitude: rapid.IntRange(0, 3).Draw(t, "magnitude")}
	p.AggregationType = rapid.SampledFrom([]string{"Average", "Maximum"}).Draw(t, "aggregation")
	p.Cooldown = rapid.IntRange(0, 400).Draw(t, "cooldown")
	cuts := rapid.SliceOfNDistinct(rapid.Float64Range(-50, 50), 1, 5, rapid.ID).Draw(t, "cuts")
	slices.Sort(cuts)
	for i := -1; i < len(cuts); i++ {
		a := managed.Adjustment{Change: rapid.IntRange(-9, 9).Draw(t, "change")}
		if i >= 0 {
			a.Lower = &cuts[i]
		}
		if i+1 < len(cuts) {
			a.Upper = &cuts[i+1]
		}
		p.Adjustments = append(p.Adjustments, a)
	}
	periods := rapid.IntRange(1, 9).Draw(t, "periods")
	p.Alarm = managed.Alarm{
		Operator: "GreaterThanThreshold", Threshold: math.Round(rapid.Float64Range(-1e3, 1e3).Draw(t, "threshold")),
		Period: rapid.SampledFrom([]int{10, 60, 300}).Draw(t, "period"), EvaluationPeriods: periods,
		DatapointsToAlarm: rapid.IntRange(1, periods).Draw(t, "datapoints"),
		TreatMissing:      rapid.SampledFrom([]string{"missing", "ignore", "notBreaching"}).Draw(t, "missing"),
	}
	if rapid.Bool().Draw(t, "math") {
		p.Alarm.Metric.Queries = drawMath(t)
		return p
	}
	p.Alarm.Metric = drawMetric(t, rapid.SampledFrom([]string{"Minimum", "p90", "tm99"}).Draw(t, "statistic"))
	p.Alarm.IgnoreLowSamples = p.Alarm.Metric.Statistic == "p90"
	return p
}
