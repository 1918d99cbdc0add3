package evaluator

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// points reads a row of the documentation's tables: 0 is good, X breaches, - is missing.
func points(row string) string {
	return strings.NewReplacer("0", "10", "X", "100").Replace(row)
}

// judged evaluates one step alarm ("> 50") on a row that ends at the newest closed bucket, nothing of it delayed.
func judged(t *testing.T, row string, m, n int, mode TreatMissingData, previous AlarmState) AlarmState {
	t.Helper()
	p := stepping("p", GreaterThanThreshold, 50, above(ChangeInCapacity, 1))
	p.Alarms[0].EvaluationPeriods, p.Alarms[0].DatapointsToAlarm, p.Alarms[0].Missing = n, m, mode
	s := newScene(t, 1, 10, p).metric(0, points(row))
	s.m.Policies[0].Alarms[0].State = previous
	return s.decide().Policies[0].Alarms[0].State
}

// TestMissingDataTables has all 40 cells of CloudWatch's two tables (section 10.12); those without a number are not listed there. keep
// means that the state before stays, whatever it was.
func TestMissingDataTables(t *testing.T) {
	const keep = AlarmState("keep")
	ok, alarm, unknown := OKState, AlarmingState, InsufficientDataState
	for _, c := range []struct {
		name string
		m    int
		row  string
		mode TreatMissingData
		want AlarmState
	}{
		{"case 178: M=3 of 3 0 - X - X missing", 3, "0 - X - X", TreatMissing, ok},
		{"case 179: M=3 of 3 0 - X - X ignore", 3, "0 - X - X", TreatIgnore, ok},
		{"M=3 of 3 0 - X - X breaching", 3, "0 - X - X", TreatBreaching, ok},
		{"case 181: M=3 of 3 0 - X - X notBreaching", 3, "0 - X - X", TreatNotBreaching, ok},
		{"case 182: M=3 of 3 0 - - - - missing", 3, "0 - - - -", TreatMissing, ok},
		{"M=3 of 3 0 - - - - ignore", 3, "0 - - - -", TreatIgnore, ok},
		{"case 184: M=3 of 3 0 - - - - breaching", 3, "0 - - - -", TreatBreaching, ok},
		{"case 185: M=3 of 3 0 - - - - notBreaching", 3, "0 - - - -", TreatNotBreaching, ok},
		{"M=3 of 3 - - - - - missing", 3, "- - - - -", TreatMissing, unknown},
		{"case 187: M=3 of 3 - - - - - ignore", 3, "- - - - -", TreatIgnore, keep},
		{"case 188: M=3 of 3 - - - - - breaching", 3, "- - - - -", TreatBreaching, alarm},
		{"M=3 of 3 - - - - - notBreaching", 3, "- - - - -", TreatNotBreaching, ok},
		{"case 190: M=3 of 3 0 X X - X missing", 3, "0 X X - X", TreatMissing, alarm},
		{"case 191: M=3 of 3 0 X X - X ignore", 3, "0 X X - X", TreatIgnore, alarm},
		{"M=3 of 3 0 X X - X breaching", 3, "0 X X - X", TreatBreaching, alarm},
		{"case 193: M=3 of 3 0 X X - X notBreaching", 3, "0 X X - X", TreatNotBreaching, alarm},
		{"case 194: M=3 of 3 - - X - - missing", 3, "- - X - -", TreatMissing, alarm},
		{"M=3 of 3 - - X - - ignore", 3, "- - X - -", TreatIgnore, keep},
		{"case 196: M=3 of 3 - - X - - breaching", 3, "- - X - -", TreatBreaching, alarm},
		{"case 197: M=3 of 3 - - X - - notBreaching", 3, "- - X - -", TreatNotBreaching, ok},
		{"M=2 of 3 0 - X - X missing", 2, "0 - X - X", TreatMissing, alarm},
		{"case 199: M=2 of 3 0 - X - X ignore", 2, "0 - X - X", TreatIgnore, alarm},
		{"case 200: M=2 of 3 0 - X - X breaching", 2, "0 - X - X", TreatBreaching, alarm},
		{"M=2 of 3 0 - X - X notBreaching", 2, "0 - X - X", TreatNotBreaching, alarm},
		{"case 202: M=2 of 3 0 0 X 0 X missing", 2, "0 0 X 0 X", TreatMissing, alarm},
		{"case 203: M=2 of 3 0 0 X 0 X ignore", 2, "0 0 X 0 X", TreatIgnore, alarm},
		{"M=2 of 3 0 0 X 0 X breaching", 2, "0 0 X 0 X", TreatBreaching, alarm},
		{"case 205: M=2 of 3 0 0 X 0 X notBreaching", 2, "0 0 X 0 X", TreatNotBreaching, alarm},
		{"case 206: M=2 of 3 0 - X - - missing", 2, "0 - X - -", TreatMissing, ok},
		{"M=2 of 3 0 - X - - ignore", 2, "0 - X - -", TreatIgnore, ok},
		{"case 208: M=2 of 3 0 - X - - breaching", 2, "0 - X - -", TreatBreaching, alarm},
		{"case 209: M=2 of 3 0 - X - - notBreaching", 2, "0 - X - -", TreatNotBreaching, ok},
		{"M=2 of 3 - - - - 0 missing", 2, "- - - - 0", TreatMissing, ok},
		{"case 211: M=2 of 3 - - - - 0 ignore", 2, "- - - - 0", TreatIgnore, ok},
		{"case 212: M=2 of 3 - - - - 0 breaching", 2, "- - - - 0", TreatBreaching, alarm},
		{"M=2 of 3 - - - - 0 notBreaching", 2, "- - - - 0", TreatNotBreaching, ok},
		{"case 214: M=2 of 3 - - - X - missing", 2, "- - - X -", TreatMissing, alarm},
		{"case 215: M=2 of 3 - - - X - ignore", 2, "- - - X -", TreatIgnore, keep},
		{"M=2 of 3 - - - X - breaching", 2, "- - - X -", TreatBreaching, alarm},
		{"case 217: M=2 of 3 - - - X - notBreaching", 2, "- - - X -", TreatNotBreaching, ok},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, previous := range []AlarmState{ok, alarm, unknown} {
				want := c.want
				if want == keep {
					want = previous
				}
				if got := judged(t, c.row, c.m, 3, c.mode, previous); got != want {
					t.Errorf("after %s: %s, expected %s", previous, got, want)
				}
			}
		})
	}
}

