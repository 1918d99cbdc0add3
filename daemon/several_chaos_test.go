package daemon_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ecs-autoscaler/sim"
	"ecs-autoscaler/store"
)

// weather is what a network does to the requests of one daemon: each operation may be delayed, cut off, or answered for nobody.
type weather struct {
	region http.RoundTripper
	mu     sync.Mutex
	r      *rand.Rand
	// delay, cut and mute are the shares of requests, in percent, that are held up for up to a minute, lost before, and lost
	// after they took effect; only those of the operation, if it is named.
	operation        string
	delay, cut, mute int
	dead             bool
}

func (l *weather) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	l.mu.Lock()
	fate, dead := l.r.IntN(100), l.dead
	if l.operation != "" && l.operation != operation {
		fate = 100
	}
	held := time.Duration(l.r.IntN(60_000)) * time.Millisecond
	delay, cut, mute := fate < l.delay, fate >= l.delay && fate < l.delay+l.cut, fate >= l.delay+l.cut && fate < l.delay+l.cut+l.mute
	l.mu.Unlock()
	switch {
	case dead || cut:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case delay:
		return l.later(r, held)
	case mute:
		resp, err := l.region.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		_ = resp.Body.Close() // nobody gets it
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return l.region.RoundTrip(r)
}

// later delivers a request some time after it was sent, whether or not anybody waits for the answer by then.
func (l *weather) later(r *http.Request, held time.Duration) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	type answer struct {
		*http.Response
		error
	}
	answered := make(chan answer, 1)
	go func() {
		time.Sleep(held)
		again := r.Clone(context.Background())
		again.Body = io.NopCloser(bytes.NewReader(body))
		resp, err := l.region.RoundTrip(again) //nolint:bodyclose // it is the receiver's; one that nobody waits for holds nothing
		answered <- answer{resp, err}
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case a := <-answered:
		return a.Response, a.error
	}
}

func (l *weather) turn(delay, cut, mute int, operation string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay, l.cut, l.mute, l.operation = delay, cut, mute, operation
}

func (l *weather) die() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
}

// stormy is a member behind weather.
type stormy struct {
	*member
	weather *weather
}

var disturbed = []string{"", "", "UpdateService", "TransactWriteItems", "UpdateItem", "Query", "GetItem", "PutItem", "DescribeServices", "GetMetricData"}

func (w *world) joinStorm(r *rand.Rand) *stormy {
	l := &weather{region: w.region.Transport(), r: rand.New(rand.NewPCG(r.Uint64(), 3))}
	return &stormy{w.joinOver(time.Duration(r.IntN(9)-4)*time.Minute*time.Duration(r.IntN(2)), l), l}
}

// Whatever networks and daemons do, every count that ECS was told has an activity of its own in the table, none stays open, and
// after a minute of calm every cluster is steered by one daemon.
func TestSeveralDaemonsComeThroughHoursOfTrouble(t *testing.T) {
	for seed := range *stormSeeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inTime(t, fourClusters, func(w *world) {
				r := rand.New(rand.NewPCG(seed, 4))
				alive := []*stormy{w.joinStorm(r), w.joinStorm(r)}
				for range *stormChanges {
					alive = w.storm(r, alive)
					time.Sleep(time.Duration(1+r.IntN(240)) * time.Second)
				}
				w.region.Clear("") // conflicts that have not come
				for _, m := range alive {
					m.weather.turn(0, 0, 0, "")
					m.becomes(w, sharedState)
				}
				time.Sleep(2 * time.Minute) // what was held up has come, and all have looked
				w.steeredOnce(alive)
				for _, m := range alive[1:] {
					m.leaveQuickly(w)
				}
				last := alive[0] // which has everything now, and brings it to its end
				time.Sleep(90 * time.Minute)
				w.accounted(last.member)
				w.noneOpen(last.member)
				last.leaveQuickly(w)
			})
		})
	}
}

func (m *stormy) leaveQuickly(w *world) {
	w.t.Helper()
	began := time.Now()
	m.leave(w)
	if took := time.Since(began); took > 10*time.Second {
		w.t.Errorf("the stop took %s", took)
	}
}

// How many worlds the test goes through, and how much happens in each: one thing in two minutes.
var (
	stormSeeds   = flag.Uint64("storm.seeds", 1, "worlds in which several daemons come through trouble")
	stormChanges = flag.Int("storm.changes", 30, "changes of the weather and of the daemons in each of them")
)

