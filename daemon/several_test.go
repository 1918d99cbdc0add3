package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"ecs-autoscaler/config"
	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/lease"
	"ecs-autoscaler/store"
)

// fourClusters need 2 and 6 tasks in turn, each in its own rhythm, and take two minutes to start one.
const fourClusters = `
region: eu-west-2
history: 1h
dynamodb: {table_delay: 0s}
limits: {recorded_calls: 500000, recorded_megabytes: 512}
services:
  - {service: a/web, desired: 2, task_start: 2m, load: {square: {low: 0.9, high: 2.9, period: 2h}}}
  - {service: b/web, desired: 2, task_start: 2m, load: {square: {low: 0.9, high: 2.9, period: 100m}}}
  - {service: c/web, desired: 2, task_start: 2m, load: {square: {low: 0.9, high: 2.9, period: 80m}}}
  - {service: d/web, desired: 2, task_start: 2m, load: {square: {low: 0.9, high: 2.9, period: 3h}}}
`

const sharedState = `
listen: ""
state: "dynamodb:ecs-autoscaler"
targets:
  - service: "*/web"
    min_capacity: 1
    max_capacity: 10
    target_tracking:
      - {name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50, scale_out_cooldown: 60, scale_in_cooldown: 60}
`

// line is one daemon's way to AWS.
type line struct {
	region http.RoundTripper
	mu     sync.Mutex
	cut    func(operation string) bool
	writes []string // the services whose desired count it has set, in order
}

// RoundTrip lets a request through unless it is cut off; then there is no answer until the caller gives up.
func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	l.mu.Lock()
	cut := l.cut != nil && l.cut(operation)
	if operation == "UpdateService" && !cut {
		l.writes = append(l.writes, operation)
	}
	l.mu.Unlock()
	if cut {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return l.region.RoundTrip(r)
}

func (l *line) cutOff(which func(operation string) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = which
}

func (l *line) written() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.writes)
}

func everything(string) bool { return true }
func dynamoDB(operation string) bool {
	return strings.Contains(operation, "Item") || operation == "Query"
}

// member is one of several daemons.
type member struct {
	*daemon.Daemon
	line *line
	logs *observer.ObservedLogs
	stop context.CancelFunc
	done chan error
	// configuration is what a reload loads.
	configuration atomic.Pointer[config.Config]
}

// join starts another daemon on the shared table. Its clock is so much ahead of AWS's.
func (w *world) join(ahead time.Duration) *member {
	w.t.Helper()
	l := &line{region: w.region.Transport()}
	m := w.joinOver(ahead, l)
	m.line = l
	return m
}

// joinOver starts one whose way to AWS is another.
func (w *world) joinOver(ahead time.Duration, transport http.RoundTripper) *member {
	w.t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	m := &member{logs: logs, done: make(chan error, 1)}
	o := daemon.Options{
		Config: parse(w.t, sharedState), Logger: zap.New(core),
		Load: func() (*config.Config, error) { return m.configuration.Load(), nil },
		AWS:  awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: transport}},
	}
	if ahead != 0 {
		o.Clock = fast{scaler.NewSystemClock(), ahead}
	}
	if _, err := daemon.InitState(w.t.Context(), o); err != nil {
		w.t.Fatal(err)
	}
	d, err := daemon.New(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(w.t.Context())
	m.Daemon, m.stop = d, stop
	go func() { m.done <- d.Run(ctx) }()
	return m
}

// leave stops a daemon in good order, kill cuts it off first, so that it can leave nothing in order.
func (m *member) leave(w *world) {
	w.t.Helper()
	m.stop()
	if err := <-m.done; err != nil {
		w.t.Error(err)
	}
}

func (m *member) kill(w *world) {
	m.line.cutOff(everything)
	m.abandon(w)
}

// abandon stops a daemon that may not be able to leave everything in order; what it could not do is the point.
func (m *member) abandon(w *world) {
	m.stop()
	if err := <-m.done; err != nil {
		w.t.Log(err)
	}
}

