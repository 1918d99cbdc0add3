package evaluator

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawSteering has persons steer the target: of some kinds of scaling, some of it over, an override carried out or not.
func (w *wide) drawSteering(t *rapid.T) {
	if !w.some(3) {
		return
	}
	for _, what := range []Steers{SteersIn, SteersOut, SteersScheduled, SteersCount} {
		if !w.some(3) {
			continue
		}
		s := Steering{
			Steers: what, Reason: "drill", Since: noon.Add(-time.Duration(rapid.IntRange(0, 3600).Draw(t, "since")) * time.Second),
			For: time.Duration(rapid.IntRange(60, 7200).Draw(t, "for")) * time.Second,
		}
		if what == SteersCount {
			s.Desired = rapid.IntRange(0, 30).Draw(t, "override")
			if s.Done = rapid.Bool().Draw(t, "done"); s.Done {
				s.Count = rapid.SampledFrom([]int{w.o.Service.Desired, w.m.InForce(w.target).clamp(s.Desired), 3}).Draw(t, "count")
			}
		}
		w.m.Steering = append(w.m.Steering, s)
	}
}

// obeysSteering: nothing goes where a person has suspended it, and with an override no policy acts at all.
func obeysSteering(w *wide) string {
	for _, s := range w.m.SteeringInForce(w.d.Time) {
		if broken := obeys(&w.d, &s); broken != "" {
			return broken
		}
	}
	return ""
}

func obeys(d *Decision, s *Steering) string {
	forbidden := map[Steers][]Action{SteersIn: {ScaleIn}, SteersOut: {ScaleOut}, SteersScheduled: nil, SteersCount: {ScaleIn, ScaleOut}}
	pin := Registration{Min: d.Min, Max: d.Max}.clamp(s.Desired)
	switch {
	case d.Policy >= 0 && slices.Contains(forbidden[s.Steers], d.Action):
		return "a policy moves the count against " + string(s.Steers)
	case d.Action != Hold && d.Reason == ByOverride && s.Steers == SteersCount && d.Wanted != pin:
		return "the override sets another count than its own"
	case s.Steers == SteersScheduled && slices.ContainsFunc(d.Scheduled, func(f ScheduledFire) bool { return f.Status != FireSuspended }):
		return "a suspended action fires"
	default:
		return ""
	}
}

// TestPropertySteeringIsObeyedAndEndsOnTime lets people steer a target for hours, by any mix of commands, while bounds move and others
// write counts. By our hand the count stays within the bounds, never moves in a suspended direction except by a bound or an override,
// and what was asked for ends at its second.
func TestPropertySteeringIsObeyedAndEndsOnTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWide(rt, t)
		if w.o.Service.Status != ServiceActive {
			w.o.Service.Status = ServiceActive
		}
		given := map[Steers]Steering{} //nolint:exhaustive // it is filled as commands are given
		for _, s := range w.m.Steering {
			given[s.Steers] = s
		}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			w.now = w.now.Add(time.Duration(rapid.IntRange(1, 400).Draw(rt, "seconds")) * time.Second)
			w.o.Service.DescribedAt = w.now
			w.publish(w.now)
			w.otherHands(rt)
			w.command(rt, given)
			w.m.Follow(w.target, &w.o.Service, w.now)
			w.decide()
			if !w.d.Next.After(w.now) || !w.m.SteeringEnds(w.now).IsZero() && w.d.Next.After(w.m.SteeringEnds(w.now)) {
				rt.Fatalf("looks again at %s\n%s", w.d.Next, w.story())
			}
			for _, broken := range []string{staysWithinBounds(w), obeysSteering(w), saysWhatItDoes(w)} {
				if broken != "" {
					rt.Fatalf("%s\n%s", broken, w.story())
				}
			}
			w.compare(rt, given)
			w.act(rt)
		}
	})
}

// otherHands write counts and bounds now and then.
func (w *wide) otherHands(rt *rapid.T) {
	switch rapid.IntRange(0, 9).Draw(rt, "other hand") {
	case 0:
		w.o.Service.Desired = rapid.IntRange(0, 20).Draw(rt, "foreign")
	case 1:
		w.target.Min = rapid.IntRange(0, 6).Draw(rt, "file min")
		w.target.Max = w.target.Min + rapid.IntRange(0, 12).Draw(rt, "file span")
	case 2, 3, 4:
		w.o.Service.Running, w.o.Service.Base = w.o.Service.Desired, w.o.Service.Desired
	}
}

// command has somebody give one, or nobody.
func (w *wide) command(rt *rapid.T, given map[Steers]Steering) {
	verb := rapid.SampledFrom([]Verb{Suspend, Override, Resume, EndOverride, "", "", ""}).Draw(rt, "verb")
	if verb == "" {
		return
	}
	c := Command{Verb: verb, Reason: "drill", For: time.Duration(rapid.IntRange(60, 3000).Draw(rt, "lasts")) * time.Second}
	if verb == Override {
		c.Desired = rapid.IntRange(0, 20).Draw(rt, "count")
	} else if verb != EndOverride && rapid.Bool().Draw(rt, "one") {
		c.Scaling = []Steers{rapid.SampledFrom(suspendable).Draw(rt, "scaling")}
	}
	if err := c.Check(); err != nil {
		rt.Fatal(err)
	}
	w.m.Obey(&c, w.now)
	for _, what := range c.about() {
		delete(given, what)
		if c.begins() {
			given[what] = Steering{Since: w.now, For: c.For}
		}
	}
}

// compare tells what is in force from what was asked for.
func (w *wide) compare(rt *rapid.T, given map[Steers]Steering) {
	inForce := map[Steers]bool{} //nolint:exhaustive // what is missing is not
	for _, s := range w.m.SteeringInForce(w.now) {
		inForce[s.Steers] = true
	}
	for _, what := range []Steers{SteersIn, SteersOut, SteersScheduled, SteersCount} {
		s, asked := given[what]
		if asked = asked && w.now.Before(s.Since.Add(s.For)); asked != inForce[what] {
			rt.Fatalf("%s is in force %v, asked for %v\n%s", what, inForce[what], asked, w.story())
		}
	}
}

// act carries the decision out, or fails to, and remembers.
func (w *wide) act(rt *rapid.T) {
	w.m.Remember(w.target, &w.d)
	if w.d.Action != Hold && rapid.IntRange(0, 3).Draw(rt, "fails") > 0 {
		w.d.Outcome = OutcomeWritten
		w.m.Begin(w.target, &w.d, "a")
		w.m.Remember(w.target, &w.d)
		w.o.Service.Desired = w.d.Wanted
	}
	left := fmt.Sprint(w.m.SteeringInForce(w.now))
	w.m.EndSteering(&w.d)
	if fmt.Sprint(w.m.SteeringInForce(w.now)) != left {
		rt.Fatalf("what is in force is forgotten: %s", left)
	}
}
