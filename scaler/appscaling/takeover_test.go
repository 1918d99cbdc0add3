package appscaling

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
)

// TestPropertyHandbackRestoresWhatTheFirstTakeoverFound lets takeovers and handbacks end anywhere, as a killed process does, and go on.
func TestPropertyHandbackRestoresWhatTheFirstTakeoverFound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		targets := make([]Target, rapid.IntRange(1, 4).Draw(rt, "targets"))
		for i := range targets {
			on := func(name string) bool { return rapid.Bool().Draw(rt, name) }
			targets[i] = Target{ARN: fmt.Sprint("arn", i), Cluster: "c", Service: fmt.Sprint("s", i), Now: evaluator.SuspendedState{DynamicScalingIn: on("in"), DynamicScalingOut: on("out"), Scheduled: on("scheduled")}}
		}
		before := slices.Clone(targets)
		var record Record
		carryOut := func(changes []Change, steps int) bool {
			for _, c := range changes[:min(steps, len(changes))] {
				targets[slices.IndexFunc(targets, func(t Target) bool { return t.ARN == c.ARN })].Now = c.To
			}
			return steps >= len(changes)
		}
		for range rapid.IntRange(1, 6).Draw(rt, "commands") {
			steps := rapid.IntRange(0, 5).Draw(rt, "steps")
			if rapid.Bool().Draw(rt, "takeover") {
				after, changes := record.Takeover("r", time.Unix(0, 0), targets)
				record = after // it is written first
				carryOut(changes, steps)
				continue
			}
			after, changes, gone := record.Handback("r", Choice{Cluster: "c"}, targets)
			if len(gone) > 0 {
				rt.Fatalf("gone: %v", gone)
			}
			if carryOut(changes, steps) {
				record = after
			}
		}
		after, changes, _ := record.Handback("r", Choice{Cluster: "c"}, targets)
		carryOut(changes, len(changes))
		if !slices.Equal(targets, before) || len(after.Targets) > 0 {
			rt.Fatalf("%v is %v in the end, and the record has %v", before, targets, after.Targets)
		}
	})
}

func TestARecordKnowsItsTargets(t *testing.T) {
	here := Target{ARN: "arn1", Cluster: "c", Service: "s"}
	record, _ := Record{}.Takeover("eu-west-1", time.Unix(0, 0), []Target{here})
	anew, elsewhere := here, here
	anew.ARN = "arn2"
	for name, c := range map[string]struct {
		region string
		chosen Choice
		target Target
		gone   int
	}{
		"a target that was registered anew is another one": {"eu-west-1", Choice{Cluster: "c"}, anew, 1},
		"one of another region is not meant":               {"eu-west-2", Choice{Cluster: "c"}, elsewhere, 0},
		"nor is one of another service":                    {"eu-west-1", Choice{Cluster: "c", Service: "other"}, Target{ARN: "x", Cluster: "c", Service: "other"}, 0},
	} {
		after, changes, gone := record.Handback(c.region, c.chosen, []Target{c.target})
		if len(changes) > 0 || len(gone) != c.gone || len(after.Targets) != 1 {
			t.Errorf("%s: changes %v, gone %v, kept %v", name, changes, gone, after.Targets)
		}
	}
}
