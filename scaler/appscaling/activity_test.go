package appscaling

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// past is one activity of a scenario; each begins a minute after the one before.
type past struct{ status, description, cause, message, reason string }

func scaled(n int, status, message string) past {
	return past{status, fmt.Sprintf("Setting desired count to %d.", n), "monitor alarm a in state ALARM triggered policy p with spaces", message, ""}
}

func unscaled(code string) past {
	return past{"Failed", "Attempting to scale due to alarm triggered", "monitor alarm a in state ALARM triggered policy p", "", code}
}

// historyOf is what History makes of activities, oldest first.
func historyOf(t *testing.T, all ...past) []Activity {
	t.Helper()
	var b strings.Builder
	b.WriteString("region: eu-west-2\nservices: [{service: c/s, desired: 1}]\napplication_autoscaling:\n  scaling_activities:\n")
	start := time.Now().UTC().Add(-time.Hour).Truncate(time.Second)
	for i, a := range all {
		fmt.Fprintf(&b, "    - {ActivityId: a%d, ResourceId: service/c/s, StatusCode: %s, Description: %q, Cause: %q, StatusMessage: %q, StartTime: %s",
			i, a.status, a.description, a.cause, a.message, start.Add(time.Duration(i)*time.Minute).Format(time.RFC3339))
		if a.reason != "" {
			fmt.Fprintf(&b, ", NotScaledReasons: [%s]", a.reason)
		}
		b.WriteString("}\n")
	}
	found, err := History(t.Context(), connected(t, b.String()), "c", "s")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTheCountBeforeAnActivityIsWhatTheOnesBeforeTell(t *testing.T) {
	bounds := past{"Successful", "Setting min capacity to 2 and max capacity to 5", "scheduled action name morning was triggered", "", ""}
	for name, c := range map[string]struct {
		all      []past
		from, to string
	}{
		"nothing before it":                         {[]past{scaled(4, "Successful", "")}, "?", "4"},
		"one that scaled":                           {[]past{scaled(2, "Successful", ""), scaled(4, "InProgress", "")}, "2", "4"},
		"one that failed left the count":            {[]past{scaled(2, "Successful", ""), scaled(9, "Failed", ""), scaled(4, "InProgress", "")}, "2", "4"},
		"overridden by somebody else":               {[]past{scaled(2, "Overridden", "Successfully set desired count to 2. Found it was later changed to 7."), scaled(4, "InProgress", "")}, "7", "4"},
		"overridden by the newest itself":           {[]past{scaled(2, "Overridden", "Successfully set desired count to 2. Found it was later changed to 4."), scaled(4, "InProgress", "")}, "2", "4"},
		"bounds are no count":                       {[]past{scaled(2, "Successful", ""), bounds, scaled(4, "Successful", "")}, "2", "4"},
		"a change of bounds sets no count":          {[]past{scaled(2, "Successful", ""), bounds}, "2", "?"},
		"one at its max did not scale":              {[]past{scaled(2, "Successful", ""), unscaled("{Code: AlreadyAtMaxCapacity, MaxCapacity: 5}")}, "5", "5"},
		"one at the count that it wants":            {[]past{unscaled("{Code: AlreadyAtDesiredCapacity, CurrentCapacity: 3}")}, "3", "3"},
		"flapping has no number, so the one before": {[]past{scaled(2, "Successful", ""), unscaled("{Code: AutoScalingAnticipatedFlapping}")}, "2", "?"},
	} {
		newest := historyOf(t, c.all...)[0]
		if got := text(newest.From); got != c.from {
			t.Errorf("%s: from %s, want %s", name, got, c.from)
		}
		if got := text(newest.To); got != c.to {
			t.Errorf("%s: to %s, want %s", name, got, c.to)
		}
	}
}

func text(n *int) string {
	if n == nil {
		return "?"
	}
	return fmt.Sprint(*n)
}

func TestAnActivityNamesItsPolicy(t *testing.T) {
	if got := historyOf(t, scaled(4, "Successful", ""))[0].Policy; got != "p with spaces" {
		t.Errorf("policy %q", got)
	}
	if a := historyOf(t, past{"Successful", "Setting desired count to 3.", "minimum capacity was set to 3", "", ""})[0]; a.Policy != "" || !a.Scaled() {
		t.Errorf("%+v", a)
	}
}

func TestScalingsAreReadToTheLastPage(t *testing.T) {
	const services = 120
	all, err := Scalings(t.Context(), connected(t, crowd(services)))
	if err != nil || len(all) != services {
		t.Fatalf("%d scalings, %v", len(all), err)
	}
	for i := range all {
		if s := &all[i]; s.Min != 1 || s.Max != 4 || strings.Join(s.Policies, " ") != "out" || strings.Join(s.Scheduled, " ") != "morning" {
			t.Fatalf("%+v", s)
		}
	}
}

func TestScalingsSayWhatTheyMayNotRead(t *testing.T) {
	for _, operation := range []string{"DescribeScalableTargets", "DescribeScalingPolicies", "DescribeScheduledActions", "DescribeScalingActivities"} {
		clients := connected(t, "region: eu-west-2\nservices: [{service: c/s, desired: 1}]\nfaults: [{kind: access_denied, operation: "+operation+"}]\n")
		_, err := Scalings(t.Context(), clients)
		if operation == "DescribeScalingActivities" {
			_, err = History(t.Context(), clients, "c", "s")
		}
		if err == nil || !strings.Contains(err.Error(), "allow the action application-autoscaling:"+operation) {
			t.Errorf("without %s: %v", operation, err)
		}
	}
}
