package policytest

import (
	"regexp"
	"strings"
	"time"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler"
)

// event is something that happens to the service, to AWS or to the daemon.
type event struct {
	at    time.Duration
	place strict.Position
	// what is the key of the event, for messages.
	what string
	// daemon says that the event asks something of the running daemon, so that it cannot happen while that is down.
	daemon bool
	// down is how long the daemon stays away, of a restart.
	down time.Duration
	// happen makes it so; its error is a failure of the test.
	happen func(*play) error
}

// eventKinds are the keys of an event, of which each event has one.
var eventKinds = []string{"deployment", "desired", "running", "suspend", "resume", "set", "override", "fail", "restart", "unready"}

// event reads one entry of events.
func (t *test) event(v strict.Value) (event, bool) {
	m, ok := v.Mapping()
	if !ok {
		return event{}, false
	}
	m.Key = "an event"
	e := event{place: m.At}
	at := strict.Need(m, "at", "10m", strict.Value.Duration)
	e.at = at.Value
	var said []string
	for _, kind := range eventKinds {
		if m.Has(kind) {
			said = append(said, kind)
		}
	}
	ok = t.happening(m, &e)
	misspelt := len(m.Keys()) > 0
	m.Close()
	switch {
	case len(said) == 1:
		e.what = said[0]
	case misspelt:
		return e, false
	case len(said) == 0:
		m.Errorf(m.At, "this event says nothing; add one of %s", strings.Join(eventKinds, ", "))
		return e, false
	default:
		m.Errorf(m.At, "this event says several things, %s; write an event for each, they happen in the order of the file", strings.Join(said, " and "))
		return e, false
	}
	return e, ok && at.Valid
}

// happening reads what happens.
func (t *test) happening(m *strict.Mapping, e *event) bool {
	deployment := strict.Read(m, "deployment", strict.OneOf("in_progress", "completed"))
	desired := strict.Read(m, "desired", count)
	running := strict.Read(m, "running", count)
	switch {
	case deployment.Present:
		e.happen = func(p *play) error { p.world.service.deploying = deployment.Value == "in_progress"; return nil }
		return deployment.Valid
	case desired.Present:
		e.happen = func(p *play) error { p.world.service.set(desired.Value, p.world.now); return nil }
		return desired.Valid
	case running.Present:
		e.happen = func(p *play) error { p.world.service.force(running.Value); return nil }
		return running.Valid
	}
	return t.registration(m, e) && override(m, e) && failure(m, e) && restart(m, e) && elsewhere(m, e)
}

// registration reads suspend, resume and set, which register the target anew.
func (t *test) registration(m *strict.Mapping, e *event) bool {
	suspend := strict.Read(m, "suspend", suspensions(true))
	resume := strict.Read(m, "resume", suspensions(false))
	set := strict.Read(m, "set", bounds)
	for _, f := range []strict.Field[scaler.Registration]{suspend, resume, set} {
		if f.Present {
			e.daemon = true
			e.happen = func(p *play) error { return p.register(f.Value) }
		}
	}
	return suspend.Usable() && resume.Usable() && set.Usable()
}

// suspensions reads kinds of scaling; state is what becomes of their suspension.
func suspensions(state bool) func(strict.Value) (scaler.Registration, bool) {
	return func(v strict.Value) (scaler.Registration, bool) {
		var r scaler.Registration
		kinds, ok := strict.List(strict.OneOf("scale_in", "scale_out", "scheduled"))(v)
		if ok && len(kinds) == 0 {
			v.Errorf(v.At, "%s is empty; name scale_in, scale_out or scheduled", v.Key)
			return r, false
		}
		for _, k := range kinds {
			switch k.Value {
			case "scale_in":
				r.DynamicScalingInSuspended = &state
			case "scale_out":
				r.DynamicScalingOutSuspended = &state
			default:
				r.ScheduledScalingSuspended = &state
			}
		}
		return r, ok
	}
}

