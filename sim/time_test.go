package sim_test

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"pgregory.net/rapid"

	"ecs-autoscaler/sim"
)

// TestADayOfWatchingPassesInMilliseconds has the SDK read each minute of a day, with the clock of a bubble.
func TestADayOfWatchingPassesInMilliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, busy+"faults: [{kind: slow, delay: 200ms, probability: 0.01}]\n")
		s, err := sim.ParseScenario("s.yaml", []byte(busy), nil)
		if err != nil {
			t.Fatal(err)
		}
		if w.Region, err = sim.New(s, time.Now); err != nil {
			t.Fatal(err)
		}
		w.connect()
		begin, datapoints := time.Now(), 0
		ticker := time.NewTicker(time.Minute)
		defer ticker.Stop()
		for range 24 * 60 {
			w.mu.Lock()
			w.at = <-ticker.C
			w.mu.Unlock()
			datapoints += len(w.data(time.Minute, stat("m", "CPUUtilization", "c/s", "Average", 60)).MetricDataResults)
		}
		if passed := time.Since(begin); passed != 24*time.Hour || datapoints != 24*60 {
			t.Errorf("%v passed with %d answers, want a day with 1440", passed, datapoints)
		}
	})
}

func TestAMonthIsJumpedOverAtOnce(t *testing.T) {
	w := newWorld(t, thousands)
	w.pass(10 * 24 * time.Hour)
	r := w.data(time.Hour, stat("m", "CPUUtilization", "big/worker-00001", "Average", 60)).MetricDataResults[0]
	if len(r.Values) != 59 {
		t.Errorf("%d datapoints after ten days, want 59", len(r.Values))
	}
	if v := w.Services()[1]; v.TaskSeconds != 3*10*24*3600 {
		t.Errorf("%v task-seconds, want ten days of three tasks", v.TaskSeconds)
	}
}

const lively = `
seed: 5
publication: {delay: 40s, delay_spread: 30s, partial: 15s}
services:
  - {service: c/s, desired: 2, task_start: 20s, task_start_spread: 40s, load: {sine: {mean: 3, amplitude: 2, period: 20m}}, cpu: {noise: 5, spread: 3}}
  - {service: c/t, desired: 3, task_stop: 10s, load: 1.5, memory: {noise: 1}}
faults:
  - {kind: throttling, probability: 0.1}
  - {kind: missing_datapoints, probability: 0.2}
  - {kind: out_of_order, probability: 0.3}
`

// step is one thing a client does.
type step struct {
	pause   time.Duration
	service string
	desired int32 // -1 reads metrics instead
}

// play does the steps and returns all that was answered.
func play(t testing.TB, steps []step) []string {
	w := newWorld(t, lively)
	var answers []string
	for _, s := range steps {
		w.pass(s.pause)
		if s.desired >= 0 {
			out, err := w.ecs.UpdateService(w.context(), &ecs.UpdateServiceInput{Cluster: aws.String("c"), Service: &s.service, DesiredCount: &s.desired})
			if err != nil {
				answers = append(answers, code(err))
				continue
			}
			answers = append(answers, counts(*out.Service), fmt.Sprint(len(out.Service.Events)))
			continue
		}
		out, err := w.cw.GetMetricData(w.context(), w.input(20*time.Minute, stat("a", "CPUUtilization", "c/"+s.service, "Average", 60),
			stat("b", "MemoryUtilization", "c/"+s.service, "p90", 60)))
		if err != nil {
			answers = append(answers, code(err))
			continue
		}
		for _, r := range out.MetricDataResults {
			answers = append(answers, fmt.Sprint(minutes(r.Timestamps), r.Values, r.StatusCode))
		}
	}
	return append(answers, fmt.Sprintf("%+v", w.Services()))
}

func TestEqualScenariosClocksAndRequestsGiveEqualAnswers(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) step {
			return step{
				pause:   time.Duration(rapid.IntRange(0, 300).Draw(r, "pause")) * time.Second,
				service: rapid.SampledFrom([]string{"s", "t", "nobody"}).Draw(r, "service"),
				desired: rapid.Int32Range(-1, 6).Draw(r, "desired"),
			}
		}), 1, 15).Draw(r, "steps")
		if a, b := play(t, steps), play(t, steps); !reflect.DeepEqual(a, b) {
			r.Fatalf("two regions differ:\n%v\n%v", a, b)
		}
	})
}

func TestAllMayHappenAtOnce(t *testing.T) {
	w := newWorld(t, lively+"limits: {throttling: false}\n")
	things := []func(i int){
		func(int) { w.pass(7 * time.Second) },
		func(i int) { _ = w.SetDesired("c", "s", i%5) },
		func(int) { w.Services() },
		func(int) { w.Calls() },
		func(int) {
			id, _ := w.Inject(sim.Fault{Kind: sim.ServerError, Probability: 0.5})
			w.Clear(id)
		},
		func(int) { _, _ = w.SecondsAbove("c", "s", 50) },
		func(int) {
			_, _ = w.cw.GetMetricData(w.context(), w.input(time.Hour, stat("a", "CPUUtilization", "c/s", "Average", 60)))
		},
		func(int) {
			_, _ = w.ecs.DescribeServices(w.context(), &ecs.DescribeServicesInput{Cluster: aws.String("c"), Services: []string{"s", "t"}})
		},
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 24 {
				things[(worker+i)%len(things)](i)
			}
		})
	}
	group.Wait()
	if len(w.Calls()) != 8*24/4 {
		t.Errorf("%d calls were recorded, want a quarter of all that happened", len(w.Calls()))
	}
}