func TestAlarmEvaluation(t *testing.T) {
	ok, alarm, unknown := OKState, AlarmingState, InsufficientDataState
	for _, c := range []struct {
		name           string
		m, n           int
		row            string
		previous, want AlarmState
	}{
		{"case 107: two young breaching datapoints do not alarm yet", 3, 3, "- - - X X", ok, ok},
		{"case 106: the oldest breaching datapoint is three old", 3, 3, "- - X X -", ok, alarm},
		{"case 218: one young breaching datapoint is premature", 3, 3, "- - - - X", unknown, unknown},
		{"two young ones are premature, too", 3, 3, "- - - X -", unknown, unknown},
		{"case 220: a good one beside it gives OK", 3, 3, "- - X - 0", unknown, ok},
		{"case 221: a good one after it gives OK", 3, 3, "- - - X 0", alarm, ok},
		{"case 223: a lone old breach alarms as long as it is in the range", 3, 3, "X - - - -", ok, alarm},
		{"case 224: and no longer when it has left", 3, 3, "- - - - -", alarm, unknown},
		{"case 226: the newest three count, not the range", 2, 3, "X 0 0 X 0", alarm, ok},
		{"case 227: two of the newest three", 2, 3, "0 0 X X 0", ok, alarm},
		{"young breaching datapoints keep the state before", 3, 3, "- - - - X", ok, ok},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := judged(t, c.row, c.m, c.n, TreatMissing, c.previous); got != c.want {
				t.Errorf("got %s, expected %s", got, c.want)
			}
		})
	}
}

func TestOperators(t *testing.T) {
	for _, c := range []struct {
		name      string
		op        ComparisonOperator
		threshold float64
		value     string
		want      AlarmState
	}{
		{"case 239: > at the threshold does not breach", GreaterThanThreshold, 50, "50", OKState},
		{">= at the threshold breaches", GreaterThanOrEqualToThreshold, 50, "50", AlarmingState},
		{"case 241: < at the threshold does not breach", LessThanThreshold, 45, "45", OKState},
		{"case 242: <= at the threshold breaches", LessThanOrEqualToThreshold, 45, "45", AlarmingState},
		{"> above the threshold breaches", GreaterThanThreshold, 50, "50.001", AlarmingState},
		{"< below the threshold breaches", LessThanThreshold, 45, "44.999", AlarmingState},
		{">= below the threshold does not breach", GreaterThanOrEqualToThreshold, 50, "49", OKState},
		{"<= above the threshold does not breach", LessThanOrEqualToThreshold, 45, "46", OKState},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, 1, 10, stepping("p", c.op, c.threshold, above(ChangeInCapacity, 1))).metric(0, c.value)
			if got := s.decide().Policies[0].Alarms[0].State; got != c.want {
				t.Errorf("got %s, expected %s", got, c.want)
			}
		})
	}
}

