package sim

import (
	"fmt"
	"io/fs"
	"math"
	"time"

	"ecs-autoscaler/sim/curve"
)

// curves turns curve documents into curves; each trace file is read once.
type curves struct {
	src    *source
	files  fs.FS
	traces map[string]*curve.Trace
}

func (b *curves) build(path string, doc *curveDoc) (curve.Curve, error) {
	var found []func() (curve.Curve, error)
	offer := func(there bool, build func() (curve.Curve, error)) {
		if there {
			found = append(found, build)
		}
	}
	offer(doc.Constant != nil, func() (curve.Curve, error) {
		return curve.Constant(*doc.Constant), b.finite(path, *doc.Constant)
	})
	offer(doc.Steps != nil, func() (curve.Curve, error) { return b.steps(path, doc) })
	offer(doc.Line != nil, func() (curve.Curve, error) { return b.line(path, doc) })
	offer(doc.Ramp != nil, func() (curve.Curve, error) { return b.ramp(path+".ramp", doc.Ramp) })
	offer(doc.Sine != nil, func() (curve.Curve, error) { return b.sine(path+".sine", doc.Sine) })
	offer(doc.Square != nil, func() (curve.Curve, error) { return b.square(path+".square", doc.Square) })
	offer(doc.Trace != nil, func() (curve.Curve, error) { return b.trace(path+".trace", doc.Trace) })
	offer(doc.Sum != nil, func() (curve.Curve, error) { return b.sum(path+".sum", doc.Sum) })
	if len(found) != 1 {
		return nil, b.src.wrong(path, "a curve has exactly one of constant, steps, line, ramp, sine, square, trace, sum; this one has %d", len(found))
	}
	if doc.Every != 0 && doc.Steps == nil && doc.Line == nil {
		return nil, b.src.wrong(path+".every", "every repeats steps and line only")
	}
	return found[0]()
}

func (b *curves) finite(path string, values ...float64) error {
	for _, v := range values {
		if math.IsNaN(v) || math.Abs(v) > 1e12 {
			return b.src.wrong(path, "%v is outside -1e12 to 1e12", v)
		}
	}
	return nil
}

func (b *curves) points(path string, doc []pointDoc, every seconds) ([]curve.Point, error) {
	if len(doc) == 0 {
		return nil, b.src.wrong(path, "at least one point {at, value} is needed")
	}
	points := make([]curve.Point, len(doc))
	for i, p := range doc {
		here := fmt.Sprintf("%s[%d]", path, i)
		if err := b.finite(here+".value", p.Value); err != nil {
			return nil, err
		}
		if i > 0 && p.At <= doc[i-1].At {
			return nil, b.src.wrong(here+".at", "%v is not later than the point before", p.At.duration())
		}
		if every > 0 && (p.At < 0 || p.At > every) {
			return nil, b.src.wrong(here+".at", "%v is outside one repetition of %v", p.At.duration(), every.duration())
		}
		points[i] = curve.Point{T: p.At.seconds(), Value: p.Value}
	}
	return points, nil
}

func (b *curves) steps(path string, doc *curveDoc) (curve.Curve, error) {
	points, err := b.points(path+".steps", doc.Steps, doc.Every)
	return curve.Steps{Points: points, Every: doc.Every.seconds()}, err
}

func (b *curves) line(path string, doc *curveDoc) (curve.Curve, error) {
	points, err := b.points(path+".line", doc.Line, doc.Every)
	return curve.Line{Points: points, Every: doc.Every.seconds()}, err
}

func (b *curves) ramp(path string, doc *rampDoc) (curve.Curve, error) {
	points, err := b.points(path, []pointDoc{{doc.Start, doc.From}, {doc.End, doc.To}}, 0)
	if err != nil {
		return nil, b.src.wrong(path, "a ramp needs finite from and to, and an end later than its start")
	}
	return curve.Line{Points: points}, nil
}