// clusters are those that the daemon steers.
func (m *member) clusters() []string {
	found := map[string]bool{}
	for _, row := range m.Store().Targets() {
		found[row.Key.Cluster] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// fast is a clock that is ahead of AWS's and is not set right.
type fast struct {
	scaler.Clock
	ahead time.Duration
}

func (f fast) Now() time.Time { return f.Clock.Now().Add(f.ahead) }

// accounted checks that ECS was told nothing that is not in the history, and nothing twice: every write has an activity of its own with
// the same count, and each of them has come to an end.
func (w *world) accounted(m *member) {
	w.t.Helper()
	told := w.told()
	if len(told) == 0 {
		w.t.Error("ECS was told nothing at all")
	}
	for q := (store.Query{Limit: 1000}); ; {
		page, next, err := m.Store().Activities(q)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, a := range page {
			if a.Open() && time.Since(a.StartTime) > 10*time.Minute {
				w.t.Errorf("%s to %d is still %s", a.ID, a.To, a.Status)
			}
			told[fmt.Sprintf("%s to %d", a.Target, a.To)]--
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	for what, n := range told {
		if n > 0 {
			w.t.Errorf("ECS was told %q %d times more than there are activities", what, n)
		}
	}
}

// told counts what ECS was told by service and count.
func (w *world) told() map[string]int {
	w.t.Helper()
	told := map[string]int{}
	for _, c := range w.region.Calls() {
		if c.Operation != "UpdateService" || c.Error != "" {
			continue
		}
		in := c.Input()
		if in == nil {
			w.t.Fatal("the region has not kept all calls: raise recorded_calls")
		}
		told[fmt.Sprintf("%v/%v to %v", in["cluster"], in["service"], in["desiredCount"])]++
	}
	return told
}

func TestTwoDaemonsShareTheClustersOutAndNeitherMissesOne(t *testing.T) {
	inTime(t, fourClusters, func(w *world) {
		first, second := w.join(0), w.join(0)
		time.Sleep(50 * time.Minute)
		if a, b := first.clusters(), second.clusters(); len(a) != 2 || len(b) != 2 {
			t.Errorf("the daemons steer %v and %v", a, b)
		}
		if first.line.written() == 0 || second.line.written() == 0 {
			t.Errorf("the daemons made %d and %d writes", first.line.written(), second.line.written())
		}
		answer := httptest.NewRecorder()
		first.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/v1/leases", nil))
		if text := answer.Body.String(); strings.Count(text, `"steered":true`) != 2 || strings.Count(text, `"alive":true`) != 2 {
			t.Errorf("/api/v1/leases of a daemon with two clusters of four says %s", text)
		}
		w.accounted(first)
		first.leave(w)
		second.leave(w)
	})
}

func TestADeadDaemonsActivityIsFollowedToItsEndByAnother(t *testing.T) {
	inTime(t, fourClusters, func(w *world) {
		dying, other := w.join(0), w.join(0)
		began := dying.line.written()
		for dying.line.written() == began || len(dying.clusters()) == 0 {
			time.Sleep(100 * time.Millisecond)
		}
		dying.kill(w) // in the middle of an activity, whose tasks start for two minutes
		time.Sleep(lease.Within + lease.SendWithin + 5*time.Second)
		if got := other.clusters(); len(got) != 4 {
			t.Errorf("the other daemon steers %v after %s", got, lease.Within+lease.SendWithin)
		}
		time.Sleep(20 * time.Minute)
		w.accounted(other)
		if other.logs.FilterMessageSnippet("someone else changed the desired count").Len() > 0 {
			t.Error("what the dead daemon wrote was taken for somebody else's")
		}
		other.leave(w)
	})
}

func TestADaemonWithoutItsTableWritesNothing(t *testing.T) {
	inTime(t, fourClusters, func(w *world) {
		cut, other := w.join(0), w.join(0)
		time.Sleep(10 * time.Minute)
		cut.line.cutOff(dynamoDB)
		time.Sleep(lease.Within + lease.SendWithin)
		before := cut.line.written()
		time.Sleep(30 * time.Minute)
		if n := cut.line.written(); n != before {
			t.Errorf("it made %d writes whose intents nobody knows", n-before)
		}
		if got := other.clusters(); len(got) != 4 {
			t.Errorf("the other daemon steers %v", got)
		}
		cut.line.cutOff(nil)
		time.Sleep(5 * time.Minute)
		if a, b := cut.clusters(), other.clusters(); len(a) != 2 || len(b) != 2 {
			t.Errorf("afterwards the daemons steer %v and %v", a, b)
		}
		w.accounted(other)
		cut.leave(w)
		other.leave(w)
	})
}

func TestARollingRestartLosesNoLook(t *testing.T) {
	inTime(t, fourClusters, func(w *world) {
		members := []*member{w.join(0), w.join(0), w.join(0)}
		time.Sleep(5 * time.Minute)
		for i := range members {
			members[i].leave(w)
			members[i] = w.join(0)
			time.Sleep(4 * time.Minute)
		}
		for cluster, gap := range w.longestGaps() {
			// A look is made once a minute, at an instant that the daemon learns, and idle services in every third minute.
			if gap > 3*time.Minute+30*time.Second {
				t.Errorf("nobody looked at cluster %s for %s", cluster, gap)
			}
		}
		w.accounted(members[0])
		for _, m := range members {
			m.leave(w)
		}
	})
}

// longestGaps are the longest times between two reads of the metrics of each cluster.
func (w *world) longestGaps() map[string]time.Duration {
	last, longest := map[string]time.Time{}, map[string]time.Duration{}
	for _, c := range w.region.Calls() {
		if c.Operation != "GetMetricData" {
			continue
		}
		text := fmt.Sprint(c.Input())
		for _, cluster := range []string{"a", "b", "c", "d"} {
			if !strings.Contains(text, "ClusterName Value:"+cluster) {
				continue
			}
			if at, known := last[cluster]; known {
				longest[cluster] = max(longest[cluster], c.Time.Sub(at))
			}
			last[cluster] = c.Time
		}
	}
	return longest
}

func TestClocksThatDifferByMinutesDoNoHarm(t *testing.T) {
	inTime(t, fourClusters, func(w *world) {
		early, late, right := w.join(4*time.Minute), w.join(-3*time.Minute), w.join(0)
		time.Sleep(20 * time.Minute)
		steered := slices.Concat(early.clusters(), late.clusters(), right.clusters())
		slices.Sort(steered)
		if got := strings.Join(steered, ""); got != "abcd" {
			t.Errorf("steered are %s", got)
		}
		early.kill(w)
		time.Sleep(lease.Within + lease.SendWithin + 5*time.Second)
		if n := len(late.clusters()) + len(right.clusters()); n != 4 {
			t.Errorf("the two that are left steer %d clusters", n)
		}
		time.Sleep(20 * time.Minute)
		w.accounted(right)
		late.leave(w)
		right.leave(w)
	})
}

func TestASinglePassTakesWhatNobodySteers(t *testing.T) {
	inTime(t, fourClusters, func(w *world) {
		o := daemon.Options{
			Config: parse(w.t, sharedState), Logger: zap.NewNop(),
			AWS: awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: w.region.Transport()}},
		}
		if _, err := daemon.InitState(w.t.Context(), o); err != nil {
			t.Fatal(err)
		}
		once := func() ([]evaluator.Decision, error) {
			d, err := daemon.New(w.t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			decisions, err := d.Once(w.t.Context())
			return decisions, errors.Join(err, d.Close(w.t.Context()))
		}
		for range 2 { // the first has given everything back
			if decisions, err := once(); err != nil || len(decisions) != 4 {
				t.Errorf("%d decisions, error %v", len(decisions), err)
			}
		}
		running := w.join(0)
		time.Sleep(time.Minute)
		if decisions, err := once(); !errors.Is(err, daemon.ErrUnhandled) || !strings.Contains(err.Error(), "other daemons steer a, b, c, d") || len(decisions) > 0 {
			t.Errorf("%d decisions, error %v", len(decisions), err)
		}
		running.leave(w)
	})
}

// becomes gives the daemon another configuration, as a reload of its file does.
func (m *member) becomes(w *world, text string) {
	w.t.Helper()
	m.configuration.Store(parse(w.t, text))
	m.Reload()
}

// meaning is a configuration of these clusters alone.
func meaning(clusters ...string) string {
	head, target, _ := strings.Cut(sharedState, "targets:")
	for _, name := range clusters {
		head += strings.Replace(target, `"*/web"`, name+"/web", 1)
	}
	return strings.Replace(head, "\n  -", "\ntargets:\n  -", 1)
}

// calls counts what ECS was asked about a cluster.
func (w *world) calls(cluster string) (n int) {
	for _, c := range w.region.Calls() {
		if in := c.Input(); in != nil && in["cluster"] == cluster {
			n++
		}
	}
	return n
}

// history are the activities of a cluster, the newest first.
func (m *member) history(w *world, cluster string) []store.Activity {
	w.t.Helper()
	page, _, err := m.Store().Activities(store.Query{Limit: 1000, Cluster: cluster})
	if err != nil {
		w.t.Fatal(err)
	}
	return page
}

func TestWhatAClusterLeavesOpenThatNobodyMeansAnyMoreIsEnded(t *testing.T) {
	inTime(t, strings.Replace(fourClusters, "task_start: 2m", "task_start: 10h", 1), func(w *world) {
		first, second := w.join(0), w.join(0)
		steered := func(want int) {
			t.Helper()
			if a, b := first.clusters(), second.clusters(); len(a)+len(b) != want {
				t.Errorf("they steer %v and %v", a, b)
			}
		}
		open := func() bool { all := second.history(w, "a"); return len(all) > 0 && all[0].Open() }
		for !open() {
			time.Sleep(time.Minute)
		}
		first.becomes(w, meaning("b", "c", "d"))
		time.Sleep(2 * time.Minute) // they differ for a moment
		steered(4)
		second.becomes(w, meaning("b", "c", "d"))
		time.Sleep(time.Minute)
		steered(3)
		first.leave(w) // one is enough for what comes now
		called := w.calls("a")
		time.Sleep(55 * time.Minute)
		if !open() {
			t.Error("the activity was not left for an hour")
		}
		time.Sleep(10 * time.Minute)
		if last := second.history(w, "a")[0]; last.Status != evaluator.Unfulfilled || !strings.Contains(last.StatusMessage, "no longer in the configuration") {
			t.Errorf("the last activity of the cluster is %+v", last)
		}
		if n := w.calls("a"); n != called {
			t.Errorf("ECS was asked %d times about a cluster that nobody means", n-called)
		}
		second.becomes(w, sharedState) // and it comes back
		time.Sleep(time.Minute)
		if got := second.clusters(); len(got) != 4 {
			t.Errorf("it steers %v", got)
		}
		second.leave(w)
	})
}
