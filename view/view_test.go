package view

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
)

// members are those of the JSON of v.
func members(t *testing.T, v any) map[string]any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheGistOfADecisionHasTheMembersOfTheWhole(t *testing.T) {
	d := evaluator.Decision{
		Target: evaluator.Key{Account: "staging", Cluster: "c", Service: "web"}, Time: time.Unix(1767225600, 0), Action: evaluator.ScaleOut,
		Reason: evaluator.ByTargetTracking, Outcome: evaluator.OutcomeWritten, Desired: 2, Running: 1, Pending: 1, Wanted: 4, Min: 1, Max: 10,
		Policies: []evaluator.PolicyDecision{{Name: "cpu"}}, Next: time.Unix(1767225660, 0),
	}
	for _, policy := range []int{0, -1} {
		d.Policy = policy
		whole, gist := members(t, d), members(t, DecisionOf(&d))
		for name, value := range gist {
			want, ok := whole[name]
			if diff := cmp.Diff(want, value); !ok || diff != "" {
				t.Errorf("%s (-whole +gist):\n%s", name, diff)
			}
		}
		if len(gist) < 14 {
			t.Errorf("the gist has only %d members", len(gist))
		}
	}
}

func TestTheIDOfAnEventIsItsOwnAndTheSameEachTime(t *testing.T) {
	at, web := time.Unix(1767225600, 0), evaluator.Key{Cluster: "c", Service: "web"}
	event := About(config.EventAtMax, Begun, web, at)
	if again := About(config.EventAtMax, Begun, web, at.In(time.FixedZone("", 3600))); again.ID != event.ID || len(event.ID) != 32 {
		t.Errorf("%s, and again %s", event.ID, again.ID)
	}
	seen := map[string]bool{event.ID: true}
	for _, other := range []Event{
		About(config.EventConflict, Begun, web, at), About(config.EventAtMax, Ended, web, at), About(config.EventAtMax, Begun, web, at.Add(time.Second)),
		About(config.EventAtMax, Begun, web, at, "x"), About(config.EventAtMax, Begun, web, at, "x", ""),
		About(config.EventAtMax, Begun, evaluator.Key{Account: "c", Cluster: "web"}, at), About(config.EventAtMax, Begun, evaluator.Key{Cluster: "cw", Service: "eb"}, at),
	} {
		if seen[other.ID] {
			t.Errorf("%+v has the ID of another", other)
		}
		seen[other.ID] = true
	}
}
