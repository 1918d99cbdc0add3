package metricmath

import (
	"fmt"
	"math"
)

// value is a number, a series on the common grid (NaN = no datapoint), or several series.
type value struct {
	scalar float64
	series []float64
	array  [][]float64
}

func (v value) at(i int) float64 {
	if v.series == nil {
		return v.scalar
	}
	return v.series[i]
}

// Evaluate works the expression out over a grid of n periods. series has the values of each id on that grid, NaN where
// there is no datapoint; the result has the same form. Where a division by zero or a missing input leaves no number,
// there is no datapoint. A number as the result stands at every period.
func (e *Expression) Evaluate(series map[string][]float64, n int) ([]float64, error) {
	v, err := evaluate(&e.root, series, n)
	if err != nil {
		return nil, err
	}
	if v.array != nil {
		return nil, fmt.Errorf("the expression results in several time series, not one")
	}
	result := make([]float64, n)
	for i := range result {
		result[i] = v.at(i)
		if math.IsInf(result[i], 0) {
			result[i] = math.NaN()
		}
	}
	return result, nil
}

func evaluate(x *node, series map[string][]float64, n int) (value, error) {
	switch x.kind {
	case number:
		return value{scalar: x.value}, nil
	case reference:
		return lookUp(x.text, series)
	case word:
		return value{}, fmt.Errorf("%s stands in FILL only", x.text)
	case array:
		return evaluateArray(x, series, n)
	case binary, negate, function:
	}
	if x.text == "FILL" {
		return fill(x, series, n)
	}
	args, err := arguments(x, series, n)
	if err != nil {
		return value{}, err
	}
	if reduces(x.text) {
		return reduce(x.text, args[0], n), nil
	}
	return each(args, n, elementwise[operator(x)]), nil
}

func lookUp(id string, series map[string][]float64) (value, error) {
	s, there := series[id]
	if !there {
		return value{}, fmt.Errorf("there is no query with the id %s", id)
	}
	return value{series: s}, nil
}

// arguments evaluates the operands of an operator or a function.
func arguments(x *node, series map[string][]float64, n int) ([]value, error) {
	args := make([]value, len(x.args))
	for i := range args {
		v, err := evaluate(&x.args[i], series, n)
		if err != nil {
			return nil, err
		}
		if v.array != nil && !reduces(x.text) {
			return nil, fmt.Errorf("several time series [ ] stand in MAX, MIN, AVG and SUM only")
		}
		args[i] = v
	}
	return args, nil
}

// operator is the key of a node in elementwise.
func operator(x *node) string {
	if x.kind == negate {
		return "negate"
	}
	return x.text
}

func reduces(name string) bool {
	return name == "MAX" || name == "MIN" || name == "AVG" || name == "SUM"
}

func evaluateArray(x *node, series map[string][]float64, n int) (value, error) {
	all := value{array: [][]float64{}}
	for i := range x.args {
		v, err := evaluate(&x.args[i], series, n)
		if err != nil {
			return v, err
		}
		if v.series == nil {
			return v, fmt.Errorf("[ ] holds time series only")
		}
		all.array = append(all.array, v.series)
	}
	return all, nil
}

// elementwise has the operators and functions that look at one period at a time.
var elementwise = map[string]func(v []float64) float64{
	"+": func(v []float64) float64 { return v[0] + v[1] }, "-": func(v []float64) float64 { return v[0] - v[1] },
	"*": func(v []float64) float64 { return v[0] * v[1] }, "/": func(v []float64) float64 { return v[0] / v[1] },
	"==": func(v []float64) float64 { return truth(v, v[0] == v[1]) }, "!=": func(v []float64) float64 { return truth(v, v[0] != v[1]) },
	"<": func(v []float64) float64 { return truth(v, v[0] < v[1]) }, "<=": func(v []float64) float64 { return truth(v, v[0] <= v[1]) },
	">": func(v []float64) float64 { return truth(v, v[0] > v[1]) }, ">=": func(v []float64) float64 { return truth(v, v[0] >= v[1]) },
	"AND": and, "&&": and, "OR": or, "||": or, "IF": choose,
	"negate": func(v []float64) float64 { return -v[0] }, "ABS": func(v []float64) float64 { return math.Abs(v[0]) },
	"CEIL": func(v []float64) float64 { return math.Ceil(v[0]) }, "FLOOR": func(v []float64) float64 { return math.Floor(v[0]) },
}

