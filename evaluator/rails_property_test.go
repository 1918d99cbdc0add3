package evaluator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawRails gives the target any rails, with a past.
func (w *wide) drawRails(t *rapid.T) {
	r := &Rails{MaxScaleOutStep: w.drawStep(300), MaxScaleInStep: w.drawStep(100)}
	for range w.r.IntN(3) {
		at := rapid.SliceOfN(rapid.IntRange(-7200, 7200), 1, 6).Draw(t, "windows")
		slices.Sort(at)
		r.ScaleInForbidden = append(r.ScaleInForbidden, ForbiddenWindow{
			Name: "w", Schedule: instants(slices.Compact(at)), Duration: time.Duration(1+w.r.IntN(3000)) * time.Second,
		})
	}
	if w.some(2) {
		r.FlapGuard = FlapGuard{
			Reversals: 1 + w.r.IntN(4), Within: time.Duration(1+w.r.IntN(60)) * time.Minute,
			Factor: 2 + w.r.IntN(3), Longest: time.Duration(1+w.r.IntN(60)) * time.Minute,
		}
		w.m.Flaps = &FlapMemory{Direction: []Action{ScaleOut, ScaleIn}[w.r.IntN(2)]}
		for ago := 3600; ago > 0 && len(w.m.Flaps.Reversals) < w.r.IntN(8); ago -= w.r.IntN(900) {
			w.m.Flaps.Reversals = append(w.m.Flaps.Reversals, noon.Add(-time.Duration(ago)*time.Second))
		}
	}
	w.target.Rails = r
	w.o.Fleet.HaltAbove = []float64{0, 20, 50}[w.r.IntN(3)]
	w.brake()
}

func (w *wide) drawStep(percent int) StepLimit {
	switch w.r.IntN(3) {
	case 0:
		return StepLimit{Tasks: 1 + w.r.IntN(6)}
	case 1:
		return StepLimit{Percent: 1 + w.r.IntN(percent)}
	default:
		return StepLimit{}
	}
}

// brake lets some of the fleet fall silent, or speak again.
func (w *wide) brake() { w.o.Fleet.Targets, w.o.Fleet.Unready = 10, w.r.IntN(8) }

// obeysRails: no policy goes further than its step, nor down while a window, the brake or the flap guard forbids it, and what
// is in effect is shown.
func obeysRails(w *wide) string {
	d, r := &w.d, w.target.Rails
	if d.Policy < 0 || d.Action == Hold {
		return ""
	}
	if d.Action == ScaleIn && (d.rail(RailScaleInForbidden) != nil || d.rail(RailFleetBrake) != nil || w.o.Fleet.Halted()) {
		return "it scales in although a rail forbids it"
	}
	if within := d.Start >= d.Min && d.Start <= d.Max; r == nil || !within || !r.limit(d.Action).on() {
		return ""
	}
	return staysWithinItsStep(d, r)
}

func staysWithinItsStep(d *Decision, r *Rails) string {
	moved := max(d.Wanted-d.Start, d.Start-d.Wanted)
	if most := r.limit(d.Action).of(d.Start); moved > most {
		return fmt.Sprintf("it moves by %d, the step is %d", moved, most)
	}
	if wish := d.Policies[d.Policy].Wanted; min(max(wish, d.Min), d.Max) != d.Wanted && d.rail(stepRail(d.Action)) == nil {
		return "the cut is not shown"
	}
	return ""
}

// withoutRails is what the same target would do without any.
func (w *wide) withoutRails() *Decision {
	t, o := *w.target, w.o
	t.Rails, o.Fleet = nil, Fleet{}
	var d Decision
	Evaluate(&t, &o, w.m, w.now, &d)
	return &d
}

