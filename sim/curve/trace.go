package curve

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"
)

// Trace is a recorded series: values at ascending instants, interpolated linearly in between.
type Trace struct {
	start  time.Time
	points []Point // T is seconds since start
}

// ReadTrace reads CSV with the header `timestamp,value`: ISO 8601 UTC instants, ascending, and finite numbers.
// Errors name the file and the line.
func ReadTrace(name string, r io.Reader) (*Trace, error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = 2
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil || header[0] != "timestamp" || header[1] != "value" {
		return nil, fmt.Errorf("%s:1: a trace begins with the line timestamp,value", name)
	}
	t := &Trace{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if bad := (*csv.ParseError)(nil); errors.As(err, &bad) {
			return nil, fmt.Errorf("%s:%d: %w", name, bad.Line, bad.Err)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := t.add(row); err != nil {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
	if len(t.points) == 0 {
		return nil, fmt.Errorf("%s: the trace has no datapoints", name)
	}
	return t, nil
}

func (t *Trace) add(row []string) error {
	at, err := time.Parse(time.RFC3339, row[0])
	if err != nil {
		return fmt.Errorf("timestamp %q is not like 2018-04-25T00:00:00Z", row[0])
	}
	if at.Year() < 1970 || at.Year() > 2200 {
		return fmt.Errorf("timestamp %s is outside the years 1970 to 2200", row[0])
	}
	value, err := strconv.ParseFloat(row[1], 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return fmt.Errorf("value %q is not a finite number", row[1])
	}
	if len(t.points) == 0 {
		t.start = at
	}
	seconds := at.Sub(t.start).Seconds()
	if n := len(t.points); n > 0 && seconds <= t.points[n-1].T {
		return fmt.Errorf("timestamp %s is not later than the one before", row[0])
	}
	t.points = append(t.points, Point{seconds, value})
	return nil
}

// Start is the instant of the first datapoint.
func (t *Trace) Start() time.Time { return t.start }

// End is the instant of the last datapoint.
func (t *Trace) End() time.Time {
	return t.start.Add(time.Duration(t.points[len(t.points)-1].T * float64(time.Second)))
}

// Percentile is the smallest value that p percent (0 to 100) of the datapoints do not exceed (nearest rank).
func (t *Trace) Percentile(p float64) float64 {
	values := make([]float64, len(t.points))
	for i, point := range t.points {
		values[i] = point.Value
	}
	slices.Sort(values)
	rank := int(math.Ceil(p / 100 * float64(len(values))))
	return values[min(max(rank, 1), len(values))-1]
}

// Curve plays the trace so that the instant from falls on time zero, its values multiplied by scale. With repeat it
// starts again one step after its end; without, it is level outside.
func (t *Trace) Curve(from time.Time, scale float64, repeat bool) Curve {
	offset := from.Sub(t.start).Seconds()
	points := make([]Point, len(t.points), len(t.points)+1)
	for i, p := range t.points {
		points[i] = Point{p.T, p.Value * scale}
	}
	every := 0.0
	if repeat {
		last := points[len(points)-1].T
		every = last + 60
		if n := len(points); n > 1 {
			every = last + points[n-1].T - points[n-2].T
		}
		points = append(points, Point{every, points[0].Value})
	}
	return Later{Line{points, every}, -offset}
}
