package policytest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
)

// expectation is what must be so at an instant, or throughout a time with both its ends.
type expectation struct {
	place    strict.Position
	from, to time.Duration
	facts    []fact
	// failed says that it has not held; it is told once.
	failed bool
}

// fact is one thing that is expected.
type fact struct {
	// name and want are the words of the file: desired 2, alarm cpu/high ALARM.
	name, want string
	// got is what is so.
	got func(*play) string
}

// expectation reads one entry of expect.
func (t *test) expectation(v strict.Value) (*expectation, bool) {
	m, ok := v.Mapping()
	if !ok {
		return nil, false
	}
	m.Key = "an expectation"
	x := &expectation{place: m.At}
	ok = x.when(m)
	ok = t.facts(m, x) && ok
	m.Close()
	return x, ok
}

// when reads at or between.
func (x *expectation) when(m *strict.Mapping) bool {
	at := strict.Read(m, "at", strict.Value.Duration)
	between := strict.Read(m, "between", strict.List(strict.Value.Duration))
	x.from, x.to = at.Value, at.Value
	switch {
	case at.Present && between.Present:
		m.Errorf(between.KeyAt, "at and between exclude each other; keep one of them")
		return false
	case at.Present:
		return at.Valid
	case !between.Present:
		m.Errorf(m.At, "this expectation does not say when; add for example at: 3m, or between: [3m, 10m]")
		return false
	case !between.Valid:
		return false
	case len(between.Value) != 2:
		m.Errorf(between.At, "between must be two times, the first and the last, such as [3m, 10m]; it has %d", len(between.Value))
		return false
	}
	x.from, x.to = between.Value[0].Value, between.Value[1].Value
	if x.from > x.to {
		m.Errorf(between.Value[0].At, "between is reversed; write [%s, %s]", offset(x.to), offset(x.from))
		return false
	}
	return true
}

// facts reads what is expected.
func (t *test) facts(m *strict.Mapping, x *expectation) bool {
	ok := true
	number := func(key string, got func(*play) int) {
		f := strict.Read(m, key, count)
		ok = ok && f.Usable()
		if f.Present {
			x.facts = append(x.facts, fact{key, strconv.Itoa(f.Value), func(p *play) string { return strconv.Itoa(got(p)) }})
		}
	}
	number("desired", func(p *play) int { return p.world.service.desired })
	number("running", func(p *play) int { return p.world.service.running })
	number("min_capacity", func(p *play) int { return p.bounds().low })
	number("max_capacity", func(p *play) int { return p.bounds().high })
	reason := strict.Read(m, "reason", strict.OneOf(evaluator.Reasons()...))
	if reason.Present {
		x.facts = append(x.facts, fact{"reason", string(reason.Value), (*play).reason})
	}
	ok = t.alarm(m, x) && ok && reason.Usable()
	if len(x.facts) == 0 && ok && len(m.Keys()) == 0 {
		m.Errorf(m.At, "this expectation expects nothing; add desired, running, min_capacity, max_capacity, reason, or alarm and state")
		return false
	}
	return ok && len(x.facts) > 0
}

// alarm reads alarm and state, which belong together.
func (t *test) alarm(m *strict.Mapping, x *expectation) bool {
	alarm := strict.Read(m, "alarm", strict.Value.Filled)
	state := strict.Read(m, "state", strict.OneOf(evaluator.OKState, evaluator.AlarmingState, evaluator.InsufficientDataState))
	switch {
	case !alarm.Present && !state.Present:
		return true
	case !state.Present:
		m.Errorf(alarm.KeyAt, "alarm needs the state that is expected; add state: ALARM, OK or INSUFFICIENT_DATA")
		return false
	case !alarm.Present:
		m.Errorf(state.KeyAt, "state needs the alarm that it is of; add for example alarm: cpu/high")
		return false
	case !alarm.Valid || !state.Valid:
		return false
	}
	if t.target == nil {
		return true
	}
	policy, index, wrong := t.findAlarm(alarm.Value)
	if wrong != "" {
		m.Errorf(alarm.At, "%s", wrong)
		return false
	}
	x.facts = append(x.facts, fact{
		"alarm " + alarm.Value, string(state.Value), func(p *play) string { return p.alarmState(policy, index) },
	})
	return true
}

// findAlarm finds POLICY/high, POLICY/low or POLICY/alarm, or says what is wrong with it.
func (t *test) findAlarm(name string) (policy, alarm int, wrong string) {
	slash := strings.LastIndexByte(name, '/')
	if slash < 0 {
		return 0, 0, fmt.Sprintf("alarm must be POLICY/high or POLICY/low of a target-tracking policy, or POLICY/alarm of a step policy, not %q", strict.Shorten(name))
	}
	policy = t.policy(name[:slash])
	if policy < 0 {
		return 0, 0, t.unknownPolicy(name[:slash])
	}
	p := &t.target.Policies[policy]
	var known []string
	for i := range p.Alarms {
		if p.Alarms[i].Name == name[slash+1:] {
			return policy, i, ""
		}
		known = append(known, p.Name+"/"+p.Alarms[i].Name)
	}
	return 0, 0, fmt.Sprintf("policy %s has no alarm %q; it has %s", p.Name, strict.Shorten(name[slash+1:]), strings.Join(known, " and "))
}
