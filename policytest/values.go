package policytest

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"ecs-autoscaler/config/strict"
)

// maxValues bounds what a repetition can cost; a month of one-second values is 2.6 million.
const maxValues = 3_000_000

// maxFileValues is how many values one file may have in all, which is 160 MB of them.
const maxFileValues = 20_000_000

// allowance is how many more values may come.
type allowance int

// read reads a series and counts it.
func (a *allowance) read(v strict.Value) ([]float64, bool) {
	if *a < 0 {
		return nil, false
	}
	series, ok := values(v)
	if *a -= allowance(len(series)); *a < 0 {
		v.Errorf(v.At, "this file has more than %d values up to here, the most that is read; divide it into several files", maxFileValues)
		return nil, false
	}
	return series, ok
}

// mostValue is the largest number that CloudWatch takes (API PutMetricData MetricDatum.Value).
const mostValue = 0x1p360

// valueForms shows the notation in messages.
const valueForms = "50, 50x3 (three times 50), _ or _x3 (missing), 10..100x10 (ten values from 10 to 100)"

// wholeNumber is a repetition.
var wholeNumber = regexp.MustCompile(`^0*[1-9][0-9]*$`)

// decimal is a number of the notation; ParseFloat alone would take 0x10 and Inf, too.
var decimal = regexp.MustCompile(`^[-+]?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][-+]?[0-9]+)?$`)

// values reads a series in the notation of design.md section 6: one value a period, NaN where it is missing.
func values(v strict.Value) ([]float64, bool) {
	s, ok := v.Scalar("values such as 50x3 80 _x2 10..100x10")
	if !ok {
		return nil, false
	}
	if strings.TrimSpace(s.Text) == "" {
		v.Errorf(v.At, "%s is empty; write values such as %s", v.Key, valueForms)
		return nil, false
	}
	var series []float64
	offset := 0
	for word := range strings.FieldsSeq(s.Text) {
		offset += strings.Index(s.Text[offset:], word)
		more, err := appendWord(series, word)
		if err != nil {
			place, _ := v.Within(s.Text, offset)
			v.Errorf(place, "%s: %s", v.Key, err)
			ok = false
			more = series
		}
		series = more
		offset += len(word)
	}
	return series, ok
}

// appendWord adds what one word stands for.
func appendWord(series []float64, word string) ([]float64, error) {
	item, n, err := repetition(word)
	if err != nil {
		return nil, err
	}
	if n > maxValues-len(series) {
		return nil, fmt.Errorf("%q makes more than %d values", strict.Shorten(word), maxValues)
	}
	if item == "_" {
		return repeat(series, math.NaN(), max(n, 1)), nil
	}
	from, to, ramp := strings.Cut(item, "..")
	a, err := number(from)
	switch {
	case err != nil:
		return nil, err
	case !ramp:
		return repeat(series, a, max(n, 1)), nil
	case n == 0:
		return nil, fmt.Errorf("%q does not say how many values it is; write %sx10 for ten", strict.Shorten(word), strict.Shorten(word))
	}
	b, err := number(to)
	if err != nil {
		return nil, err
	}
	return steps(series, a, b, n), nil
}

// repetition takes xN from the end of a word; without it n is 0.
func repetition(word string) (item string, n int, err error) {
	item, times, repeated := strings.Cut(word, "x")
	if !repeated {
		return item, 0, nil
	}
	if !wholeNumber.MatchString(times) {
		return "", 0, fmt.Errorf("%q repeats %q times, which must be a whole number, at least 1", strict.Shorten(word), strict.Shorten(times))
	}
	n, err = strconv.Atoi(times)
	if err != nil {
		n = math.MaxInt // which is too many, whatever it was
	}
	return item, n, nil
}

func number(s string) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	switch {
	case !decimal.MatchString(s):
		return 0, fmt.Errorf("%q is no value; write %s", strict.Shorten(s), valueForms)
	case err != nil || math.Abs(x) > mostValue:
		return 0, fmt.Errorf("%s is more than CloudWatch takes, which is 2^360", strict.Shorten(s))
	}
	return x, nil
}

func repeat(series []float64, x float64, n int) []float64 {
	for range n {
		series = append(series, x)
	}
	return series
}

// steps adds n values from a to b in equal steps, both ends included exactly; one value is a.
func steps(series []float64, a, b float64, n int) []float64 {
	for i := range n - 1 {
		series = append(series, a+(b-a)*float64(i)/float64(n-1))
	}
	if n == 1 {
		b = a
	}
	return append(series, b)
}
