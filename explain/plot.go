package explain

import (
	"strings"
	"time"

	"github.com/guptarohit/asciigraph"

	"ecs-autoscaler/evaluator"
)

// The size of a plot: a datapoint has so many columns, all of it at most as many as a narrow terminal has beside the numbers.
const (
	plotHeight   = 8
	plotWidth    = 60
	datapointGap = 4
)

// plotOf draws the datapoints that a policy was judged on, with the thresholds of its alarms; "" where there are none.
func plotOf(p *evaluator.PolicyDecision) string {
	longest := -1
	for j := range p.Alarms {
		if longest < 0 || len(p.Alarms[j].Values) > len(p.Alarms[longest].Values) {
			longest = j
		}
	}
	if longest < 0 || len(p.Alarms[longest].Values)-missing(p.Alarms[longest].Values) < 2 {
		return ""
	}
	a := &p.Alarms[longest]
	series := [][]float64{a.Values}
	legends := []string{""}
	for j := range p.Alarms {
		t := &p.Alarms[j]
		series = append(series, level(t.Threshold, len(a.Values)))
		legends = append(legends, t.Name+": "+beyond(t))
	}
	from := time.Unix(a.End-int64(len(a.Values))*a.Period, 0).UTC()
	legends[0] = p.Name + ": " + a.MetricName + ", " + from.Format("15:04") + " to " + time.Unix(a.End, 0).UTC().Format("15:04 UTC")
	return asciigraph.PlotMany(series, asciigraph.Height(plotHeight), asciigraph.Width(min(plotWidth, max(2, (len(a.Values)-1)*datapointGap))),
		asciigraph.Precision(1), asciigraph.Caption(strings.Join(legends, "; ")), asciigraph.SeriesChars(solid, dashed, dashed))
}

func level(x float64, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = x
	}
	return values
}

// The line of the metric, and those of the thresholds.
var (
	solid  = asciigraph.DefaultCharSet
	dashed = asciigraph.CreateCharSet("-")
)
