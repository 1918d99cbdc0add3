package sim_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"ecs-autoscaler/sim"
)

func TestAnEmptyScenarioIsAnEmptyRegion(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "{}"} {
		w := newWorld(t, text)
		if n := len(w.Services()); n != 0 {
			t.Errorf("%q has %d services", text, n)
		}
	}
}

// TestMistakesAreNamedWithTheirPlace has one scenario for each rule of docs/simulated-region.md.
func TestMistakesAreNamedWithTheirPlace(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"regoin: x", `s.yaml:1:1: unknown field "regoin"`},
		{"seed: 1\nseed: 2", "s.yaml:2:1: "},
		{"services: {}", "s.yaml:1:11: "},
		{"seed: many", "s.yaml:1:7: "},
		{"services: [", "s.yaml:1:"},
		{"region: a\n---\nregion: b", "s.yaml:3:"},
		{"region: London", `s.yaml:1:9: region: "London" is no region`},
		{"account: '12'", "s.yaml:1:10: account: "},
		{"history: -5m", "s.yaml:1:10: history: must not be negative"},
		{"response_time: -1", "response_time: must not be negative"},
		{"history: soon", `s.yaml:1:10: "soon" is no duration`},
		{"history: 1e300", "is no duration"},
		{"start: tomorrow", `s.yaml:1:8: "tomorrow" is no time`},
		{"publication: {delay: -1s}", "s.yaml:1:22: publication.delay: must not be negative"},
		{"limits: {page_datapoints: 200000}", "limits.page_datapoints: 200000 is outside 1 to 100800"},
		{"limits: {recorded_calls: -1}", "limits.recorded_calls: -1"},
		{"limits: {rates: {Fly: {burst: 1}}}", `"Fly" is neither an operation nor one of the rate classes`},
		{"limits: {rates: {UpdateService: {burst: 0}}}", "burst must be at least 1"},
		{"clusters: [{name: a b}]", `s.yaml:1:19: clusters[0].name: "a b" is no cluster name`},
		{"clusters: [{name: a}, {name: a}]", "clusters[1].name: the cluster a is there already"},
		{"clusters: [{name: a, status: BROKEN}]", `"BROKEN" must be ACTIVE or INACTIVE`},
		{"services: [{service: lonely}]", `services[0].service: "lonely/" is not cluster/service`},
		{"services: [{service: c/s}, {service: c/s}]", "services[1].service: the service c/s is there already"},
		{"services: [{service: c/s, count: 3}]", "one place for the number"},
		{"services: [{service: c/s-%d, count: -3}]", "count: -3 is outside"},
		{"services: [{service: c/s, desired: -1}]", "s.yaml:1:36: services[0].desired: -1 is outside 0 to 5000"},
		{"services: [{service: c/s, desired: 6000}]", "desired: 6000 is outside"},
		{"services: [{service: c/s, task_start: -1}]", "task_start: must not be negative"},
		{"services: [{service: c/s, placement_limit: -2}]", "placement_limit: must be a number of tasks"},
		{"services: [{service: c/s, status: ASLEEP}]", `"ASLEEP" must be one of ACTIVE, DRAINING, INACTIVE`},
		{"services: [{service: c/s, scheduling_strategy: RANDOM}]", "must be one of REPLICA, DAEMON"},
		{"services: [{service: c/s, launch_type: MOON}]", "must be one of FARGATE, EC2, EXTERNAL"},
		{"services: [{service: c/s, deployment_controller: ME}]", "must be one of ECS, CODE_DEPLOY, EXTERNAL"},
		{"services: [{service: c/s, deployment: {minimum_healthy_percent: 101}}]", "101 is outside 0 to 100"},
		{"services: [{service: c/s, deployment: {maximum_percent: 99}}]", "99 is outside 100 to 400"},
		{"services: [{service: c/s, deployment: {bake: 1m}}]", "only CODE_DEPLOY and EXTERNAL services bake"},
		{"services: [{service: c/s, deployment: {bake: -1m}}]", "bake: must not be negative"},
		{"services: [{service: c/s, resolution: 30}]", "resolution: 30 must be 20 or 60"},
		{"services: [{service: c/s, cpu: {noise: -1}}]", "cpu.noise: -1 is outside"},
		{"services: [{service: c/s, memory: {per_load: .nan}}]", "memory.per_load: NaN is outside"},
		{"services: [{service: c/s, publication: {partial: -1}}]", "publication.partial: must not be negative"},
		{"services: [{service: c/s, load_balancer: {resource_label: x}}]", `"x" is not app/NAME/ID/targetgroup/NAME/ID`},
		{"services: [{service: c/s, load_balancer: {resource_label: app/a/1/targetgroup/b/2, requests_per_load: -1}}]", "requests_per_load: must not"},
		{"services: [{service: c/s, events: [{at: 1m}]}]", "events[0]: nothing happens"},
		{"services: [{service: c/s, events: [{at: 1m, desired: -1}]}]", "events[0].desired: -1"},
		{"services: [{service: c/s, events: [{at: 1m, status: NEW}]}]", `events[0].status: "NEW"`},
		{"services: [{service: c/s, events: [{at: 1m, placement_limit: -9}]}]", "events[0].placement_limit"},
		{"services: [{service: c/s, events: [{at: 1m, kill: -1}]}]", "events[0].kill"},
		{"services: [{service: c/s, load: high}]", "s.yaml:1:33: a curve is a number, or a mapping"},
		{"services: [{service: c/s, load: {}}]", "exactly one of constant, steps, line, ramp, sine, square, trace, sum; this one has 0"},
		{"services: [{service: c/s, load: {constant: 1, sum: [1]}}]", "this one has 2"},
		{"services: [{service: c/s, load: {cosine: 1}}]", `unknown field "cosine"`},
		{"services: [{service: c/s, load: 1000000000000000}]", "outside -1e12 to 1e12"},
		{"services: [{service: c/s, load: {sum: [1, {sine: {mean: 1}}]}}]", "load.sum[1].sine: period must be above 0"},
		{"services: [{service: c/s, load: {square: {low: 1, high: 2}}}]", "square: period must be above 0"},
		{"services: [{service: c/s, load: {square: {low: 1, high: 2, period: 60, duty: 2}}}]", "duty: 2 is outside 0 to 1"},
		{"services: [{service: c/s, load: {ramp: {from: 1, to: 2}}}]", "an end later than its start"},
		{"services: [{service: c/s, load: {steps: []}}]", "at least one point"},
		{"services: [{service: c/s, load: {line: [{at: 1, value: 1}, {at: 1, value: 2}]}}]", "line[1].at: 1s is not later"},
		{"services: [{service: c/s, load: {every: 60, line: [{at: 70, value: 1}]}}]", "outside one repetition of 1m0s"},
		{"services: [{service: c/s, load: {every: 60, constant: 1}}]", "every repeats steps and line only"},
		{"services: [{service: c/s, load: {trace: {file: none.csv}}}]", "load.trace.file: open none.csv"},
		{"services: [{service: c/s, load: {trace: {file: ../x.csv}}}]", "without .."},
		{"services: [{service: c/s, load: {trace: {file: bad.csv}}}]", "bad.csv:1: a trace begins"},
		{"services: [{service: c/s, load: {trace: {file: t.csv, scale: 1, percentile: 50, is: 3}}}]", "scale and percentile exclude"},
		{"services: [{service: c/s, load: {trace: {file: t.csv, percentile: 50}}}]", "percentile and is belong together"},
		{"services: [{service: c/s, load: {trace: {file: t.csv, percentile: 150, is: 3}}}]", "150 is outside 0 to 100"},
		{"services: [{service: c/s, load: {trace: {file: zero.csv, percentile: 50, is: 3}}}]", "cannot be scaled"},
		{"services: [{service: c/s, load: {trace: {file: t.csv, from: 2020-01-01T00:00:00Z}}}]", "the trace lasts from"},
		{"custom_metrics: [{metric_name: m, value: 1}]", "namespace and metric_name are needed"},
		{"custom_metrics: [{namespace: n, metric_name: m}]", "value is needed"},
		{"custom_metrics: [{namespace: AWS/ECS, metric_name: m, value: 1}]", "follow from the services"},
		{"custom_metrics: [{namespace: n, metric_name: m, value: 1, resolution: 7}]", "7 must be 1, 5, 10, 20, 30 or 60"},
		{"custom_metrics: [{namespace: n, metric_name: m, value: 1, noise: -1}]", "-1 is outside"},
		{"custom_metrics: [{namespace: n, metric_name: m, value: 1, per_task_of: c/s}]", `there is no service "c/s"`},
		{"custom_metrics: [{namespace: n, metric_name: m, value: 1}, {namespace: n, metric_name: m, value: 2}]", "there already"},
		{"faults: [{kind: rain}]", `s.yaml:1:17: faults[0].kind: "rain" is none of the kinds`},
		{"faults: [{kind: throttling, to: 1m, for: 1m}]", "to and for exclude each other"},
		{"faults: [{kind: throttling, from: 2m, to: 1m}]", "the end must be later"},
		{"faults: [{kind: throttling, probability: 0}]", "0 is not above 0"},
		{"application_autoscaling: {scalable_targets: [{ResourceId: x, MaxCapacity: 1}]}", "ResourceId must be service/CLUSTER/SERVICE"},
		{"application_autoscaling: {scalable_targets: [{ResourceId: service/c/s}]}", "MaxCapacity is needed"},
		{"application_autoscaling: {scalable_targets: [{Min: 1}]}", "Min: no member of the API's structure"},
		{"application_autoscaling: {scalable_targets: [{ResourceId: service/c/s, MaxCapacity: 1, CreationTime: now}]}", "now is no time"},
	} {
		files := fstest.MapFS{
			"bad.csv":  {Data: []byte("x\n")},
			"t.csv":    {Data: []byte("timestamp,value\n2018-04-25T00:00:00Z,1\n")},
			"zero.csv": {Data: []byte("timestamp,value\n2018-04-25T00:00:00Z,0\n")},
		}
		_, err := sim.ParseScenario("s.yaml", []byte(c.text), files)
		if err == nil || !strings.Contains(err.Error(), c.want) || !regexp.MustCompile(`^s\.yaml:\d+:\d+: `).MatchString(err.Error()) {
			t.Errorf("%s\n got  %v\n want s.yaml:line:col and %q", c.text, err, c.want)
		}
	}
}

