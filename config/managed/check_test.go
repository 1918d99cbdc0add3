package managed

import (
	"strings"
	"testing"
)

func lost(doc Document) string {
	lines := make([]string, len(doc.Losses))
	for i, l := range doc.Losses {
		lines[i] = l.String()
	}
	return strings.Join(lines, "\n")
}

// What the configuration would refuse is left out and named, and the rest stays.
func TestCheckLeavesOutWhatTheConfigurationRefuses(t *testing.T) {
	good := Tracking{Name: "cpu", Predefined: "ECSServiceAverageCPUUtilization", TargetValue: 60, ScaleOutCooldown: Cooldown, ScaleInCooldown: Cooldown}
	same, zero, twice := good, good, good
	same.Name = "cpu again"
	zero.Name, zero.TargetValue, zero.Predefined = "zero", 0, "ECSServiceAverageMemoryUtilization"
	twice.Predefined = "ECSServiceAverageMemoryUtilization"
	two := 2
	doc := Check(Document{Region: "Not A Region", Targets: []Target{
		{Cluster: "c", Service: "s", Min: 1, Max: 4, Tracking: []Tracking{good, same, zero, twice},
			Actions: []Action{{Name: "day", Schedule: "cron(0 8 * * * *)", Min: &two}}},
		{Cluster: "c", Service: "s", Min: 1, Max: 2},
		{Cluster: "c", Service: "reversed", Min: 3, Max: 2},
		{Cluster: "c", Service: "*", Min: 1, Max: 2},
	}})
	if len(doc.Targets) != 1 || len(doc.Targets[0].Tracking) != 2 || doc.Targets[0].Tracking[1].Name != "cpu-2" || doc.Region != "" {
		t.Fatalf("kept %+v", doc)
	}
	if got := doc.Targets[0].Actions[0].Schedule; got != "cron(0 8 ? * * *)" && got != "cron(0 8 * * ? *)" {
		t.Errorf("schedule %s", got)
	}
	for _, want := range []string{
		"only one target-tracking policy is allowed for one metric", "must be above 0", "is cpu-2 here", "c/s has an entry already",
		"min_capacity (3) must not exceed max_capacity (2)", "(c/*)", "not the name of an AWS region", "schedule = cron(0 8 * * * *): is cron",
	} {
		if !strings.Contains(lost(doc), want) {
			t.Errorf("nobody said %q in\n%s", want, lost(doc))
		}
	}
}