func TestOperatorsInWords(t *testing.T) {
	for op, want := range map[ComparisonOperator]struct {
		words, symbol string
		below         bool
	}{
		GreaterThanThreshold:          {"above", ">", false},
		GreaterThanOrEqualToThreshold: {"at or above", ">=", false},
		LessThanThreshold:             {"below", "<", true},
		LessThanOrEqualToThreshold:    {"at or below", "<=", true},
	} {
		if op.Words() != want.words || op.symbol() != want.symbol || op.Below() != want.below {
			t.Errorf("%s: %q, %q, below %v", op, op.Words(), op.symbol(), op.Below())
		}
	}
}

// TestHighResolutionAlarm has the captured 10-second sequences: N=3, the range is nine buckets.
func TestHighResolutionAlarm(t *testing.T) {
	for _, c := range []struct {
		name string
		m    int
		row  string
		want AlarmState
	}{
		{"case 245: two of three dense datapoints", 2, "X 0 X", AlarmingState},
		{"one good and one breaching datapoint left", 2, "0 X - - - - - -", OKState},
		{"case 247: one breaching datapoint left", 2, "X - - - - - - -", AlarmingState},
		{"case 248: none left", 2, "- - - - - - - - -", InsufficientDataState},
		{"case 250: an isolated breach alarms at the age of M", 3, "X - -", AlarmingState},
		{"and not before", 3, "X -", InsufficientDataState},
		{"the isolated breach is still in the ninth bucket", 3, "X - - - - - - - -", AlarmingState},
		{"case 251: it has left the whole range", 3, "X - - - - - - - - -", InsufficientDataState},
		{"one good datapoint prevents", 3, "0 - X", OKState},
		{"case 253: with M=2 an isolated breach alarms up to the ninth bucket", 2, "X - - - - - - - -", AlarmingState},
		{"case 253: and two of them with gaps", 2, "0 - X - X", AlarmingState},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := stepping("p", GreaterThanThreshold, 50, above(ChangeInCapacity, 1))
			p.Alarms[0].EvaluationPeriods, p.Alarms[0].DatapointsToAlarm = 3, c.m
			s := newScene(t, 1, 10, p)
			s.target.Metrics[0].Period = 10
			s.metric(0, points(c.row))
			if got := s.decide().Policies[0].Alarms[0].State; got != c.want {
				t.Errorf("got %s, expected %s", got, c.want)
			}
		})
	}
}

func TestWindowEnd(t *testing.T) {
	sec := noon.Unix()
	for _, c := range []struct {
		name        string
		now         int64
		period      int64
		n           int
		end, delay  int64
		values      string
		windowAfter int64
	}{
		{"a datapoint that is there is used at once", 0, 60, 3, 0, 120, "1 2 3", 0},
		{"a bucket that may not be published yet is not missing", 0, 60, 3, 0, 120, "1 2 _", -60},
		{"beyond the delay it is missing", 0, 60, 3, 0, 120, "1 _ _ _", -120},
		{"a bucket ends when end + delay <= now", 60, 60, 3, 60, 60, "1 _ _", 0},
		{"without delay everything closed is in the window", 30, 60, 3, 0, 0, "1 _", 0},
		{"a bucket that has not closed is not used", 59, 60, 3, 60, 0, "1 2", 0},
		{"a read that stayed behind leaves buckets missing", 300, 60, 3, 0, 120, "1 2", 180},
		{"case 230: five-minute windows slide with the minute", 60, 300, 1, 60, 0, "1 2", 60},
		{"ten-second windows trail ten seconds", 9, 10, 3, -10, 0, "1 2", -10},
		{"and move every ten seconds", 10, 10, 3, 0, 0, "1 2", 0},
		{"twenty-second buckets stay on their grid", 20, 20, 3, 0, 0, "1 2", 0},
		{"case 232: an alarm over days ends at the top of the hour", 3599, 3600, 72, 3540, 0, "1 2 3", -60},
		{"and so it does for periods of a day", 3599, 86400, 3, 0, 120, "1 2 3", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &Series{Period: c.period, End: sec + c.end, Delay: c.delay, Values: parse(c.values)}
			if got := windowEnd(s, sec+c.now, c.n) - sec; got != c.windowAfter {
				t.Errorf("window ends at %d s, expected %d s", got, c.windowAfter)
			}
		})
	}
}