// truth is 1 or 0, and no datapoint where an input has none.
func truth(v []float64, holds bool) float64 {
	if math.IsNaN(v[0] + v[1]) {
		return math.NaN()
	}
	if holds {
		return 1
	}
	return 0
}

func and(v []float64) float64 { return truth(v, v[0] != 0 && v[1] != 0) }
func or(v []float64) float64  { return truth(v, v[0] != 0 || v[1] != 0) }

// choose is IF: without a third argument there is no datapoint where the condition is false.
func choose(v []float64) float64 {
	switch {
	case math.IsNaN(v[0]):
		return math.NaN()
	case v[0] != 0:
		return v[1]
	case len(v) == 3:
		return v[2]
	}
	return math.NaN()
}

// each applies f period by period; numbers alone stay a number.
func each(args []value, n int, f func([]float64) float64) value {
	in := make([]float64, len(args))
	at := func(i int) float64 {
		for k := range args {
			in[k] = args[k].at(i)
		}
		return f(in)
	}
	for _, a := range args {
		if a.series == nil {
			continue
		}
		out := make([]float64, n)
		for i := range out {
			out[i] = at(i)
		}
		return value{series: out}
	}
	return value{scalar: at(0)}
}

// reduce makes a number of one series, or one series of several, out of the datapoints that are there.
func reduce(name string, v value, n int) value {
	switch {
	case v.array != nil:
		out, column := make([]float64, n), make([]float64, len(v.array))
		for i := range out {
			for k := range v.array {
				column[k] = v.array[k][i]
			}
			out[i] = fold(name, column)
		}
		return value{series: out}
	case v.series != nil:
		return value{scalar: fold(name, v.series)}
	}
	return v
}

func fold(name string, values []float64) float64 {
	result, count := math.NaN(), 0.0
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			continue
		case count == 0:
			result = v
		case name == "MAX":
			result = max(result, v)
		case name == "MIN":
			result = min(result, v)
		default:
			result += v
		}
		count++
	}
	if name == "AVG" {
		result /= count
	}
	return result
}

// fill puts values where datapoints are missing: a number, the one before (REPEAT), or a straight line (LINEAR).
func fill(x *node, series map[string][]float64, n int) (value, error) {
	v, err := evaluate(&x.args[0], series, n)
	if err != nil {
		return v, err
	}
	if v.series == nil {
		return v, fmt.Errorf("the first argument of FILL is a time series")
	}
	out := append([]float64(nil), v.series...)
	if by := x.args[1]; by.kind == word {
		bridge(out, by.text == "LINEAR")
		return value{series: out}, nil
	}
	by, err := evaluate(&x.args[1], series, n)
	if err != nil || by.array != nil {
		return by, fmt.Errorf("the second argument of FILL is a number, a time series, REPEAT or LINEAR")
	}
	for i := range out {
		if math.IsNaN(out[i]) {
			out[i] = by.at(i)
		}
	}
	return value{series: out}, nil
}

// bridge fills gaps from the value before; with linear those that have a value after them on a straight line.
func bridge(values []float64, linear bool) {
	last := -1
	for i, v := range values {
		if math.IsNaN(v) {
			if last >= 0 {
				values[i] = values[last]
			}
			continue
		}
		for k := last + 1; linear && last >= 0 && k < i; k++ {
			values[k] = values[last] + (v-values[last])*float64(k-last)/float64(i-last)
		}
		last = i
	}
}