// TestPropertyRailsThatAreOffChangeNothing: an empty Rails, a fleet without a limit and one that is well are nothing.
func TestPropertyRailsThatAreOffChangeNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWide(rt, t)
		want := w.withoutRails()
		w.target.Rails = &Rails{}
		w.o.Fleet = Fleet{Targets: 10, Unready: w.r.IntN(10)}
		if w.some(2) {
			w.o.Fleet = Fleet{Targets: 10, Unready: 2, HaltAbove: 20}
		}
		if diff := sameDecision(want, w.decide()); diff != "" {
			rt.Fatalf("rails that are off change %s", diff)
		}
		w.m.Bind(w.target)
		w.m.Begin(w.target, &w.d, "x")
		for _, v := range []any{&w.d, w.m} {
			text, err := json.Marshal(v)
			if err != nil || strings.Contains(string(text), `"rails"`) || strings.Contains(string(text), `"flaps"`) || strings.Contains(string(text), `"widened`) {
				rt.Fatalf("%v: %s", err, text)
			}
		}
	})
}

// TestPropertyRailsOnlyHoldBack: with rails the policies go the same way, less far or not at all.
func TestPropertyRailsOnlyHoldBack(t *testing.T) {
	held := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWide(rt, t)
		w.drawRails(rt)
		free, d := w.withoutRails(), w.decide()
		if d.Start != d.Desired {
			return // a bound moves it, too
		}
		low, high := min(free.Wanted, free.Desired), max(free.Wanted, free.Desired)
		if d.Wanted < low || d.Wanted > high {
			rt.Fatalf("from %d to %d, without rails to %d: %s\n%s", d.Desired, d.Wanted, free.Wanted, free.Message(), w.story())
		}
		if d.Wanted != free.Wanted {
			held++
		}
		if d.Action == Hold && free.Action != Hold && d.Next.After(free.Next) && len(d.Rails) == 0 {
			rt.Fatalf("held without a rail\n%s", w.story())
		}
	})
	if held == 0 {
		t.Error("no rail ever held anything back")
	}
}

// TestPropertyStepsAddUp: while a policy's cooldown runs, all that was added since its chain began is one step at most.
func TestPropertyStepsAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		most := rapid.IntRange(1, 6).Draw(rt, "step")
		s := newScene(t, 1, 60, tracking("cpu", 50), drawPolicy(rt, 1)).railed(Rails{MaxScaleOutStep: StepLimit{Tasks: most}})
		s.target.Policies[1].ScaleOutCooldown = 5 * time.Minute
		var added []int
		for minute := range 60 {
			s.at(60*minute).metric(0, fmt.Sprintf("%vx20", rapid.SampledFrom([]int{48, 90, 200}).Draw(rt, "a")))
			s.metric(1, fmt.Sprintf("%vx20", rapid.SampledFrom([]int{48, 90, 200}).Draw(rt, "b")))
			s.m.Follow(s.target, &s.o.Service, s.now)
			before := s.o.Service.Desired
			if s.decide().Action != Hold {
				s.write().runs(s.d.Wanted)
			}
			added = append(added, max(0, s.o.Service.Desired-before))
			sum, removed := 0, s.o.Service.Desired < before
			for k := max(0, len(added)-5); k < len(added); k++ {
				sum += added[k]
			}
			if removed {
				added = nil // what is gone again may come again
			}
			if sum > most {
				rt.Fatalf("minute %d: %d added within five minutes, the step is %d: %v", minute, sum, most, added)
			}
		}
	})
}

// FuzzStepLimit: what is read as a step is written as such, and everything else is refused.
func FuzzStepLimit(f *testing.F) {
	for _, text := range []string{"5", "50%", "0", "%", "-1", "1e3", "99999999999999999999%"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var l, again StepLimit
		if l.UnmarshalText([]byte(text)) != nil {
			return
		}
		written, _ := l.MarshalText()
		if err := again.UnmarshalText(written); err != nil || l != again && l.on() {
			t.Errorf("%q became %q, which is %+v, %v", text, written, again, err)
		}
	})
}
