package evaluator

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenScene has most of what a decision can carry: a step with a gap in its data, and target tracking with credit.
func goldenScene(t *testing.T) *scene {
	step := graded()
	step.Alarms[0].EvaluationPeriods, step.Alarms[0].DatapointsToAlarm = 3, 2
	s := newScene(t, 1, 20, tracking("cpu", 50), step)
	s.m.Policies[0].Cooldown = Cooldown{ScaleOutFulfilled: noon.Add(-time.Minute), Added: 1}
	s.o.Service.Pending = 1
	return s.at(60).metric(0, "48x14 60x3").metric(1, "40 _ 62 64.5")
}

func TestGoldenDecision(t *testing.T) {
	golden(t, "testdata/decision.json", goldenScene(t).decide())
}

// A scale-out that is cut to its step beside a scale-in that every other rail holds back.
func TestGoldenDecisionWithRails(t *testing.T) {
	s := seesaw(t, FlapGuard{Reversals: 1, Within: 30 * time.Minute, Factor: 2, Longest: time.Hour})
	s.target.Rails.MaxScaleOutStep, s.target.Rails.ScaleInForbidden = StepLimit{Percent: 25}, office()
	s.o.Fleet = Fleet{Targets: 40, Unready: 9, HaltAbove: 20}
	s.m.Flaps = &FlapMemory{Direction: ScaleIn, Reversals: []time.Time{noon}}
	golden(t, "testdata/decision-rails-out.json", s.at(120).metric(0, "60").metric(1, "60").expect(5, ByStepScaling).decide())
	s.m.Activity, s.o.Fleet = ActivityMemory{}, Fleet{}
	s.target.Rails.ScaleInForbidden, s.m.Shared.ScaleOutFulfilled = nil, s.now
	golden(t, "testdata/decision-rails-in.json", s.metric(0, "20").metric(1, "20").expect(4, HeldByFlapGuard).decide())
}

// golden compares the JSON of a decision with a file.
func golden(t *testing.T, file string, d *Decision) {
	t.Helper()
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("the documented JSON changed; look at it, then go test -update\n got %s\nwant %s", text, want)
	}
}

// TestDocumentedKeys holds the contract of design.md section 5: these keys are there, absent numbers are null.
func TestDocumentedKeys(t *testing.T) {
	s := goldenScene(t)
	text, err := json.Marshal(s.metric(0, "48x15 _x5").metric(1, "_x5").decide())
	if err != nil {
		t.Fatal(err)
	}
	var d map[string]any
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	holds(t, "decision", d, "target", "time", "action", "reason", "outcome", "desired", "running", "wanted", "min", "max", "message", "policies", "next")
	p := d["policies"].([]any)[1].(map[string]any)
	holds(t, "policy", p, "name", "type", "action", "reason", "wanted", "metric", "alarms")
	if p["wanted"] != nil || p["metric"] != nil {
		t.Errorf("wanted %v and metric %v of a policy without data are not null", p["wanted"], p["metric"])
	}
	a := p["alarms"].([]any)[0].(map[string]any)
	holds(t, "alarm", a, "name", "state", "threshold", "datapoints")
	point := a["datapoints"].([]any)[0].(map[string]any)
	holds(t, "datapoint", point, "time", "value")
	if point["value"] != nil {
		t.Errorf("the value of a missing datapoint is %v", point["value"])
	}
	if d["target"] != "c/s" || d["time"] != "2026-01-01T12:01:00Z" || d["next"] != "2026-01-01T12:02:00Z" {
		t.Errorf("target %v, time %v, next %v", d["target"], d["time"], d["next"])
	}
}

func holds(t *testing.T, what string, object map[string]any, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if _, ok := object[k]; !ok {
			t.Errorf("%s has no key %q: %v", what, k, object)
		}
	}
}

func TestTimesAreUTC(t *testing.T) {
	s := goldenScene(t)
	s.now = s.now.In(time.FixedZone("somewhere", 5*3600))
	text, err := json.Marshal(s.decide())
	if err != nil || !bytes.Contains(text, []byte(`"time":"2026-01-01T12:01:00Z"`)) {
		t.Errorf("%v: %s", err, text)
	}
}

func TestAnInfiniteNumberDoesNotSpoilTheJSON(t *testing.T) {
	d := Decision{Policies: []PolicyDecision{{
		Metric: math.Inf(1), HasMetric: true, Alarms: []AlarmDecision{{Period: 60, Values: []float64{math.Inf(-1)}}},
	}}}
	if _, err := json.Marshal(d); err != nil {
		t.Error(err)
	}
}

func TestUnmarshalRefusesWhatIsNoDecision(t *testing.T) {
	for _, text := range []string{`{"desired":"four"}`, `[]`, `{"policies":[{"wanted":1.5}]}`, `{"time":"noon"}`} {
		d := Decision{Desired: 4}
		if err := json.Unmarshal([]byte(text), &d); err == nil || d.Desired != 4 {
			t.Errorf("%s: error %v, decision %+v", text, err, d)
		}
	}
}

// FuzzDecisionJSON: whatever can be read can be explained and written, and comes back the same.
func FuzzDecisionJSON(f *testing.F) {
	golden, err := os.ReadFile("testdata/decision.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"action":"scale_in","reason":"StaleData","policies":[{"wish":"scale_in","type":"TargetTrackingScaling"}],"policy":""}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var d, again Decision
		if json.Unmarshal(text, &d) != nil {
			return
		}
		_, _ = d.Message(), d.Cause()
		first, err := json.Marshal(d)
		if err != nil {
			return // A year beyond 9999 cannot be written.
		}
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatalf("cannot read again: %v: %s", err, first)
		}
		if second, err := json.Marshal(again); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%v:\n first %s\nsecond %s", err, first, second)
		}
	})
}
