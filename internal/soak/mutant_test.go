package soak

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler"
	"ecs-autoscaler/scaler/lease"
	"ecs-autoscaler/store"
	"ecs-autoscaler/store/dynamo"
)

// mutant is a deliberate defect of the daemon, by which the oracle is tested; the zero value is none.
type mutant struct {
	wrap    func(store.Backend) store.Backend
	falsify func(k *rules) // changes what the daemon is told, and the oracle is not
	send    func(t *trip, req *http.Request) (*http.Response, error)
	// table, shared and leases are the same for a state that several daemons share: what they call, remember and lease.
	wrapTable  func(dynamo.API) dynamo.API
	wrapShared func(store.Shared) store.Shared
	wrapLeases func(lease.Table) lease.Table
	clock      func(*scaler.SystemClock) scaler.Clock
	// befall limits what happens in a world of several to these.
	befall []string
	// harden makes a world in which the defect shows soon.
	harden func(k *rules)
}

func (m *mutant) backend(b store.Backend) store.Backend {
	if m.wrap == nil {
		return b
	}
	return m.wrap(b)
}

func (m *mutant) table(a dynamo.API) dynamo.API {
	if m.wrapTable == nil {
		return a
	}
	return m.wrapTable(a)
}

func (m *mutant) shared(b store.Shared) store.Shared {
	if m.wrapShared == nil {
		return b
	}
	return m.wrapShared(b)
}

func (m *mutant) leases(t lease.Table) lease.Table {
	if m.wrapLeases == nil {
		return t
	}
	return m.wrapLeases(t)
}

func (m *mutant) time(c *scaler.SystemClock) scaler.Clock {
	if m.clock == nil {
		return c
	}
	return m.clock(c)
}

// told is a copy of the rules as the daemon gets them.
func (m *mutant) told(k *rules) *rules {
	if m.falsify == nil {
		return k
	}
	other := *k
	other.policies = nil
	for _, p := range k.policies {
		q := *p
		other.policies = append(other.policies, &q)
	}
	m.falsify(&other)
	return &other
}

func (m *mutant) carry(t *trip, req *http.Request) (*http.Response, error) {
	if m.send == nil {
		return t.inner.RoundTrip(req)
	}
	return m.send(t, req)
}

// altered is a backend that makes something else durable, or gives something else back.
type altered struct {
	store.Backend
	commit func(d *store.Durable)
	load   func(s *store.Snapshot)
}

func (b altered) Commit(d *store.Durable) error {
	if b.commit != nil {
		c := *d
		b.commit(&c)
		d = &c
	}
	return b.Backend.Commit(d)
}

func (b altered) Load() (*store.Snapshot, error) {
	s, err := b.Backend.Load()
	if err == nil && b.load != nil {
		b.load(s)
	}
	return s, err
}

// memories changes what is remembered of each policy's cooldown when a process starts.
func memories(change func(*evaluator.Memory)) func(store.Backend) store.Backend {
	return func(b store.Backend) store.Backend {
		return altered{Backend: b, load: func(s *store.Snapshot) {
			for i := range s.Memories {
				m := s.Memories[i].Memory.Clone()
				change(m)
				s.Memories[i].Memory = m
			}
		}}
	}
}

// commits changes what becomes durable.
func commits(change func(*store.Durable)) func(store.Backend) store.Backend {
	return func(b store.Backend) store.Backend { return altered{Backend: b, commit: change} }
}

// writing says whether a request is a write, and what it asks for.
func writing(req *http.Request) (in map[string]any, body []byte) {
	if !strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".UpdateService") {
		return nil, nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(err)
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	if err := json.Unmarshal(body, &in); err != nil {
		panic(err)
	}
	return in, body
}

// resent sends every write once more, with another count.
func resent(by int) func(t *trip, req *http.Request) (*http.Response, error) {
	return func(t *trip, req *http.Request) (*http.Response, error) {
		in, _ := writing(req)
		resp, err := t.inner.RoundTrip(req)
		if in == nil || err != nil {
			return resp, err
		}
		in["desiredCount"] = in["desiredCount"].(float64) + float64(by)
		text, err := json.Marshal(in)
		if err != nil {
			panic(err)
		}
		first := t.seen
		again := req.Clone(req.Context())
		again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
		second, err := t.inner.RoundTrip(again)
		if err == nil {
			second.Body.Close()
		}
		first.Writes = append(first.Writes, t.seen.Writes...)
		t.seen = first
		return resp, nil
	}
}

