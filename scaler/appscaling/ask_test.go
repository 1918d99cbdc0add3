package appscaling

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
)

func TestAskingNamesFiftyServicesAtATimeAndStopsAtTheRate(t *testing.T) {
	const services = 60
	r := NewReader(connected(t, crowd(services)))
	var keys []evaluator.Key
	for i := range services {
		keys = append(keys, evaluator.Key{Cluster: "c", Service: fmt.Sprintf("s%03d", i)})
	}
	keys = append(keys, evaluator.Key{Cluster: "c", Service: "nobody"})
	now := time.Now()
	answers := r.Ask(t.Context(), now, keys)
	if len(answers) != len(keys) {
		t.Fatalf("%d answers for %d services", len(answers), len(keys))
	}
	for i, a := range answers {
		if managed := a.Target != nil; a.Err != nil || a.Key != keys[i] || managed != (i < services) {
			t.Fatalf("%+v", a)
		}
	}
	if err := r.Suspend(t.Context(), answers[7].Target); err != nil {
		t.Fatal(err)
	}
	if again := r.Ask(t.Context(), now, keys[7:9]); again[0].Target.Now != Suspended || again[1].Target.Now == Suspended {
		t.Errorf("after one was suspended: %+v and %+v", again[0].Target, again[1].Target)
	}
}

func TestWithoutAnyRateNobodyIsAsked(t *testing.T) {
	r := NewReader(connected(t, crowd(1)))
	now := time.Now()
	for range askBurst {
		r.rate.Take(now, 0)
	}
	if left := r.Ask(t.Context(), now, []evaluator.Key{{Cluster: "c", Service: "s000"}}); len(left) != 0 {
		t.Errorf("%d answers without any rate", len(left))
	}
}

func TestAQuestionWithoutAnAnswerEndsTheOthersAndSaysWhy(t *testing.T) {
	r := NewReader(connected(t, "region: eu-west-2\nservices: [{service: c/s, desired: 1}]\nfaults:\n  - {kind: access_denied, operation: DescribeScalableTargets}\n"))
	keys := make([]evaluator.Key, 2*askBatch)
	for i := range keys {
		keys[i] = evaluator.Key{Cluster: "c", Service: fmt.Sprint("s", i)}
	}
	answers := r.Ask(t.Context(), time.Now(), keys)
	if len(answers) != askBatch {
		t.Fatalf("%d services were asked about, want only those of the first question", len(answers))
	}
	err := answers[0].Err
	if awsapi.Classify(err) != awsapi.AccessDenied || !strings.Contains(err.Error(), "application-autoscaling:DescribeScalableTargets") || errors.Unwrap(err) == nil {
		t.Errorf("%v", err)
	}
}