func TestDatapointsShownAreThoseJudged(t *testing.T) {
	for _, c := range []struct{ name, row, want string }{
		{"the newest three of five", "1 2 3 4 5", "3 4 5"},
		{"further back over a gap", "1 2 - 4 5", "2 - 4 5"},
		{"as far as the range reaches", "9 1 - - - -", "1 - - - -"},
		{"at least three", "- - - - 5", "- - 5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := stepping("p", GreaterThanThreshold, 50, above(ChangeInCapacity, 1))
			p.Alarms[0].EvaluationPeriods, p.Alarms[0].DatapointsToAlarm = 3, 3
			got := newScene(t, 1, 10, p).metric(0, c.row).decide().Policies[0].Alarms[0]
			if fmt.Sprint(got.Values) != fmt.Sprint(parse(c.want)) || got.End != noon.Unix() {
				t.Errorf("got %v up to %d, expected %s", got.Values, got.End, c.want)
			}
		})
	}
}

func TestPercentileSampleLimits(t *testing.T) {
	for _, c := range []struct {
		name    string
		p       float64
		samples string
		ignore  bool
		want    AlarmState
	}{
		{"case 260: p99 with 999 samples keeps the state", 0.99, "999", true, OKState},
		{"p99 with 1000 is evaluated", 0.99, "1000", true, AlarmingState},
		{"case 262: p90 with 99 keeps the state", 0.90, "99", true, OKState},
		{"case 263: p90 with 100 is evaluated", 0.90, "100", true, AlarmingState},
		{"p50 with 19 keeps the state", 0.50, "19", true, OKState},
		{"case 265: p50 with 20 is evaluated", 0.50, "20", true, AlarmingState},
		{"case 266: p10 with 99 keeps the state", 0.10, "99", true, OKState},
		{"p25 with 40 is evaluated", 0.25, "40", true, AlarmingState},
		{"case 268: mode evaluate never asks", 0.90, "99", false, AlarmingState},
		{"an unknown sample count keeps the state", 0.90, "_", true, OKState},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := stepping("p", GreaterThanThreshold, 50, above(ChangeInCapacity, 1))
			s := newScene(t, 1, 10, p).metric(0, "80")
			s.target.Metrics = append(s.target.Metrics, Metric{Stat: "SampleCount", Period: 60})
			s.o.Series = append(s.o.Series, nil)
			s.metric(1, c.samples)
			if c.ignore {
				a := &s.target.Policies[0].Alarms[0]
				a.SampleCount, a.Percentile = 1, c.p
			}
			s.m.Policies[0].Alarms[0].State = OKState
			if got := s.decide().Policies[0].Alarms[0].State; got != c.want {
				t.Errorf("got %s, expected %s", got, c.want)
			}
		})
	}
}

func TestTooFewSamplesNeverScaleIn(t *testing.T) {
	p := stepping("p", LessThanThreshold, 50, below(ChangeInCapacity, -1))
	s := newScene(t, 1, 10, p).metric(0, "20")
	a := &s.target.Policies[0].Alarms[0]
	a.SampleCount, a.Percentile = 1, 0.9
	s.m.Policies[0].Alarms[0].State = AlarmingState
	s.expect(4, InsufficientData)
}

func TestBuckets(t *testing.T) {
	p := tracking("cpu", 50)
	target := &Target{Metrics: []Metric{{Period: 60}, {Period: 60}, {Period: 20}, {Period: 300}}, Policies: []Policy{p}}
	p.Alarms[0].SampleCount, p.Alarms[0].Percentile = 1, 0.9
	target.Policies = append(target.Policies, tracking("fast", 50), tracking("slow", 50))
	for j := range 2 {
		target.Policies[1].Alarms[j].Metric = 2
		target.Policies[2].Alarms[j].Metric = 3
	}
	target.Policies[1].Alarms[1].EvaluationPeriods = 30
	for metric, want := range []int{15 + 2 + 5, 3 + 2 + 5, 30 + 6 + 15, 15 + 2 + 1} {
		if got := Buckets(target, metric); got != want {
			t.Errorf("metric %d needs %d buckets, expected %d", metric, got, want)
		}
	}
}

func TestLookInterval(t *testing.T) {
	for _, c := range []struct {
		name   string
		period int64
		want   time.Duration
	}{
		{"10 s", 10, 10 * time.Second},
		{"case 233: 20 s", 20, 10 * time.Second},
		{"30 s", 30, 10 * time.Second},
		{"60 s", 60, time.Minute},
		{"an hour", 3600, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := LookInterval(c.period); got != c.want {
				t.Errorf("looked at every %s, expected %s", got, c.want)
			}
		})
	}
}

func TestNoNumberOfCloudWatchIsInfinite(t *testing.T) {
	for v, want := range map[float64]bool{0: false, -1: false, math.MaxFloat64: false, math.Inf(1): true, math.Inf(-1): true} {
		if missing(v) != want {
			t.Errorf("missing(%v) is %t", v, missing(v))
		}
	}
	if !missing(math.NaN()) {
		t.Error("NaN is not missing")
	}
}