func TestEveryCallIsRecordedWithWhatItAsked(t *testing.T) {
	w := newWorld(t, shop)
	w.describe("api")
	w.pass(time.Minute)
	if err := w.update("api", 4); err != nil {
		t.Fatal(err)
	}
	_ = w.update("nobody", 4)
	w.data(time.Hour, stat("a", "CPUUtilization", "shop/api", "Average", 60), stat("b", "CPUUtilization", "shop/old", "Average", 60))
	calls := w.Calls()
	if len(calls) != 4 {
		t.Fatalf("%d calls, want 4", len(calls))
	}
	var got []string
	for i := range calls {
		c := &calls[i]
		got = append(got, fmt.Sprintf("%d %v %s %s %d %d %s", c.Number, c.Time.Sub(epoch), c.API, c.Operation, c.Queries, c.Status, c.Error))
	}
	expect(t, "calls", got, []string{
		"1 0s ecs DescribeServices 1 200 ", "2 1m0s ecs UpdateService 0 200 ",
		"3 1m0s ecs UpdateService 0 400 ServiceNotFoundException", "4 1m0s cloudwatch GetMetricData 2 200 ",
	})
	want := map[string]any{"cluster": "shop", "service": "api", "desiredCount": int64(4)}
	if input := calls[1].Input(); !reflect.DeepEqual(input, want) {
		t.Errorf("the input was %v, want %v", input, want)
	}
	if at := calls[3].Input()["EndTime"]; !reflect.DeepEqual(at, w.now()) {
		t.Errorf("the end was %v, want %v", at, w.now())
	}
	if later := w.CallsSince(3); len(later) != 1 || later[0].Number != 4 {
		t.Errorf("after the third call there are %d", len(later))
	}
}

func TestTheRecordKeepsTheNewestCalls(t *testing.T) {
	w := newWorld(t, shop+"limits: {recorded_calls: 10, throttling: false}\n")
	for range 25 {
		w.describe("api")
	}
	calls := w.Calls()
	if len(calls) != 10 || calls[0].Number != 16 || calls[9].Number != 25 || calls[0].Input() == nil {
		t.Errorf("%d calls from %d to %d, want the newest 10", len(calls), calls[0].Number, calls[len(calls)-1].Number)
	}
}

func TestTheRecordKeepsThePayloadsOfTheNewestCalls(t *testing.T) {
	w := newWorld(t, thousands+"limits: {recorded_megabytes: 1}\n")
	for _, in := range passOver(w, 5*time.Minute) {
		if _, err := w.cw.GetMetricData(w.context(), in); err != nil {
			t.Fatal(err)
		}
	}
	kept, calls := 0, w.Calls()
	for i := range calls {
		if calls[i].Input() != nil {
			kept++
		}
	}
	if len(calls) != 40 || kept == 0 || kept > 20 || calls[39].Input() == nil {
		t.Errorf("%d calls with %d payloads, want all 40 and the payloads of the newest", len(calls), kept)
	}
}

const growing = "services: [{service: c/s, desired: 2, task_start: 0s, load: {steps: [{at: 0s, value: 1}, {at: 10m, value: 1.8}, {at: 20m, value: 5}]}}]"

func TestTheDemoLooksAtServices(t *testing.T) {
	w := newWorld(t, growing)
	w.pass(15 * time.Minute)
	want := sim.ServiceView{Cluster: "c", Service: "s", Status: "ACTIVE", Desired: 2, Running: 2, Load: 1.8, CPU: 90, Memory: 47, TaskSeconds: 1800}
	if v, err := w.Service("c", "s"); err != nil || v != want {
		t.Errorf("view %+v, %v; want %+v", v, err, want)
	}
	if err := w.SetDesired("c", "s", 0); err != nil {
		t.Fatal(err)
	}
	if v, err := w.Service("c", "s"); err != nil || v.CPU != 100 || v.Running != 0 {
		t.Errorf("without a task the view is %+v, %v; want 100 %%", v, err)
	}
}

func TestTimeAboveAUtilizationIsAddedUp(t *testing.T) {
	w := newWorld(t, growing)
	w.pass(30 * time.Minute)
	if err := w.SetDesired("c", "s", 0); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	for percent, want := range map[float64]float64{95: 11 * 60, 60: 21 * 60, 40: 31 * 60, 100: 0} {
		if got, err := w.SecondsAbove("c", "s", percent); err != nil || got != want {
			t.Errorf("%v s above %v %%, %v; want %v", got, percent, err, want)
		}
	}
}

func TestNothingHappensToAServiceThatIsNotThere(t *testing.T) {
	w := newWorld(t, growing)
	_, viewed := w.Service("c", "x")
	_, measured := w.SecondsAbove("c", "x", 1)
	for what, err := range map[string]error{"seen": viewed, "measured": measured, "changed": w.SetDesired("c", "x", 1), "deployed": w.Deploy("x", "s")} {
		if err == nil {
			t.Errorf("a service that does not exist was %s", what)
		}
	}
	for _, h := range []sim.Happening{{Status: "GONE"}, {Desired: new(-3)}, {PlacementLimit: new(-3)}, {Kill: -1}} {
		if err := w.Happen("c", "s", h); err == nil {
			t.Errorf("%+v happened", h)
		}
	}
}
