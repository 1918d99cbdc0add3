package policytest

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ecs-autoscaler/config/strict"
)

// parseValues reads one series as it stands behind values: in a file.
func parseValues(text string) ([]float64, strict.Diagnostics) {
	d := strict.New("t", noEnvironment, form)
	v, ok := d.Read([]byte("values: " + text + "\n"))
	if !ok {
		return nil, d.Findings()
	}
	m, _ := v.Mapping()
	return strict.Read(m, "values", values).Value, d.Findings()
}

func noEnvironment(string) (string, bool) { return "", false }

func same(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) })
}

func TestValuesAreOneAPeriod(t *testing.T) {
	gap := math.NaN()
	for text, want := range map[string][]float64{
		"50":               {50},
		`"50"`:             {50},
		"50x3 80 _x2 60":   {50, 50, 50, 80, gap, gap, 60},
		"_":                {gap},
		"_x1":              {gap},
		"-1.5 +2 .5 1e3":   {-1.5, 2, 0.5, 1000},
		"0x10":             make([]float64, 10),
		"-2x2":             {-2, -2},
		"10..40x4":         {10, 20, 30, 40},
		"10..100x10":       {10, 20, 30, 40, 50, 60, 70, 80, 90, 100},
		"4..1x4":           {4, 3, 2, 1},
		"-1..1x3":          {-1, 0, 1},
		"7..9x1":           {7},
		"7..9x2":           {7, 9},
		"5..5x3":           {5, 5, 5},
		"0.5...75x2":       {0.5, 0.75},
		">-\n  1 2\n  3x2": {1, 2, 3, 3},
		"1  2\n  3":        {1, 2, 3},
		"'1 _ 2'":          {1, gap, 2},
		"0.1..0.3x3":       {0.1, 0.1 + (0.3-0.1)/2, 0.3},
		"1x02":             {1, 1},
	} {
		got, found := parseValues(text)
		if len(found) > 0 || !same(got, want) {
			t.Errorf("%s is %v, want %v\n%s", text, got, want, found.Detail())
		}
	}
}

func TestABadValueIsToldWhereItStands(t *testing.T) {
	for text, want := range map[string]string{
		"50x3 8O 60":             `t:1:14: error: values: "8O" is no value; write 50`,
		"50x3 80x0":              `t:1:14: error: values: "80x0" repeats "0" times, which must be a whole number, at least 1`,
		"50x3 80x":               `t:1:14: error: values: "80x" repeats "" times`,
		"50x3 80x1.5":            `t:1:14: error: values: "80x1.5" repeats "1.5" times`,
		"1 2x-3":                 `t:1:11: error: values: "2x-3" repeats "-3" times`,
		"1 2..3":                 `t:1:11: error: values: "2..3" does not say how many values it is; write 2..3x10 for ten`,
		"1 _.._x3":               `t:1:11: error: values: "_" is no value`,
		"1 2..x3":                `t:1:11: error: values: "" is no value`,
		"NaN":                    `t:1:9: error: values: "NaN" is no value`,
		"1e400":                  `t:1:9: error: values: 1e400 is more than CloudWatch takes`,
		"1 2x3000000":            `t:1:11: error: values: "2x3000000" makes more than 3000000 values`,
		"1x99999999999999999999": `t:1:9: error: values: "1x99999999999999999999" makes more than`,
		"1, 2":                   `t:1:9: error: values: "1," is no value`,
		"1x2x3":                  `t:1:9: error: values: "1x2x3" repeats "2x3" times`,
		`"5 x"`:                  `t:1:12: error: values: "x" repeats`,
		">-\n  1 2\n  3 y":       `t:3:5: error: values: "y" is no value`,
		"[1, 2]":                 `t:1:9: error: values must be values such as 50x3 80 _x2 10..100x10, not a list`,
		`""`:                     `t:1:9: error: values is empty`,
		"":                       `t:1:1: error: values has no value`,
	} {
		_, found := parseValues(text)
		if !strings.HasPrefix(found.Detail(), want) {
			t.Errorf("%s:\n got %s\nwant %s", text, found.Detail(), want)
		}
	}
}

func TestEveryBadValueOfASeriesIsTold(t *testing.T) {
	_, found := parseValues("1 b 2 c")
	if len(found) != 2 {
		t.Errorf("got %s", found.Detail())
	}
}

// notation writes a series as shortly as the values allow without ramps.
func notation(series []float64) string {
	var words []string
	for i := 0; i < len(series); {
		n := 1
		for i+n < len(series) && same(series[i:i+1], series[i+n:i+n+1]) {
			n++
		}
		word := "_"
		if !math.IsNaN(series[i]) {
			word = strconv.FormatFloat(series[i], 'g', -1, 64)
		}
		if n > 1 {
			word += "x" + strconv.Itoa(n)
		}
		words = append(words, word)
		i += n
	}
	return strings.Join(words, " ")
}

func TestASeriesWrittenInTheNotationIsReadBack(t *testing.T) {
	value := rapid.OneOf(rapid.Just(math.NaN()), rapid.Float64Range(-1e9, 1e9), rapid.Map(rapid.IntRange(0, 3), func(n int) float64 { return float64(n) }))
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(value, 1, 40).Draw(t, "series")
		text := notation(want)
		got, found := parseValues(`"` + text + `"`)
		if len(found) > 0 || !same(got, want) {
			t.Fatalf("%s came back as %v, want %v\n%s", text, got, want, found.Detail())
		}
	})
}

func TestARampHasBothItsEndsAndEqualSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.IntRange(-1000, 1000).Draw(t, "from"), rapid.IntRange(-1000, 1000).Draw(t, "to")
		n := rapid.IntRange(2, 200).Draw(t, "n")
		got, _ := parseValues(strconv.Itoa(a) + ".." + strconv.Itoa(b) + "x" + strconv.Itoa(n))
		if len(got) != n || got[0] != float64(a) || got[n-1] != float64(b) {
			t.Fatalf("%d..%dx%d is %v", a, b, n, got)
		}
		for i := 1; i < n; i++ {
			if step := got[i] - got[i-1]; math.Abs(step-float64(b-a)/float64(n-1)) > 1e-9 {
				t.Fatalf("step %d of %d..%dx%d is %v", i, a, b, n, step)
			}
		}
	})
}

func FuzzValues(f *testing.F) {
	for _, text := range []string{"50x3 80x10 _x2 60", "10..100x10", "_", "1..", "x", "..x2", "-0", "1e360", "5x99999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var series []float64
		for word := range strings.FieldsSeq(text) {
			more, err := appendWord(series, word)
			if err == nil && len(more) <= len(series) || err != nil && err.Error() == "" {
				t.Fatalf("%q adds nothing and says nothing", word)
			}
			if series = more; len(series) > 100_000 {
				return
			}
			for _, v := range series {
				if math.IsInf(v, 0) {
					t.Fatalf("%q makes an infinite value", word)
				}
			}
		}
	})
}
