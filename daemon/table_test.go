package daemon_test

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/store"
)

const tableState = "state: \"dynamodb:autoscaler\"\n"

// initState makes the table of tableState.
func (w *world) initState() {
	w.t.Helper()
	o := daemon.Options{
		Config: parse(w.t, tableState+"targets: [{service: c/web, min_capacity: 1, max_capacity: 2}]\n"), Logger: zap.NewNop(),
		AWS: awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: w.region.Transport()}},
	}
	if made, err := daemon.InitState(w.t.Context(), o); err != nil || !made.Created {
		w.t.Fatalf("made %+v, error %v", made, err)
	}
}

// To all that the daemon asks DynamoDB, a table that is being made is not there.
func TestATableThatIsStillBeingMadeIsNotSaidToBeMissing(t *testing.T) {
	inTime(t, square, func(w *world) {
		o := w.stateOf("dynamodb:autoscaler")
		open := func(want ...string) {
			t.Helper()
			_, _, err := daemon.OpenState(w.t.Context(), o)
			for _, part := range want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("error %v, want %q", err, part)
				}
			}
		}
		open("DynamoDB table autoscaler does not exist in this account and region: create it")
		made := make(chan struct{})
		go func() {
			defer close(made)
			w.initState()
		}()
		time.Sleep(2 * time.Second) // it takes 5
		open("DynamoDB table autoscaler is still being made (CREATING): start again when it is ACTIVE")
		<-made
	})
	inTime(t, square+"faults: [{kind: access_denied, operation: DescribeTable}]\n", func(w *world) {
		_, _, err := daemon.OpenState(w.t.Context(), w.stateOf("dynamodb:autoscaler"))
		if err == nil || !strings.Contains(err.Error(), "does not exist in this account and region: create it") || !strings.Contains(err.Error(), "; one that is just being made is there in about a minute") {
			t.Errorf("without the permission to describe tables: %v", err)
		}
	})
}

// spent are the request units that the state has cost so far, without the heartbeats (PutItem) and the looks at the leases (Query)
// that daemons make however many targets there are.
func (w *world) spent() (read, write float64) {
	for _, u := range w.region.TableUsage() {
		if u.Table == "autoscaler" && u.Operation != "PutItem" && u.Operation != "Query" {
			read, write = read+u.ReadUnits, write+u.WriteUnits
		}
	}
	return read, write
}

// costTime is what the test makes its figures of; those of the documentation are of a day.
var costTime = flag.Duration("cost.time", 2*time.Hour, "virtual time in which the cost of the state in DynamoDB is measured")

// Three services, each half day up and down once, with noise, by target tracking: what the state of one target costs in a month
// (docs/state.md). On demand, a million write units cost $0.625 and a million read units $0.125 in us-east-1.
func TestWhatATargetCostsInDynamoDB(t *testing.T) {
	const services = 3
	days := costTime.Hours() / 24
	scenario := "region: eu-west-2\nservices:\n"
	for i := range services {
		scenario += fmt.Sprintf("  - {service: c/web-%d, desired: 6, task_start: 45s, cpu: {noise: 3}, "+
			"load: {sine: {mean: 3, amplitude: 2, period: 12h, phase: %dm}}}\n", i, 17*i)
	}
	inTime(t, scenario, func(w *world) {
		w.initState()
		d := w.start(tableState+`
targets:
  - service: c/*
    min_capacity: 1
    max_capacity: 20
    target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50}]
`, nil)
		readBefore, writeBefore := w.spent()
		w.live(d, *costTime)
		read, write := w.spent()
		scaled := float64(w.called("UpdateService")) / services / days
		month := 30.0 / services / days
		read, write = (read-readBefore)*month, (write-writeBefore)*month
		t.Logf("a target-month: %.1f scalings a day, %.0f write units, %.0f read units, $%.4f", scaled, write, read, write*0.625e-6+read*0.125e-6)
		for _, u := range w.region.TableUsage() {
			t.Logf("%+v", u)
		}
		if write > 50*30*scaled || scaled < 5 {
			t.Errorf("%.0f write units at %.1f scalings a day; want less than 50 for each of them, and some scaling", write, scaled)
		}
	})
}

func TestHoldsAreNotKeptInDynamoDB(t *testing.T) {
	inTime(t, square, func(w *world) {
		w.initState()
		d := w.start(strings.Replace(tracking, memoryState, tableState, 1), nil)
		w.live(d, 150*time.Minute)
		s, _, err := daemon.OpenState(w.t.Context(), daemon.Options{Config: parse(t, strings.Replace(tracking, memoryState, tableState, 1)), AWS: awsapi.Options{
			Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: w.region.Transport()},
		}})
		if err != nil {
			t.Fatal(err)
		}
		decisions, _, err := s.Decisions(store.Query{Limit: 1000})
		if err != nil || len(decisions) < 4 {
			t.Errorf("%d decisions, error %v; want those that scaled", len(decisions), err)
		}
		for i := range decisions {
			if !decisions[i].Changed() {
				t.Errorf("%s at %s is kept", decisions[i].Reason, decisions[i].Time)
			}
		}
	})
}
