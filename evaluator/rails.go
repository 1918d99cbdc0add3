package evaluator

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rails are safety rails that AWS does not have. They hold back what policies wish for, never what bounds and scheduled
// actions demand. A target without Rails is decided as if there were none.
type Rails struct {
	// MaxScaleOutStep and MaxScaleInStep limit how far one step of the policies may move the desired count.
	MaxScaleOutStep, MaxScaleInStep StepLimit
	// ScaleInForbidden are the windows in which no policy scales in.
	ScaleInForbidden []ForbiddenWindow
	// FlapGuard widens the scale-in cooldown of a target whose policies go back and forth.
	FlapGuard FlapGuard
}

// StepLimit is a number of tasks or, where Tasks is 0, a share of the desired count in percent. The zero value is no limit.
type StepLimit struct{ Tasks, Percent int }

// ForbiddenWindow is a time in which no policy scales in: from each fire of its schedule on, for Duration > 0.
type ForbiddenWindow struct {
	// Name is for people and may be empty.
	Name     string
	Schedule Schedule
	Duration time.Duration
}

// The names of the rails are those of their options in the configuration.
const (
	RailScaleOutStep     = "max_scale_out_step"
	RailScaleInStep      = "max_scale_in_step"
	RailScaleInForbidden = "scale_in_forbidden"
	RailFlapGuard        = "flap_guard"
	RailFleetBrake       = "halt_if_unready_percent"
)

// Rail is a safety rail that was in effect at a decision. Rail names it and says which of the other fields it has.
type Rail struct {
	Rail string `json:"rail"`
	// Limit is the configured step, Step how many tasks of it were left for this decision, 0 when it is used up, and Wanted
	// the count that would have been set without it; of the two steps.
	Limit  StepLimit `json:"limit,omitzero"`
	Step   int       `json:"step,omitempty"`
	Wanted int       `json:"wanted,omitempty"`
	// Window is the name of the window that is open longest, and Until when it closes; of scale_in_forbidden.
	Window string    `json:"window,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	// Reversals is how often the policies have turned round within so many seconds; of flap_guard.
	Reversals int   `json:"reversals,omitempty"`
	Within    int64 `json:"within,omitempty"`
	// Unready of Targets are more than HaltAbove percent; of halt_if_unready_percent.
	Targets   int     `json:"targets,omitempty"`
	Unready   int     `json:"unready,omitempty"`
	HaltAbove float64 `json:"halt_above,omitempty"`
}

// Fleet is how many of all targets of the daemon are unready: those that lack data or cannot be described. The zero
// value never halts.
type Fleet struct {
	Targets, Unready int
	// HaltAbove is the share in percent beyond which nothing is scaled in, 0 for no such limit.
	HaltAbove float64
}

// Halted says that more targets are unready than the limit allows, so that no policy of any target scales in.
func (f *Fleet) Halted() bool {
	return f.HaltAbove > 0 && 100*float64(f.Unready) > f.HaltAbove*float64(f.Targets)
}

// on says that there is a limit.
func (l StepLimit) on() bool { return l.Tasks > 0 || l.Percent > 0 }

// of is how many tasks one step may be that starts from a count: a share is rounded down, but leaves one.
func (l StepLimit) of(count int) int {
	if l.Tasks > 0 {
		return l.Tasks
	}
	return max(1, count*l.Percent/100)
}

// String is the form of the configuration: 5 or 50%.
func (l StepLimit) String() string {
	if l.Tasks > 0 {
		return strconv.Itoa(l.Tasks)
	}
	return strconv.Itoa(l.Percent) + "%"
}

// MarshalText writes what String gives.
func (l StepLimit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText wrote: a number of tasks, or a percentage.
func (l *StepLimit) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(string(text), "%")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 {
		return fmt.Errorf("a step is a number of tasks or a percentage such as 50%%, not %q", text)
	}
	*l = StepLimit{Tasks: n}
	if percent {
		*l = StepLimit{Percent: n}
	}
	return nil
}

// railed says that any rail may concern this decision; otherwise nobody asks about one.
func (e *pass) railed() bool { return e.t.Rails != nil || e.o.Fleet.HaltAbove > 0 }

// rails notes the rails that are in effect whatever the policies may wish for. What steps are cut is noted with the wish.
func (e *pass) rails() {
	if f := &e.o.Fleet; f.Halted() {
		e.d.Rails = append(e.d.Rails, Rail{Rail: RailFleetBrake, Targets: f.Targets, Unready: f.Unready, HaltAbove: f.HaltAbove})
	}
	if e.t.Rails == nil {
		return
	}
	if name, until := e.t.Rails.forbidden(e.d.Time); !until.IsZero() {
		e.d.Rails = append(e.d.Rails, Rail{Rail: RailScaleInForbidden, Window: name, Until: until})
	}
	g := &e.t.Rails.FlapGuard
	if n := e.m.Flaps.count(g, e.d.Time); g.Reversals > 0 && n >= g.Reversals {
		e.d.Rails = append(e.d.Rails, Rail{Rail: RailFlapGuard, Reversals: n, Within: int64(g.Within / time.Second)})
	}
}

// rail is the one of that name if it is in effect, else nil.
func (d *Decision) rail(name string) *Rail {
	for k := range d.Rails {
		if d.Rails[k].Rail == name {
			return &d.Rails[k]
		}
	}
	return nil
}

// forbidden is the window that is open at an instant, of several the one that closes last, and when that is; zero if none
// is open. It is open from its fire on and no longer when its duration is over.
func (r *Rails) forbidden(now time.Time) (name string, until time.Time) {
	for k := range r.ScaleInForbidden {
		w := &r.ScaleInForbidden[k]
		fire, open := w.Schedule.Newest(now.Add(-w.Duration), now, time.Time{})
		if ends := fire.Add(w.Duration); open && ends.After(until) {
			name, until = w.Name, ends
		}
	}
	return name, until
}

// forbiddenNow: a window of the target is open in which its policies must not scale in.
func forbiddenNow(e *pass, i int) Reason {
	if e.changes(&e.d.Policies[i]) && e.d.rail(RailScaleInForbidden) != nil {
		return ScaleInForbidden
	}
	return ""
}

// braked: too many targets of the fleet lack data, so that little load somewhere may be somebody's outage.
func braked(e *pass, i int) Reason {
	if e.changes(&e.d.Policies[i]) && e.d.rail(RailFleetBrake) != nil {
		return HeldByFleetBrake
	}
	return ""
}