// bounds reads set: a new min capacity, a new max capacity, or both.
func bounds(v strict.Value) (scaler.Registration, bool) {
	m, ok := v.Mapping()
	if !ok {
		return scaler.Registration{}, false
	}
	low, high := strict.Read(m, "min_capacity", count), strict.Read(m, "max_capacity", count)
	misspelt := len(m.Keys()) > 0
	m.Close()
	r := scaler.Registration{MinCapacity: low.Pointer(), MaxCapacity: high.Pointer()}
	switch {
	case misspelt:
		return r, false
	case !low.Present && !high.Present:
		m.Errorf(m.At, "set changes nothing; give min_capacity, max_capacity or both")
		return r, false
	case low.Valid && high.Valid && low.Value > high.Value:
		m.Errorf(low.At, "min_capacity (%d) must not exceed max_capacity (%d)", low.Value, high.Value)
		return r, false
	}
	return r, low.Usable() && high.Usable()
}

// override reads override with its duration: what a person asks of the daemon with the verb override.
func override(m *strict.Mapping, e *event) bool {
	desired := strict.Read(m, "override", count)
	if !desired.Present {
		return true
	}
	during := strict.Need(m, "for", "30m", strict.Value.Duration)
	c := evaluator.Command{Verb: evaluator.Override, Desired: desired.Value, For: during.Value, Reason: "as the test says"}
	if !desired.Valid || !during.Valid {
		return false
	}
	if err := c.Check(); err != nil {
		m.Errorf(during.At, "for: %s", err)
		return false
	}
	e.daemon = true
	e.happen = func(p *play) error { return p.steer(c) }
	return true
}

// errorCode is the form of AWS's error codes.
var errorCode = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]*$`)

func code(v strict.Value) (string, bool) {
	s, ok := v.Filled()
	if ok && !errorCode.MatchString(s) {
		v.Errorf(v.At, "%s must be an AWS error code such as ServerException or ThrottlingException, not %q", v.Key, strict.Shorten(s))
		return "", false
	}
	return s, ok
}

// failure reads fail with its error and duration.
func failure(m *strict.Mapping, e *event) bool {
	operation := strict.Read(m, "fail", strict.OneOf(updateService, describeServices, getMetricData))
	if !operation.Present {
		return true
	}
	why := strict.Need(m, "error", "ServerException", code)
	during := strict.Need(m, "for", "2m", strict.Value.Duration)
	if during.Valid && during.Value == 0 {
		m.Errorf(during.At, "for is 0, so that nothing would fail; write for example for: 2m")
		return false
	}
	e.happen = func(p *play) error { p.world.fail(operation.Value, why.Value, during.Value); return nil }
	return operation.Valid && why.Valid && during.Valid
}

// restart reads restart with the time that the daemon is away.
func restart(m *strict.Mapping, e *event) bool {
	again := strict.Read(m, "restart", strict.Value.Boolean)
	if !again.Present {
		return true
	}
	down := strict.Read(m, "down", strict.Value.Duration)
	if again.Valid && !again.Value {
		m.Errorf(again.At, "restart: false says nothing; write restart: true, or remove the event")
		return false
	}
	e.down = down.Value
	e.happen = func(p *play) error { return p.restart(down.Value) }
	return again.Valid && down.Usable()
}

// elsewhere reads unready: the share of all other targets that lack data, which the fleet brake answers to.
func elsewhere(m *strict.Mapping, e *event) bool {
	unready := strict.Read(m, "unready", strict.Integer(0, 100))
	if !unready.Present {
		return true
	}
	e.happen = func(p *play) error { p.brake.Report("the others", fleet, fleet*unready.Value/100); return nil }
	return unready.Valid
}

// checkDown reports what is asked of a daemon that is down then.
func (t *test) checkDown(m *strict.Mapping) {
	back := time.Duration(-1)
	for i := range t.events {
		e := &t.events[i]
		if e.at < back && (e.daemon || e.what == "restart") {
			m.Errorf(e.place, "%s needs a running daemon, which is down until %s; let it happen before or after that", e.what, offset(back))
		}
		if e.what == "restart" {
			back = max(back, e.at+e.down)
		}
	}
}
