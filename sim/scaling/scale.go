package scaling

import (
	"fmt"
	"math"
	"time"

	"ecs-autoscaler/sim/wire"
)

// wish is the count that a policy wants.
type wish struct {
	policy   *policy
	alarm    *alarm
	count    int
	cooldown time.Duration
}

// scale lets the policies of a target act on the alarms that are in ALARM: out as any of them wants, the largest of them; in as
// all target tracking policies want that may, the largest again (aws-semantics 1.9).
func (s *Store) scale(t *target, at time.Time) {
	if !t.due(at) {
		return
	}
	service, there := s.options.Fleet.Service(t.cluster, t.service, at)
	if !there || !service.Active {
		return
	}
	out, in := t.wishes(s, service)
	if out == nil && in == nil {
		t.memory.reason = ""
	}
	if out != nil {
		if !t.suspended.out {
			s.scaleOut(t, service, out, at)
		}
		return
	}
	if in != nil && !t.suspended.in {
		s.scaleIn(t, service, in, at)
	}
}

// due says whether a policy may act now: once a minute, or each look where its alarms have a period of 20 seconds.
func (t *target) due(at time.Time) bool {
	if at.Unix()%60 == phase {
		return true
	}
	for _, p := range t.policies {
		if p.high != nil && p.high.period() < 60 {
			return true
		}
	}
	return false
}

// wishes are the largest that wants to scale out, and in.
func (t *target) wishes(s *Store, service Service) (out, in *wish) {
	held := false
	for _, p := range t.policies {
		if p.high.fires() {
			out = larger(out, p.track(p.high, service, "ScaleOutCooldown"))
		}
		if p.low.fires() {
			in = larger(in, p.track(p.low, service, "ScaleInCooldown"))
		}
		held = held || p.low != nil && !p.low.fires()
	}
	if held { // target tracking is not at one; step policies do not ask it
		in = nil
	}
	for _, w := range t.stepWishes(s, service) {
		if w.count > service.Running {
			out = larger(out, w)
		} else if w.count < service.Running {
			in = larger(in, w)
		}
	}
	return out, in
}

// stepWishes are what the step policies want whose alarms are in ALARM.
func (t *target) stepWishes(s *Store, service Service) []*wish {
	var list []*wish
	for _, p := range t.policies {
		if p.kind != stepping {
			continue
		}
		for _, a := range s.byName() {
			if !a.fires() || !a.calls(p) || a.members["ActionsEnabled"] == false {
				continue
			}
			if w := p.step(a, service); w != nil {
				list = append(list, w)
			}
		}
	}
	return list
}

func (a *alarm) fires() bool { return a != nil && a.state == stateFire && len(a.seen) > 0 }

func larger(a, b *wish) *wish {
	if a == nil || b != nil && b.count > a.count {
		return b
	}
	return a
}

// track is the formula of aws-semantics 1.6; without a running task it wants one.
func (p *policy) track(a *alarm, service Service, cooldown string) *wish {
	in := wire.In(p.config)
	w := &wish{policy: p, alarm: a, count: 1, cooldown: time.Duration(in.Int(cooldown, 300)) * time.Second}
	if service.Running > 0 {
		exact := float64(service.Running) * mean(a.seen) / number(p.config["TargetValue"])
		w.count = int(math.Ceil(min(exact-1e-9*exact, 1e6)))
	}
	return w
}

// step is what a step policy makes of the alarm's datapoints (aws-semantics 2.2 and 2.4); nil if no step applies.
func (p *policy) step(a *alarm, service Service) *wish {
	in, alarm := wire.In(p.config), wire.In(a.members)
	difference := mean(a.seen) - number(a.members["Threshold"])
	below := alarm.Text("ComparisonOperator")[0] == 'L'
	w := &wish{policy: p, alarm: a, cooldown: time.Duration(in.Int("Cooldown", 300)) * time.Second}
	for _, i := range steps(in) {
		applies := difference >= i.lower && difference < i.upper
		if below {
			applies = difference > i.lower && difference <= i.upper
		}
		if !applies {
			continue
		}
		switch in.Text("AdjustmentType") {
		case "ExactCapacity":
			w.count = i.adjustment
		case "ChangeInCapacity":
			w.count = service.Running + i.adjustment
		default:
			w.count = service.Running + percent(service.Running, i.adjustment, in.Int("MinAdjustmentMagnitude", 0))
		}
		return w
	}
	return nil
}