// storm does something to one of two to four daemons.
func (w *world) storm(r *rand.Rand, alive []*stormy) []*stormy {
	m := alive[r.IntN(len(alive))]
	switch r.IntN(11) {
	case 0, 1, 2:
		m.weather.turn(r.IntN(40), r.IntN(30), r.IntN(30), disturbed[r.IntN(len(disturbed))])
	case 3:
		m.weather.turn(0, 100, 0, disturbed[r.IntN(len(disturbed))])
	case 4, 5:
		m.weather.turn(0, 0, 0, "")
	case 6, 7:
		w.end(m, r.IntN(2) == 0)
		alive = slices.DeleteFunc(alive, func(a *stormy) bool { return a == m })
	default:
		w.upset(r, m, alive)
	}
	if len(alive) < 2 || len(alive) < 4 && r.IntN(4) == 0 {
		alive = append(alive, w.joinStorm(r))
	}
	return alive
}

// end stops a daemon, cut off from everything or in whatever trouble it is.
func (w *world) end(m *stormy, dead bool) {
	if dead {
		m.weather.die()
	}
	began := time.Now()
	m.abandon(w)
	if took := time.Since(began); !dead && took > 10*time.Second {
		w.t.Errorf("in trouble the stop took %s", took)
	}
}

// upset gives one daemon or all of them another configuration, or has transactions meet each other.
func (w *world) upset(r *rand.Rand, one *stormy, all []*stormy) {
	switch r.IntN(3) {
	case 0:
		one.becomes(w, anyOf(r)) // and differs from the others
	case 1:
		text := anyOf(r)
		for _, m := range all {
			m.becomes(w, text)
		}
	case 2:
		if _, err := w.region.Inject(sim.Fault{Kind: sim.TransactionConflict, Probability: 0.7, Count: 1 + r.IntN(40)}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// anyOf is a configuration of all clusters, or of some.
func anyOf(r *rand.Rand) string {
	if r.IntN(3) == 0 {
		return sharedState
	}
	some := []string{"a", "b", "c", "d"}
	r.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	return meaning(some[:1+r.IntN(3)]...)
}

func (w *world) steeredOnce(alive []*stormy) {
	w.t.Helper()
	var steered []string
	for _, m := range alive {
		steered = append(steered, m.clusters()...)
	}
	slices.Sort(steered)
	if got := strings.Join(steered, ""); got != "abcd" {
		w.t.Errorf("after the calm, steered are %q", got)
	}
}

// noneOpen checks that no activity that began long ago is open, and that no number was given to two of one cluster.
func (w *world) noneOpen(m *member) {
	w.t.Helper()
	seen := map[string]bool{}
	for q := (store.Query{Limit: 1000}); ; {
		page, next, err := m.Store().Activities(q)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, a := range page {
			if a.Open() && time.Since(a.StartTime) > 80*time.Minute {
				w.t.Errorf("%s to %d is still %s after %s", a.ID, a.To, a.Status, time.Since(a.StartTime))
			}
			key := fmt.Sprint(a.Target.Cluster, a.Generation)
			if seen[key] {
				w.t.Errorf("two activities of cluster %s have the number %d", a.Target.Cluster, a.Generation)
			}
			seen[key] = true
		}
		if q.Cursor = next; next == "" {
			return
		}
	}
}

func TestADaemonWhoseTableStopsAnsweringStopsWithinTenSeconds(t *testing.T) {
	for _, operation := range []string{"TransactWriteItems", "Query", "GetItem", "UpdateItem", ""} {
		for _, after := range []time.Duration{time.Second, 20 * time.Second, 5*time.Minute + 700*time.Millisecond} {
			t.Run(fmt.Sprintf("%s hangs, stopped after %s", operation, after), func(t *testing.T) {
				inTime(t, fourClusters, func(w *world) {
					l := &weather{region: w.region.Transport(), r: rand.New(rand.NewPCG(1, 1))}
					m := w.joinOver(0, l)
					time.Sleep(100 * time.Millisecond) // in the middle of the first takings
					l.turn(0, 100, 0, operation)
					time.Sleep(after)
					began := time.Now()
					m.abandon(w)
					if took := time.Since(began); took > 10*time.Second {
						t.Errorf("the stop took %s", took)
					}
				})
			})
		}
	}
}

func TestTheAPIShowsWhoSteersWhat(t *testing.T) {
	inTime(t, fourClusters, func(w *world) {
		first, second := w.join(0), w.join(0)
		time.Sleep(time.Minute)
		answer := httptest.NewRecorder()
		first.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/v1/leases", http.NoBody))
		if text := answer.Body.String(); answer.Code != http.StatusOK || strings.Count(text, `"steered":true`) != 2 ||
			strings.Count(text, `"owner"`) != 4 || strings.Count(text, `"alive":true`) != 2 {
			t.Errorf("%d: %s", answer.Code, text)
		}
		first.leave(w)
		second.leave(w)
	})
}