func TestEveryCurveCanBeWritten(t *testing.T) {
	files := fstest.MapFS{"t.csv": {Data: []byte("timestamp,value\n2018-04-25T00:00:00Z,10\n2018-04-25T00:10:00Z,30\n")}}
	for _, c := range []struct {
		curve string
		at    time.Duration
		want  float64
	}{
		{"3", time.Hour, 3},
		{"{constant: 3}", time.Hour, 3},
		{"{steps: [{at: 0, value: 1}, {at: 10m, value: 4}]}", 10 * time.Minute, 4},
		{"{steps: [{at: 0, value: 1}, {at: 10m, value: 4}], every: 20m}", 25 * time.Minute, 1},
		{"{line: [{at: 0, value: 1}, {at: 10m, value: 4}]}", 5 * time.Minute, 2.5},
		{"{ramp: {from: 1, to: 3, start: 10m, end: 20m}}", 15 * time.Minute, 2},
		{"{sine: {mean: 5, amplitude: 2, period: 1h}}", 15 * time.Minute, 7},
		{"{square: {low: 1, high: 6, period: 10m, duty: 0.2, phase: 5m}}", 6 * time.Minute, 6},
		{"{sum: [1, {constant: 2}, {ramp: {from: 0, to: 1, end: 1s}}]}", time.Hour, 4},
		{"{trace: {file: t.csv, scale: 0.1}}", 5 * time.Minute, 2},
		{"{trace: {file: t.csv, percentile: 100, is: 6}}", time.Hour, 6},
		{"{trace: {file: t.csv, from: 2018-04-25T00:05:00Z, repeat: true}}", 0, 20},
		{"{trace: {file: traces/ms_mongo_app1_1m.csv, percentile: 100, is: 9}}", 7*time.Hour + 7*time.Minute, 9},
		{"-5", 0, 0}, // a load is never negative
	} {
		s, err := sim.ParseScenario("s.yaml", []byte("services: [{service: c/s, load: "+c.curve+"}]"), files)
		if err != nil {
			t.Errorf("%s: %v", c.curve, err)
			continue
		}
		now := epoch
		r, err := sim.New(s, func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(c.at)
		if got := r.Services()[0].Load; got < c.want-1e-9 || got > c.want+1e-9 {
			t.Errorf("%s at %v is %v, want %v", c.curve, c.at, got, c.want)
		}
	}
}

func TestManyServicesAreWrittenAsOne(t *testing.T) {
	w := newWorld(t, "services: [{service: big/w-%05d, count: 10000, desired: 2, stagger: 100m, load: {steps: [{at: 0s, value: 1}, {at: 50m, value: 2}]}}]")
	all := w.Services()
	if len(all) != 10_000 || all[0].Service != "w-00000" || all[9999].Service != "w-09999" {
		t.Fatalf("%d services from %s to %s", len(all), all[0].Service, all[len(all)-1].Service)
	}
	w.pass(75 * time.Minute)
	if a, b := w.Services()[0].Load, w.Services()[5000].Load; a != 2 || b != 1 {
		t.Errorf("loads %v and %v, want the later one staggered by 50 minutes", a, b)
	}
}

func TestTimeZeroIsTheStartOfTheScenarioOrOfTheRegion(t *testing.T) {
	if w := newWorld(t, "{}"); !w.Zero().Equal(epoch) || w.Elapsed() != 0 {
		t.Errorf("time zero is %v, want the clock's first reading", w.Zero())
	}
	w := newWorld(t, "{start: 2025-12-31T23:00:00Z, region: eu-west-2, services: [{service: c/s, desired: 1, events: [{at: 30m, desired: 3}]}]}")
	if w.Elapsed() != time.Hour || w.Services()[0].Desired != 3 {
		t.Errorf("an hour after its start %v passed and %d are wanted, want 1h and 3", w.Elapsed(), w.Services()[0].Desired)
	}
}

func TestAHistoryIsThereBeforeTimeZero(t *testing.T) {
	w := newWorld(t, "{history: 10m, services: [{service: c/s, desired: 1, load: 0.5}]}")
	r := w.data(time.Hour, stat("m", "CPUUtilization", "c/s", "Average", 60)).MetricDataResults[0]
	expect(t, "minutes", minutes(r.Timestamps), []float64{-10, -9, -8, -7, -6, -5, -4, -3, -2})
}

func TestARegionNeedsAScenarioAndAClock(t *testing.T) {
	if _, err := sim.New(nil, time.Now); err == nil {
		t.Error("a region without a scenario was made")
	}
	s, err := sim.ParseScenario("s.yaml", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sim.New(s, nil); err == nil {
		t.Error("a region without a clock was made")
	}
}

func TestTheExamplesAreScenarios(t *testing.T) {
	const folder = "../examples/scenarios"
	files, err := os.ReadDir(folder)
	if err != nil || len(files) < 2 {
		t.Fatalf("%d example scenarios, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(folder + "/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sim.ParseScenario(f.Name(), text, os.DirFS(folder)); err != nil {
			t.Error(err)
		}
	}
}

// TestTheDocumentedScenariosAreRight reads every yaml block of the documentation.
func TestTheDocumentedScenariosAreRight(t *testing.T) {
	text, err := os.ReadFile("../docs/simulated-region.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) == 0 {
		t.Fatalf("%d yaml blocks", len(blocks))
	}
	for _, block := range blocks {
		if _, err := sim.ParseScenario("simulated-region.md", []byte(block[1]), nil); err != nil {
			t.Errorf("%v in\n%s", err, block[1])
		}
	}
}

// TestEveryKeyIsDocumented looks each key of the scenario file up in the documentation.
func TestEveryKeyIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/simulated-region.md")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("document.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range regexp.MustCompile(`yaml:"(\w+)"`).FindAllStringSubmatch(string(code), -1) {
		if !regexp.MustCompile(`\b` + key[1] + `\b`).Match(doc) {
			t.Errorf("docs/simulated-region.md does not mention the key %s", key[1])
		}
	}
	for _, kind := range kindsOfFaults(t) {
		if !strings.Contains(string(doc), "`"+kind+"`") {
			t.Errorf("docs/simulated-region.md does not mention the fault %s", kind)
		}
	}
}

// kindsOfFaults reads the kinds from the error about an unknown one.
func kindsOfFaults(t *testing.T) []string {
	t.Helper()
	_, err := sim.ParseScenario("s", []byte("faults: [{kind: x}]"), nil)
	if err == nil {
		t.Fatal("an unknown kind was accepted")
	}
	_, list, _ := strings.Cut(err.Error(), "none of the kinds ")
	return strings.Split(list, ", ")
}

func FuzzParseScenario(f *testing.F) {
	f.Add(busy)
	f.Add(shop)
	f.Add("services: [{service: c/s-%d, count: 2, load: {sum: [1, {sine: {mean: 1, period: 1h}}]}}]\nfaults: [{kind: slow, for: 1m}]")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "count") && len(regexp.MustCompile(`\d{4,}`).FindString(text)) > 0 {
			return // a million services are right, and slow
		}
		s, err := sim.ParseScenario("s.yaml", []byte(text), nil)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "s.yaml:") {
				t.Fatalf("the error has no place: %v", err)
			}
			return
		}
		r, err := sim.New(s, func() time.Time { return epoch })
		if err != nil {
			t.Fatal(err)
		}
		r.Services()
	})
}