// percent is a percentage of n as a number of tasks: towards zero, but at least one, and at least the magnitude.
func percent(n, percentage, magnitude int) int {
	change := n * percentage / 100
	switch {
	case n*percentage > 0:
		return max(change, 1, magnitude)
	case n*percentage < 0:
		return min(change, -1, -magnitude)
	}
	return 0
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// scaleOut scales out within the bounds, less what a cooldown counts already (aws-semantics 1.10 and 1.11).
func (s *Store) scaleOut(t *target, service Service, w *wish, at time.Time) {
	m := &t.memory
	if !at.Before(m.out) && !m.open.scalesOut() {
		m.credit = 0
	}
	cooling := m.open == nil && at.Before(m.out)
	// What is still to start is no part of the running count that the wish was made from, and is not counted twice.
	count := w.count - max(m.credit-max(service.Desired-service.Running, 0), 0)
	switch {
	case service.Desired > t.max || cooling && count <= service.Desired:
		return
	case service.Desired < t.min:
		count = t.min
	case count <= service.Desired:
		s.unscaled(t, w, reason{"AlreadyAtDesiredCapacity", "CurrentCapacity", service.Desired}, at)
		return
	case service.Desired == t.max:
		s.unscaled(t, w, reason{"AlreadyAtMaxCapacity", "MaxCapacity", t.max}, at)
		return
	}
	count = min(count, t.max)
	m.credit += count - service.Desired
	m.in = time.Time{} // a scale-out ends the cooldown of a scale-in
	s.act(t, w, count, at)
}

// scalesOut says that a policy scales out by an activity; nil is none.
func (a *activity) scalesOut() bool { return a != nil && a.policy != nil && a.desired > a.from }

// scalesIn says that a policy scales in by an activity; nil is none.
func (a *activity) scalesIn() bool { return a != nil && a.policy != nil && a.desired < a.from }

// scaleIn scales in within the bounds, unless a cooldown or a deployment forbids it.
func (s *Store) scaleIn(t *target, service Service, w *wish, at time.Time) {
	m, count := &t.memory, w.count
	switch {
	case service.Desired < t.min || m.open.scalesIn() || at.Before(m.in):
		return
	case service.Desired > t.max:
		count = t.max
	case count >= service.Desired:
		s.unscaled(t, w, reason{"AlreadyAtDesiredCapacity", "CurrentCapacity", service.Desired}, at)
		return
	case service.Desired == t.min:
		s.unscaled(t, w, reason{"AlreadyAtMinCapacity", "MinCapacity", t.min}, at)
		return
	}
	if service.Deploying {
		s.unscaled(t, w, reason{code: "TargetServicePutResourceAsUnscalable"}, at)
		return
	}
	s.act(t, w, max(count, t.min), at)
}

func (w *wish) cause() string {
	return fmt.Sprintf("monitor alarm %s in state ALARM triggered policy %s", w.alarm.name, w.policy.name)
}

func (s *Store) act(t *target, w *wish, n int, at time.Time) {
	a := s.write(t, n, w.cause(), at)
	a.policy, a.cooldown = w.policy, w.cooldown
}

// reason is why nothing was done; member is where the API has the number, "" for none.
type reason struct {
	code, member string
	number       int
}

// unscaled records why nothing was done, the first time in a row (aws-semantics 6.3).
func (s *Store) unscaled(t *target, w *wish, why reason, at time.Time) {
	if t.memory.reason == why.code {
		return
	}
	t.memory.reason = why.code
	a := s.record(t, "Attempting to scale due to alarm triggered", w.cause(), at)
	a.status, a.unscaled = "Failed", map[string]any{"Code": why.code}
	if why.member != "" {
		a.unscaled[why.member] = why.number
	}
	if why.code == "AlreadyAtDesiredCapacity" {
		a.status = "Successful"
	}
}
