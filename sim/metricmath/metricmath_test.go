package metricmath_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ecs-autoscaler/sim/metricmath"
)

var (
	none  = math.NaN()
	input = map[string][]float64{
		"m1": {1, 2, none, 4}, "m2": {10, none, 30, 40}, "zero": {0, 0, 0, 0}, "gap": {none, 2, none, 8},
	}
)

// same compares with NaN equal to NaN.
func same(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool {
		return x == y || math.IsNaN(x) && math.IsNaN(y) || math.Abs(x-y) < 1e-9
	})
}

func TestExpressionsAreWorkedOutPeriodByPeriod(t *testing.T) {
	for _, c := range []struct {
		expression string
		want       []float64
	}{
		{"m1", []float64{1, 2, none, 4}},
		{"5", []float64{5, 5, 5, 5}},
		{"m1 + m2", []float64{11, none, none, 44}},
		{"m2 - m1 * 2", []float64{8, none, none, 32}},
		{"(m2 - m1) * 2", []float64{18, none, none, 72}},
		{"m2 / m1 / 2", []float64{5, none, none, 5}},
		{"-m1 + 1e1", []float64{9, 8, none, 6}},
		{"10 - 2 - 3", []float64{5, 5, 5, 5}},
		{"m1 / zero", []float64{none, none, none, none}},
		{"zero / zero", []float64{none, none, none, none}},
		{"ABS(-m1)", []float64{1, 2, none, 4}},
		{"CEIL(m1 / 3)", []float64{1, 1, none, 2}},
		{"FLOOR(m1 / 3)", []float64{0, 0, none, 1}},
		{"MAX(m1)", []float64{4, 4, 4, 4}},
		{"MIN(m1)", []float64{1, 1, 1, 1}},
		{"SUM(m1)", []float64{7, 7, 7, 7}},
		{"AVG(m2) - 80/3", []float64{0, 0, 0, 0}},
		{"MAX([m1, m2])", []float64{10, 2, 30, 40}},
		{"SUM([m1, m2])", []float64{11, 2, 30, 44}},
		{"AVG([m1, m2])", []float64{5.5, 2, 30, 22}},
		{"MIN([m1, zero])", []float64{0, 0, 0, 0}},
		{"MAX(3)", []float64{3, 3, 3, 3}},
		{"IF(m1 > 1, m1, 0)", []float64{0, 2, none, 4}},
		{"IF(m1 > 1, m1)", []float64{none, 2, none, 4}},
		{"IF(m1 >= 2 AND m1 <= 2, 1, 0)", []float64{0, 1, none, 0}},
		{"IF(m1 == 1 || m1 == 4, 1, 0)", []float64{1, 0, none, 1}},
		{"IF(m1 != 1 && m1 < 4 OR zero, 1, 0)", []float64{0, 1, none, 0}},
		{"FILL(m1, 0)", []float64{1, 2, 0, 4}},
		{"FILL(m1, m2)", []float64{1, 2, 30, 4}},
		{"FILL(gap, REPEAT)", []float64{none, 2, 2, 8}},
		{"FILL(gap, LINEAR)", []float64{none, 2, 5, 8}},
		{"FILL(m2, 0) / FILL(m1, 1)", []float64{10, 0, 30, 10}},
	} {
		e, err := metricmath.Parse(c.expression)
		if err != nil {
			t.Errorf("%s: %v", c.expression, err)
			continue
		}
		if got, err := e.Evaluate(input, 4); err != nil || !same(got, c.want) {
			t.Errorf("%s = %v, %v; want %v", c.expression, got, err, c.want)
		}
	}
}

func TestAnExpressionKnowsTheIDsItUses(t *testing.T) {
	e, err := metricmath.Parse("m2 + FILL(m1, m2) * MAX([a, m2])")
	if err != nil || !slices.Equal(e.IDs(), []string{"m2", "m1", "a"}) {
		t.Errorf("ids %v, %v", e.IDs(), err)
	}
}

func TestWhatIsNotSupportedIsNamed(t *testing.T) {
	for expression, want := range map[string]string{
		"":                               "ends too early",
		"m1 +":                           "ends too early",
		"STDDEV(m1)":                     "function STDDEV is not supported",
		"METRICS()":                      "function METRICS is not supported",
		"SEARCH('{AWS/ECS}', 'Average')": `"'" is not part`,
		"m1 ^ 2":                         `"^" is not part`,
		"m1 m2":                          `"m2" is not expected there`,
		"(m1":                            `expected ")", found the end`,
		"[m1":                            `expected "]"`,
		"IF(m1)":                         "IF takes 2 to 3 arguments, not 1",
		"MAX(m1, m2)":                    "MAX takes 1 to 1",
		"M1":                             `"M1" is no id`,
		"m1 + )":                         `")" is no id`,
		"SUM()":                          `")" is no id`,
		strings.Repeat("(", 200) + "1":   "too deeply",
		strings.Repeat("1+", 1500) + "1": "longer than 2048",
		strings.Repeat("-", 300) + "1":   "too deeply",
	} {
		if _, err := metricmath.Parse(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want an error with %q", expression, err, want)
		}
	}
}

func TestWhatDoesNotFitTogetherIsRefusedWhenWorkedOut(t *testing.T) {
	for expression, want := range map[string]string{
		"m1 + m9":        "no query with the id m9",
		"[m1, m2]":       "several time series, not one",
		"[m1, m2] + 1":   "stand in MAX, MIN, AVG and SUM only",
		"ABS([m1])":      "stand in MAX",
		"MAX([m1, 2])":   "holds time series only",
		"MAX([m9])":      "no query with the id m9",
		"m1 + REPEAT":    "REPEAT stands in FILL only",
		"FILL(3, 0)":     "first argument of FILL",
		"FILL(m9, 0)":    "no query with the id m9",
		"FILL(m1, [m2])": "second argument of FILL",
	} {
		e, err := metricmath.Parse(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if _, err := e.Evaluate(input, 4); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", expression, err, want)
		}
	}
}

func TestFilledSeriesHaveNoGaps(t *testing.T) {
	zero, repeat := mustParse(t, "FILL(m, 0)"), mustParse(t, "FILL(m, REPEAT)")
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.SampledFrom([]float64{none, 1, 2, 3}), 1, 20).Draw(t, "values")
		first := slices.IndexFunc(values, func(v float64) bool { return !math.IsNaN(v) })
		filled, err := zero.Evaluate(map[string][]float64{"m": values}, len(values))
		if err != nil || slices.ContainsFunc(filled, math.IsNaN) {
			t.Fatalf("FILL(m, 0) of %v = %v, %v", values, filled, err)
		}
		filled, err = repeat.Evaluate(map[string][]float64{"m": values}, len(values))
		if err != nil || first >= 0 && slices.ContainsFunc(filled[first:], math.IsNaN) {
			t.Fatalf("FILL(m, REPEAT) of %v = %v, %v", values, filled, err)
		}
	})
}

func mustParse(t *testing.T, text string) *metricmath.Expression {
	t.Helper()
	e, err := metricmath.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func FuzzParse(f *testing.F) {
	f.Add("IF(m1 > 1, FILL(m2, REPEAT) / 2, MAX([m1, m2]))")
	f.Add("-(1e3)*.5")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := metricmath.Parse(text)
		if err != nil {
			return
		}
		series := map[string][]float64{}
		for _, id := range e.IDs() {
			series[id] = []float64{1, none, 3}
		}
		if got, err := e.Evaluate(series, 3); err == nil && len(got) != 3 {
			t.Fatalf("%q gives %v", text, got)
		}
	})
}
