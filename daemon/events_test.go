package daemon_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"ecs-autoscaler/config"
	"ecs-autoscaler/daemon"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/sim"
)

// receiver is the other end of every webhook.
type receiver struct {
	mu sync.Mutex
	// got are the events as "kind status", in the order in which they came.
	got []string
	// delay is how long an answer takes.
	delay time.Duration
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	select {
	case <-time.After(r.delay):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	var e struct{ Kind, Status string }
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, e.Kind+" "+e.Status)
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody}, nil
}

func (r *receiver) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

const telling = "events: {webhooks: [{url: \"https://hooks.example.com/\"}]}\n"

// suspended is tracking with a kind of scaling suspended.
var suspended = strings.TrimRight(tracking, "\n") + "\n    suspended_state: {dynamic_scaling_in_suspended: true}\n"

// telling makes a daemon whose webhooks lead to r.
func (w *world) telling(text string, r http.RoundTripper, load func() (*config.Config, error)) *daemon.Daemon {
	w.t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	w.logs = logs
	d, err := daemon.New(w.t.Context(), daemon.Options{
		Config: parse(w.t, "listen: \"\"\n"+text), Logger: zap.New(core), AllowVolatileState: true, Webhooks: r, Load: load,
		InTurn: true, InFlight: 1,
		AWS: awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: w.region.Transport()}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// calls are when a daemon asked AWS for what in nearly three hours: not at the very instant at which a pass may be due.
func calls(t *testing.T, text string, r http.RoundTripper) (all []sim.Call) {
	inTime(t, square, func(w *world) {
		w.live(w.telling(text, r, nil), 3*time.Hour-30*time.Second)
		all = w.region.Calls()
	})
	return all
}

func TestADestinationThatHangsDelaysNothing(t *testing.T) {
	want := calls(t, tracking, nil)
	for name, r := range map[string]*receiver{"it hangs": {delay: 24 * time.Hour}, "it is slow": {delay: 9 * time.Second}, "it answers": {}} {
		got := calls(t, telling+tracking, r)
		if len(got) != len(want) {
			t.Fatalf("%s: %d calls, want %d as without events", name, len(got), len(want))
		}
		for i := range got {
			if got[i].Operation != want[i].Operation || !got[i].Time.Equal(want[i].Time) {
				t.Fatalf("%s: call %d is %s at %s, want %s at %s", name, i, got[i].Operation, got[i].Time, want[i].Operation, want[i].Time)
			}
		}
	}
}

func TestActivitiesAreToldInTheirOrder(t *testing.T) {
	r := &receiver{}
	inTime(t, square, func(w *world) {
		w.live(w.telling(telling+tracking, r, nil), 3*time.Hour)
		got := r.take()
		if n := w.called("UpdateService"); len(got) != 2*n || n < 2 {
			t.Fatalf("%d writes and %v", n, got)
		}
		for i, e := range got {
			if begins := e == "scaling_activity InProgress"; begins != (i%2 == 0) {
				t.Errorf("event %d is %s", i, e)
			}
		}
	})
}

func TestAStopWaitsFiveSecondsForEventsAndNotWithoutAny(t *testing.T) {
	for _, c := range []struct{ delay, want time.Duration }{{24 * time.Hour, 5 * time.Second}, {0, 0}} {
		delay, want := c.delay, c.want
		inTime(t, square, func(w *world) {
			d := w.telling(telling+suspended, &receiver{delay: delay}, nil) // which is an event at once
			ctx, stop := context.WithCancel(w.t.Context())
			done := make(chan error, 1)
			go func() { done <- d.Run(ctx) }()
			time.Sleep(2 * time.Minute)
			began := time.Now()
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took != want {
				t.Errorf("with answers after %s the stop took %s, want %s", delay, took, want)
			}
			if lost := w.logged("events were not delivered before the end"); (lost == 1) != (delay > 0) {
				t.Errorf("with answers after %s the log speaks of lost events %d times", delay, lost)
			}
		})
	}
}

func TestAReloadTakesUpDestinationsAndLetsGoOfThem(t *testing.T) {
	r := &receiver{}
	inTime(t, `
region: eu-west-2
services:
  - {service: c/web, desired: 2, load: {constant: 0.9}}
`, func(w *world) {
		var mu sync.Mutex
		text := tracking
		load := func() (*config.Config, error) {
			mu.Lock()
			defer mu.Unlock()
			return parse(w.t, "listen: \"\"\n"+text), nil
		}
		d := w.telling(text, r, load)
		ctx, stop := context.WithCancel(w.t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		for _, step := range []struct {
			text string
			want []string
		}{
			{suspended, nil}, {telling + suspended, []string{"suspension begun"}}, {telling + tracking, []string{"suspension ended"}}, {suspended, nil},
		} {
			time.Sleep(2 * time.Minute)
			mu.Lock()
			text = step.text
			mu.Unlock()
			d.Reload()
			time.Sleep(2 * time.Minute)
			if got := r.take(); !slices.Equal(got, step.want) {
				t.Errorf("told %v, want %v", got, step.want)
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAPlanTellsNothing(t *testing.T) {
	r := &receiver{}
	inTime(t, square, func(w *world) {
		time.Sleep(70 * time.Minute)
		decisions, _, err := daemon.Plan(w.t.Context(), daemon.Options{
			Config: parse(w.t, "listen: \"\"\n"+telling+tracking), Logger: zap.NewNop(), Webhooks: r,
			AWS: awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: w.region.Transport()}},
		})
		if err != nil || len(decisions) != 1 {
			t.Fatal(err, decisions)
		}
		if got := r.take(); len(got) > 0 {
			t.Errorf("told %v", got)
		}
	})
}
