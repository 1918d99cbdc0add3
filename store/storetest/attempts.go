package storetest

import (
	"slices"
	"testing"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// stopped is a hold number i for a reason.
func stopped(i int, why evaluator.Reason) *store.DecisionRecord {
	d := decisionOf(i)
	d.Reason = why
	return d
}

// readAttempts goes through all pages and names each attempt by its minute and what it is.
func readAttempts(t *testing.T, s *store.Store, q store.Query) []string {
	t.Helper()
	var names []string
	for _, a := range pages(t, s.Attempts, q) {
		if a.Activity != nil {
			names = append(names, a.Activity.StartTime.Format("04")+" "+string(a.Activity.Status))
			continue
		}
		names = append(names, a.NotScaled.Time.Format("04")+" "+string(a.NotScaled.Reason))
	}
	return names
}

func attemptsInOrder(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	commit(t, s, store.Changes{
		Activities: []*store.Activity{withStatus(activityOf(1), evaluator.Failed), activityOf(4)},
		Decisions: []*store.DecisionRecord{
			stopped(2, evaluator.AlreadyAtMaxCapacity), stopped(3, evaluator.CooldownInEffect), stopped(4, evaluator.WithinTarget),
			stopped(5, evaluator.AlreadyAtDesiredCapacity), stopped(6, evaluator.TargetServicePutResourceAsUnscalable),
		},
	})
	s = restart(t, s, life)
	all := []string{
		"06 TargetServicePutResourceAsUnscalable", "05 AlreadyAtDesiredCapacity", "04 Pending", "02 AlreadyAtMaxCapacity", "01 Failed",
	}
	for _, c := range []struct {
		name string
		q    store.Query
		want []string
	}{
		{"all of them", store.Query{}, all},
		{"in pages of two", store.Query{Limit: 2}, all},
		{"in pages of one", store.Query{Limit: 1}, all},
		{"the failed ones", store.Query{Status: "Failed"}, []string{all[0], all[3], all[4]}},
		{"the successful ones", store.Query{Status: "Successful"}, all[1:2]},
		{"those of a service", store.Query{Service: keyOf(2).Service}, []string{all[1], all[3]}},
		{"of a span", store.Query{Since: at(2), Until: at(5)}, all[2:4]},
		{"of a direction", store.Query{Direction: "scale_out"}, []string{all[2], all[4]}},
		{"of a reason", store.Query{Reason: "AlreadyAtMaxCapacity"}, all[3:4]},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := readAttempts(t, s, c.q); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
	t.Run("the decisions alone are all there without a status", func(t *testing.T) {
		if got := pages(t, s.Decisions, store.Query{}); len(got) != 5 {
			t.Errorf("%d decisions, want 5", len(got))
		}
	})
	for _, q := range []store.Query{{Cursor: "="}, {Action: "hold", Direction: "scale_in"}} {
		if rows, _, err := s.Attempts(q); err == nil || len(rows) != 0 {
			t.Errorf("%+v is not refused", q)
		}
	}
}
