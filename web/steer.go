package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// steerWait bounds how long a command waits for the pass under way.
const steerWait = 30 * time.Second

// What Steer wraps: there is no such target here, or its count is not to be set.
var (
	ErrNotSteered = errors.New("no target of this daemon")
	ErrRefused    = errors.New("refused")
)

// SuspensionView is a kind of scaling that is suspended. Since and Until are null where the registration suspends it
// (suspended_state), which no command ends; then there is no reason either.
type SuspensionView struct {
	Scaling evaluator.Steers `json:"scaling"`
	Since   *time.Time       `json:"since"`
	Until   *time.Time       `json:"until"`
	Reason  string           `json:"reason,omitempty"`
}

// OverrideView is an override of the desired count. Wanted is what Desired comes to within the bounds in force.
type OverrideView struct {
	Desired int       `json:"desired"`
	Wanted  int       `json:"wanted"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	Reason  string    `json:"reason"`
}

// SteeringView is what persons steer of a target: the answer to a command.
type SteeringView struct {
	Account     string           `json:"account,omitempty"`
	Cluster     string           `json:"cluster"`
	Service     string           `json:"service"`
	Suspensions []SuspensionView `json:"suspensions"`
	Override    *OverrideView    `json:"override"`
}

// steeringOf is what is suspended and overridden at an instant: by the registration first, then by commands.
func steeringOf(row *store.Target, now time.Time) (suspended []SuspensionView, override *OverrideView) {
	if row.Memory == nil {
		return nil, nil
	}
	for what := range registered(row.Memory) {
		suspended = append(suspended, SuspensionView{Scaling: what})
	}
	if len(row.Memory.Steering) == 0 {
		return suspended, nil
	}
	for _, s := range row.Memory.SteeringInForce(now) {
		since, until := s.Since.UTC(), s.Until().UTC()
		if s.Steers == evaluator.SteersCount {
			override = &OverrideView{s.Desired, min(max(s.Desired, row.Min), row.Max), since, until, s.Reason}
			continue
		}
		suspended = append(suspended, SuspensionView{s.Steers, &since, &until, s.Reason})
	}
	return suspended, override
}

// registered are the kinds of scaling that the registration in force suspends.
func registered(m *evaluator.Memory) func(yield func(evaluator.Steers) bool) {
	return func(yield func(evaluator.Steers) bool) {
		s := &m.Suspended
		_ = (!s.DynamicScalingIn || yield(evaluator.SteersIn)) && (!s.DynamicScalingOut || yield(evaluator.SteersOut)) &&
			(!s.Scheduled || yield(evaluator.SteersScheduled))
	}
}

// arguments are those of the commands that steer. Each has some of them.
type arguments struct {
	Scaling *[]evaluator.Steers `json:"scaling"`
	Desired *int                `json:"desired"`
	For     *string             `json:"for"`
	Reason  string              `json:"reason"`
	End     bool                `json:"end"`
}

// The forms of the commands, for messages.
const (
	suspendForm  = `{"scaling": ["in", "out", "scheduled"], "for": "2h", "reason": "…"}, without scaling for all three`
	resumeForm   = `{"scaling": ["in", "out", "scheduled"], "reason": "…"}, without scaling for all three`
	overrideForm = `{"desired": 5, "for": "2h", "reason": "…"}, or {"end": true}`
)

func (s *server) suspend(r *http.Request) (any, error) {
	return s.steer(r, suspendForm, func(a *arguments, c *evaluator.Command) error {
		c.Verb = evaluator.Suspend
		return a.foreign(suspendForm, a.Desired != nil || a.End)
	})
}

func (s *server) resume(r *http.Request) (any, error) {
	return s.steer(r, resumeForm, func(a *arguments, c *evaluator.Command) error {
		c.Verb = evaluator.Resume
		return a.foreign(resumeForm, a.Desired != nil || a.End || a.For != nil)
	})
}

func (s *server) override(r *http.Request) (any, error) {
	return s.steer(r, overrideForm, func(a *arguments, c *evaluator.Command) error {
		if c.Verb = evaluator.Override; a.End {
			c.Verb = evaluator.EndOverride
			return a.foreign(overrideForm, a.Scaling != nil || a.Desired != nil || a.For != nil)
		}
		if a.Desired == nil {
			return invalid("the count is missing; this command takes %s", overrideForm)
		}
		c.Desired = *a.Desired
		return a.foreign(overrideForm, a.Scaling != nil)
	})
}

// foreign refuses what belongs to another command.
func (a *arguments) foreign(form string, there bool) error {
	if there {
		return invalid("the body has a field of another command; this one takes %s", form)
	}
	return nil
}

// steer reads a command, has it carried out and answers with what is now in force.
func (s *server) steer(r *http.Request, form string, read func(*arguments, *evaluator.Command) error) (any, error) {
	q, err := parse(r.URL.RawQuery, []parameter{accountParam}, s.Now())
	if err != nil {
		return nil, err
	}
	c, err := commandOf(r, form, read)
	if err != nil {
		return nil, err
	}
	key := evaluator.Key{Account: q.Account, Cluster: r.PathValue("cluster"), Service: r.PathValue("service")}
	// A client that goes away does not stop the command, and the server's own limit on reading must not end the wait.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), steerWait)
	defer cancel()
	if err := s.Commands.Steer(ctx, key, *c); err != nil {
		return nil, steerProblem(err)
	}
	return s.steered(key)
}

func commandOf(r *http.Request, form string, read func(*arguments, *evaluator.Command) error) (*evaluator.Command, error) {
	a := &arguments{}
	if err := readArguments(r, a, form); err != nil {
		return nil, err
	}
	c := &evaluator.Command{Reason: a.Reason}
	if err := read(a, c); err != nil {
		return nil, err
	}
	if a.Scaling != nil {
		if c.Scaling = *a.Scaling; len(c.Scaling) == 0 {
			return nil, invalid("scaling is empty; name in, out or scheduled, or leave it out for all three")
		}
	}
	if a.For != nil {
		var err error
		if c.For, err = evaluator.ParseDuration(*a.For); err != nil {
			return nil, invalid("for: %s", err)
		}
	}
	if err := c.Check(); err != nil {
		return nil, invalid("%s", err)
	}
	return c, nil
}

// steerProblem is why a command was not carried out.
func steerProblem(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &problem{http.StatusGatewayTimeout, timedOut, "the pass under way has not ended in 30 seconds, and nothing was changed; give the command again"}
	case errors.Is(err, ErrNotSteered):
		return &problem{http.StatusNotFound, notFoundCode, err.Error() + "; GET /api/v1/targets lists those there are, and GET /api/v1/leases who steers which cluster"}
	case errors.Is(err, ErrRefused):
		return &problem{http.StatusConflict, refusedCode, err.Error()}
	default:
		return err
	}
}

// steered is what persons steer of a target now.
func (s *server) steered(key evaluator.Key) (any, error) {
	row, ok := s.Store.Target(key)
	if !ok {
		return nil, &problem{http.StatusNotFound, notFoundCode, fmt.Sprintf("the command was carried out, but %s is a target no longer", key)}
	}
	view := SteeringView{Account: key.Account, Cluster: key.Cluster, Service: key.Service, Suspensions: []SuspensionView{}}
	suspended, override := steeringOf(row, s.Now())
	view.Suspensions, view.Override = append(view.Suspensions, suspended...), override
	return view, nil
}

// readArguments reads the arguments of a command strictly; no body has none.
func readArguments(r *http.Request, into any, form string) error {
	text, err := readBody(r)
	if err != nil || len(text) == 0 {
		return err
	}
	if err := json.Unmarshal(text, new(map[string]json.RawMessage)); err != nil {
		return invalid("the body is no JSON object; this command takes %s", form)
	}
	if err := decodeStrictly(text, into); err != nil {
		return invalid("the body cannot be read (%s); this command takes %s", err, form)
	}
	return nil
}
