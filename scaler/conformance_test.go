package scaler

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// attempts are what DescribeScalingActivities would give with IncludeNotScaledActivities, newest first.
func (b *bench) attempts() []store.Attempt {
	b.t.Helper()
	page, _, err := b.store.Attempts(store.Query{})
	if err != nil {
		b.t.Fatal(err)
	}
	return page
}

func TestTheCourseOfAnActivity(t *testing.T) {
	t.Run("case 374: Pending, InProgress, Successful", func(t *testing.T) {
		w := newWorld()
		w.add("web", 2)
		w.value, w.startAfter = constant(100), 90*time.Second
		b := newBench(t, w, tracking)
		var course []string
		note := func() {
			for _, a := range b.activities() {
				course = append(course, string(a.Status)+": "+a.StatusMessage)
			}
		}
		w.onWrite = func(evaluator.Key, int) (bool, error) {
			note()
			return false, nil
		}
		b.pass()
		note()
		b.minutes(2)
		note()
		want := []string{
			"Pending: ",
			"InProgress: Successfully set desired count to 4. Waiting for change to be fulfilled by ecs.",
			"Successful: Successfully set desired count to 4. Change successfully fulfilled by ecs.",
		}
		if !slices.Equal(course, want) {
			t.Errorf("the activity was\n%s", strings.Join(course, "\n"))
		}
	})
	t.Run("case 376: without room in the cluster it is InProgress after half an hour", func(t *testing.T) {
		w := newWorld()
		w.add("web", 2)
		w.value, w.startAfter = constant(100), 24*time.Hour
		b := newBench(t, w, tracking)
		b.pass()
		b.minutes(30)
		if all := b.activities(); len(all) != 1 || all[0].Status != evaluator.InProgress || !all[0].EndTime.IsZero() {
			t.Errorf("activities %+v, want one in progress", all)
		}
	})
}

func TestWhatDidNotScaleIsRecordedOnce(t *testing.T) {
	t.Run("case 377: ten minutes in ALARM at max are one entry", func(t *testing.T) {
		w := newWorld()
		w.add("web", 10)
		w.value = constant(100)
		b := newBench(t, w, tracking)
		b.pass()
		b.minutes(10)
		all := b.attempts()
		if len(all) != 1 || all[0].NotScaled == nil || all[0].NotScaled.Reason != evaluator.AlreadyAtMaxCapacity ||
			all[0].NotScaled.NotScaledStatus() != evaluator.Failed {
			t.Errorf("attempts %+v, want one Failed for AlreadyAtMaxCapacity", all)
		}
	})
	t.Run("a change of the reason is another entry", func(t *testing.T) {
		w := newWorld()
		w.add("web", 10)
		w.value = constant(100)
		b := newBench(t, w, tracking)
		b.pass()
		b.minutes(3)
		w.value = constant(44.9) // wants as many tasks as there are
		b.minutes(20)
		var reasons []evaluator.Reason
		for _, a := range b.attempts() {
			if a.NotScaled != nil {
				reasons = append(reasons, a.NotScaled.Reason)
			}
		}
		if len(reasons) != len(slices.Compact(slices.Clone(reasons))) || len(reasons) == 0 {
			t.Errorf("reasons %v, want each once in a row", reasons)
		}
	})
}

func TestOldDataIsNotActedOn(t *testing.T) {
	t.Run("case 257: a decision of 15.6 s ago is made anew", func(t *testing.T) {
		w := newWorld()
		k := w.add("web", 2)
		w.value = constant(100)
		backend := &slowCommit{Backend: store.Memory()}
		b := openBench(t, w, tracking, backend)
		backend.before = func() {
			backend.before = nil
			b.move(15600 * time.Millisecond)
		}
		if b.pass(); len(w.writes) != 0 {
			t.Errorf("%d writes on it", len(w.writes))
		}
		b.pass()
		b.expect(k, 4, evaluator.ByTargetTracking)
	})
	t.Run("one of 5.7 s ago is written", func(t *testing.T) {
		w := newWorld()
		k := w.add("web", 2)
		w.value = constant(100)
		backend := &slowCommit{Backend: store.Memory()}
		b := openBench(t, w, tracking, backend)
		backend.before = func() {
			backend.before = nil
			b.move(5700 * time.Millisecond)
		}
		b.pass()
		b.expect(k, 4, evaluator.ByTargetTracking)
	})
}

func TestAFailedActivityHoldsNothingBack(t *testing.T) {
	t.Run("case 169: a minute after a write that failed it is tried again", func(t *testing.T) {
		w := newWorld()
		k := w.add("web", 2)
		w.value = constant(100)
		w.onWrite = func(evaluator.Key, int) (bool, error) {
			w.onWrite = nil
			return false, apiError("ServerException")
		}
		b := newBench(t, w, tracking)
		b.pass()
		b.minutes(1)
		b.expect(k, 4, evaluator.ByTargetTracking)
		if got := b.statuses(); !slices.Equal(got, []evaluator.ActivityStatus{evaluator.Successful, evaluator.Failed}) {
			t.Errorf("activities %v", got)
		}
	})
}

func TestACountBeyondTheQuotaIsRefusedByECSAndStays(t *testing.T) {
	t.Run("case 406: a desired count of 6,000", func(t *testing.T) {
		w := newWorld()
		k := w.add("web", 3000)
		w.value = constant(100)
		w.onWrite = func(_ evaluator.Key, n int) (bool, error) {
			if n > 5000 {
				return false, apiError("InvalidParameterException")
			}
			return true, nil
		}
		b := newBench(t, w, strings.ReplaceAll(tracking, "max_capacity: 10", "max_capacity: 10000"))
		b.pass()
		b.minutes(3)
		d := b.decision(k)
		if d.Wanted != 6000 || d.Outcome != "failed:invalid" || w.services[k].Desired != 3000 || len(w.writes) != 1 {
			t.Errorf("wanted %d, %s, desired %d after %d writes; want 6000, failed:invalid, 3000 after one", d.Wanted, d.Outcome, w.services[k].Desired, len(w.writes))
		}
	})
}