func (b *curves) sine(path string, doc *sineDoc) (curve.Curve, error) {
	if doc.Period <= 0 {
		return nil, b.src.wrong(path, "period must be above 0")
	}
	c := curve.Sine{Mean: doc.Mean, Amplitude: doc.Amplitude, Period: doc.Period.seconds(), Phase: doc.Phase.seconds()}
	return c, b.finite(path, doc.Mean, doc.Amplitude)
}

func (b *curves) square(path string, doc *squareDoc) (curve.Curve, error) {
	c := curve.Square{Low: doc.Low, High: doc.High, Period: doc.Period.seconds(), Duty: 0.5, Phase: doc.Phase.seconds()}
	if doc.Duty != nil {
		c.Duty = *doc.Duty
	}
	if doc.Period <= 0 {
		return nil, b.src.wrong(path, "period must be above 0")
	}
	if !(c.Duty >= 0 && c.Duty <= 1) {
		return nil, b.src.wrong(path+".duty", "%v is outside 0 to 1", c.Duty)
	}
	return c, b.finite(path, doc.Low, doc.High)
}

func (b *curves) sum(path string, docs []curveDoc) (curve.Curve, error) {
	all := make(curve.Sum, len(docs))
	for i := range docs {
		c, err := b.build(fmt.Sprintf("%s[%d]", path, i), &docs[i])
		if err != nil {
			return nil, err
		}
		all[i] = c
	}
	return all, nil
}

func (b *curves) trace(path string, doc *traceDoc) (curve.Curve, error) {
	trace, err := b.load(path+".file", doc.File)
	if err != nil {
		return nil, err
	}
	scale, err := b.scale(path, doc, trace)
	if err != nil {
		return nil, err
	}
	from := trace.Start()
	if doc.From != nil {
		from = time.Time(*doc.From)
	}
	if from.Before(trace.Start()) || from.After(trace.End()) {
		return nil, b.src.wrong(path+".from", "the trace lasts from %s to %s",
			trace.Start().Format(time.RFC3339), trace.End().Format(time.RFC3339))
	}
	return trace.Curve(from, scale, doc.Repeat), nil
}

func (b *curves) load(path, name string) (*curve.Trace, error) {
	if t := b.traces[name]; t != nil {
		return t, nil
	}
	if !fs.ValidPath(name) || name == "." {
		return nil, b.src.wrong(path, "%q must be the path of a CSV file at or below the scenario's folder, with / and without ..", name)
	}
	f, err := open(b.files, name)
	if err != nil {
		return nil, b.src.wrong(path, "%v", err)
	}
	t, err := curve.ReadTrace(name, f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, b.src.wrong(path, "%v", err)
	}
	b.traces[name] = t
	return t, nil
}

// scale is the factor written out, or the one that makes a percentile of the trace a given value.
func (b *curves) scale(path string, doc *traceDoc, trace *curve.Trace) (float64, error) {
	if doc.Percentile == nil && doc.Is == nil {
		factor := 1.0
		if doc.Scale != nil {
			factor = *doc.Scale
		}
		return factor, b.finite(path+".scale", factor)
	}
	switch {
	case doc.Scale != nil:
		return 0, b.src.wrong(path, "scale and percentile exclude each other")
	case doc.Percentile == nil || doc.Is == nil:
		return 0, b.src.wrong(path, "percentile and is belong together: percentile: 95 and is: 12 make the 95th percentile 12")
	case !(*doc.Percentile > 0 && *doc.Percentile <= 100):
		return 0, b.src.wrong(path+".percentile", "%v is outside 0 to 100", *doc.Percentile)
	}
	now := trace.Percentile(*doc.Percentile)
	if now <= 0 {
		return 0, b.src.wrong(path+".percentile", "this percentile of the trace is %v and cannot be scaled", now)
	}
	return *doc.Is / now, b.finite(path+".is", *doc.Is)
}