// invented answers reads with datapoints although the region has none: those of a world without faults, and the oracle knows what
// the region really said.
func invented(t *trip, req *http.Request) (*http.Response, error) {
	if !strings.Contains(req.URL.Path, "GetMetricData") {
		return t.inner.RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := t.inner.RoundTrip(req)
	if err != nil {
		return resp, err
	}
	faults := t.p.w.region.Faults()
	truth := t.seen
	t.p.w.region.Clear("")
	again := req.Clone(req.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	other, err := t.inner.RoundTrip(again)
	for _, f := range faults {
		if _, err := t.p.w.region.Inject(f); err != nil {
			panic(err)
		}
	}
	t.seen = truth
	if err == nil {
		resp, other = other, resp
		_ = other.Body.Close() // the truth is not wanted
	}
	return resp, nil
}

// longCooldowns has every restart fall into one.
func longCooldowns(k *rules) {
	for _, p := range k.policies {
		p.outCooldown, p.inCooldown = 30*time.Minute, 30*time.Minute
	}
}

// mutants are the defects that the oracle must find, and the rule that finds each.
var mutants = map[string]struct {
	mutant
	rule string
	seed uint64 // where to begin; the defect may take more than one world
}{
	"the state loses intents": {mutant{wrap: commits(func(d *store.Durable) {
		d.Activities = slices.DeleteFunc(slices.Clone(d.Activities), func(a *store.Activity) bool { return a.Status == evaluator.Pending })
	})}, "every write has a durable intent", 500},
	"the state loses outcomes": {mutant{wrap: commits(func(d *store.Durable) {
		d.Activities = slices.DeleteFunc(slices.Clone(d.Activities), func(a *store.Activity) bool { return a.Status == evaluator.Successful })
	})}, endRule, 500},
	"an outcome is made up": {mutant{wrap: commits(func(d *store.Durable) {
		d.Activities = slices.Clone(d.Activities)
		for i, a := range d.Activities {
			if a.Status == evaluator.Successful {
				b := *a
				b.Status = evaluator.Failed
				d.Activities[i] = &b
			}
		}
	})}, "an activity's end is the region's", 500},
	"cooldowns are forgotten at a restart": {mutant{wrap: memories(func(m *evaluator.Memory) {
		m.Activity.Open, m.Shared = false, evaluator.Cooldown{}
		for i := range m.Policies {
			m.Policies[i].Cooldown = evaluator.Cooldown{}
		}
	}), harden: longCooldowns}, "cooldown", 511},
	"cooldowns are half as long": {mutant{falsify: func(k *rules) {
		for _, p := range k.policies {
			if p.inCooldown /= 2; !p.tracking {
				p.outCooldown = p.inCooldown
			}
		}
	}}, "no cooldown is lost or shortened", 500},
	"the maximum is ignored": {mutant{falsify: func(k *rules) { k.max += 3 }}, "the count stays within the bounds", 500},
	"the minimum is ignored": {mutant{falsify: func(k *rules) { k.min = 0 }}, "the count stays within the bounds", 500},
	"suspension is ignored": {mutant{falsify: func(k *rules) { k.suspendedIn, k.suspendedOut = false, false }},
		"nothing moves in a suspended direction", 501},
	"deployments are ignored":   {mutant{falsify: func(k *rules) { k.duringDeployment = true }}, "no scale-in while ECS deploys", 531},
	"every write is sent twice": {mutant{send: resent(1)}, "durable intent", 500},
	"datapoints are invented":   {mutant{send: invented}, "a scale-in has its datapoints", 501},
	"writes come too late": {mutant{send: func(t *trip, req *http.Request) (*http.Response, error) {
		if in, _ := writing(req); in != nil {
			later := req.Clone(t.p.w.t.Context())
			body, _ := io.ReadAll(req.Body)
			later.Body = io.NopCloser(bytes.NewReader(body))
			time.Sleep(25 * time.Second)
			return t.inner.RoundTrip(later)
		}
		return t.inner.RoundTrip(req)
	}}, "a write follows its decision at once", 500},
}

// TestTheOracleFindsDeliberateDefects: each mutant is caught within a few small worlds, by the rule that is about it.
func TestTheOracleFindsDeliberateDefects(t *testing.T) {
	t.Parallel()
	for name, m := range mutants {
		t.Run(name, func(t *testing.T) {
			var rules []string
			for seed := range uint64(mutantSeeds) {
				sum := live(t, m.seed+seed, options{size: &size{4, troubleFor(m.rule, 6*hour), calmFor(m.rule)}, mutant: &m.mutant, daemons: 1, pace: 8, until: m.rule})
				for _, v := range sum.violations {
					if rules = append(rules, v.rule); strings.Contains(v.rule, m.rule) {
						t.Logf("found with seed %d by %q", v.seed, v.rule)
						return
					}
				}
			}
			slices.Sort(rules)
			t.Errorf("not found in %d worlds by %q; violated were %v", mutantSeeds, m.rule, fmt.Sprint(slices.Compact(rules)))
		})
	}
}

// endRule is the one rule that only fails in the calm after the trouble.
const endRule = "every activity ends"

// calmFor is the calm in which a rule can fail: an activity has an hour to end, all others fail in the trouble.
func calmFor(rule string) time.Duration {
	if rule == endRule {
		return 65 * time.Minute
	}
	return time.Minute
}

// troubleFor is the longest trouble that a rule may need to fail: what only the calm shows needs a third of it.
func troubleFor(rule string, longest time.Duration) time.Duration {
	if rule == endRule {
		return longest / 3
	}
	return longest
}

// mutantSeeds is how many small worlds a mutant may live through before it counts as not found.
const mutantSeeds = 4
