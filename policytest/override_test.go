package policytest

import (
	"strings"
	"testing"
)

func TestAnOverrideSetsTheCountForSomeTime(t *testing.T) {
	checkStories(t, []story{
		{"within the bounds, until it is over", stepping, "    desired: 2\n" + quiet("30x12") + `    events: [{at: 90s, override: 5, for: 5m}]
    expect:
      - {between: [0s, 119s], desired: 2}
      - {between: [2m, 390s], desired: 5, reason: Override}
      - {between: [8m, 12m], desired: 5, reason: AlarmNotInAlarm}
`},
		{"policies want something else, and it is theirs again afterwards", stepping, "    desired: 2\n" + quiet("80x12") + `    events: [{at: 0s, override: 5, for: 5m}]
    expect:
      - {between: [0s, 299s], desired: 5, reason: Override}
      - {at: 5m, desired: 6, reason: StepScalingPolicy}
`},
		{"beyond max", stepping, "    desired: 2\n" + quiet("30x12") + `    events: [{at: 1m, override: 50, for: 1h}, {at: 3m, set: {max_capacity: 4}}, {at: 5m, set: {max_capacity: 20}}]
    expect:
      - {between: [1m, 179s], desired: 9}
      - {between: [3m, 299s], desired: 4}
      - {between: [5m, 12m], desired: 20}
`},
		{"somebody else's count is respected", stepping, "    desired: 2\n" + quiet("80x12") + `    events: [{at: 1m, override: 5, for: 1h}, {at: 3m, desired: 7}]
    expect: [{between: [3m, 12m], desired: 7, reason: Override}]
`},
		{"a write that fails is tried again", stepping, "    desired: 2\n" + quiet("30x12") + `    events: [{at: 1m, override: 5, for: 1h}, {at: 1m, fail: UpdateService, error: ServerException, for: 2m}]
    expect: [{between: [0s, 179s], desired: 2}, {between: [4m, 12m], desired: 5}]
`},
		{"a restart keeps it", stepping, "    desired: 2\n" + quiet("80x12") + `    events: [{at: 1m, override: 5, for: 10m}, {at: 3m, restart: true, down: 2m}]
    expect: [{between: [1m, 10m], desired: 5, reason: Override}]
`},
	})
}

func TestAnOverrideThatIsRefusedFailsTheTest(t *testing.T) {
	s := story{head: stepping, body: "    desired: 0\n" + quiet("30x9") + "    events: [{at: 2m, override: 5, for: 30m}]\n    expect: [{at: 3m, desired: 0}]\n"}
	got := s.failures(t)
	if len(got) != 1 || got[0].Expected != "the event override to happen" || !strings.Contains(got[0].Got, "it is not overridden") {
		t.Errorf("failures: %+v", got)
	}
}
