package evaluator

import (
	"testing"
	"time"
)

// highResolution is target tracking with a predefined high-resolution type, which reads ECS's metric at 20 s.
func highResolution(t *testing.T) *scene {
	t.Helper()
	p := tracking("fast", 50)
	p.Alarms[1].EvaluationPeriods, p.Alarms[1].DatapointsToAlarm = 30, 30
	s := newScene(t, 1, 10, p)
	s.target.Metrics[0] = Metric{Namespace: "AWS/ECS", MetricName: "CPUUtilization", Stat: "Average", Period: 20}
	return s
}

func TestHighResolutionNeedsAServiceThatPublishesIt(t *testing.T) {
	for _, c := range []struct {
		name, controller, values string
		want                     int
		why                      Reason
	}{
		{"case 121: never under CODE_DEPLOY, whatever the datapoints say", "CODE_DEPLOY", "90x30", 4, HighResolutionUnsupported},
		{"case 121: nor to scale in", "CODE_DEPLOY", "5x30", 4, HighResolutionUnsupported},
		{"nor under EXTERNAL", "EXTERNAL", "90x30", 4, HighResolutionUnsupported},
		{"case 122: not before there are datapoints", "ECS", "_x30", 4, InsufficientData},
		{"under ECS with datapoints it acts", "ECS", "90x30", 8, ByTargetTracking},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := highResolution(t).metric(0, c.values)
			s.o.Service.Controller = c.controller
			s.expect(c.want, c.why)
		})
	}
	t.Run("case 122: it holds while the enabling deployment runs and acts once the datapoints are there", func(t *testing.T) {
		s := highResolution(t).metric(0, "_x30")
		s.o.Service.Deploying = true
		s.expect(4, InsufficientData)
		if got := s.d.Policies[0].Alarms[0].State; got != InsufficientDataState {
			t.Errorf("the high alarm is %s", got)
		}
		s.o.Service.Deploying = false
		s.metric(0, "_x27 90x3").expect(8, ByTargetTracking)
	})
	t.Run("a custom metric at 20 s is nothing of ECS's", func(t *testing.T) {
		s := highResolution(t).metric(0, "90x30")
		s.target.Metrics[0].Namespace, s.o.Service.Controller = "App", "CODE_DEPLOY"
		s.expect(8, ByTargetTracking)
	})
	t.Run("other policies of the service go on scaling out", func(t *testing.T) {
		s := newScene(t, 1, 10, tracking("fast", 50), tracking("slow", 50)).metric(1, "80x15")
		s.target.Metrics[0] = Metric{Namespace: "AWS/ECS", MetricName: "CPUUtilization", Period: 20}
		s.o.Service.Controller = "CODE_DEPLOY"
		s.expect(7, ByTargetTracking)
	})
}

func TestTheWindowOfAnAlarm(t *testing.T) {
	t.Run("case 229: three of three periods of 600 s are half an hour", func(t *testing.T) {
		p := stepping("p", GreaterThanThreshold, 50, above(ChangeInCapacity, 1))
		p.Alarms[0].EvaluationPeriods, p.Alarms[0].DatapointsToAlarm = 3, 3
		s := newScene(t, 1, 10, p)
		s.target.Metrics[0].Period = 600
		for values, want := range map[string]AlarmState{"10 60 60 60": AlarmingState, "60 10 60 60": OKState} {
			a := s.metric(0, values).decide().Policies[0].Alarms[0]
			if span := int64(len(a.Values)) * a.Period; a.State != want || span != 1800 {
				t.Errorf("%s: %s over %d s, expected %s over 1800 s", values, a.State, span, want)
			}
		}
	})
	t.Run("case 230: at minute 5 minutes 1 to 5 of a 300 s period, at minute 6 minutes 2 to 6", func(t *testing.T) {
		p := stepping("p", GreaterThanThreshold, 50, above(ChangeInCapacity, 1))
		s := newScene(t, 1, 10, p)
		for minute := 5; minute <= 6; minute++ {
			s.at(60 * minute)
			// The reader asks for buckets that end at the full minute, whatever the period is.
			s.o.Series[0] = &Series{Period: 300, End: noon.Unix() + int64(60*minute), Values: parse("10 60")}
			a := s.decide().Policies[0].Alarms[0]
			if first := a.End - a.Period - noon.Unix(); first != int64(60*(minute-5)) || a.State != AlarmingState {
				t.Errorf("at minute %d the window begins at %d s: %s", minute, first, a.State)
			}
		}
	})
}

// TestAJobOfEveryThirdDay is CloudWatch's own example: a job that runs each third day at 10:00 reports 1 when it has succeeded and
// otherwise nothing but zeros; the alarm goes off when three days have passed without a success.
func TestAJobOfEveryThirdDay(t *testing.T) {
	p := stepping("p", LessThanThreshold, 1, below(ChangeInCapacity, -1))
	p.Alarms[0].EvaluationPeriods, p.Alarms[0].DatapointsToAlarm = 72, 72
	s := newScene(t, 1, 10, p)
	s.target.Metrics[0].Period, s.target.Metrics[0].Hourly = 3600, true
	ten := time.Date(2026, 1, 10, 10, 0, 0, 0, time.UTC)
	// Buckets by the hour they begin: the last success three days before, in the hour from 10:00 on; today it fails at 10:02 and
	// succeeds at 11:43, which is in the bucket that ends at 12:00.
	values := "0x5 1 0x71 0 1"
	for _, c := range []struct {
		name  string
		after time.Duration
		want  AlarmState
	}{
		{"case 232: at 10:03, just after the failure, it is OK", 3 * time.Minute, OKState},
		{"case 232: at 11:03 it is in ALARM", time.Hour + 3*time.Minute, AlarmingState},
		{"case 232: at 11:44, repaired, it is still", time.Hour + 44*time.Minute, AlarmingState},
		{"case 232: at 12:03 it is OK", 2*time.Hour + 3*time.Minute, OKState},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.now = ten.Add(c.after)
			s.o.Series[0] = &Series{Period: 3600, End: ten.Add(2 * time.Hour).Unix(), Values: parse(values)}
			if got := s.decide().Policies[0].Alarms[0].State; got != c.want {
				t.Errorf("%s, expected %s", got, c.want)
			}
		})
	}
}
