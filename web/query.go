package web

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// The size of a page.
const (
	defaultLimit = store.DefaultLimit
	maxLimit     = store.MaxLimit
)

// request is what a query string asks for.
type request struct {
	store.Query
	// Memory asks for the evaluator's memory of every target in a list.
	Memory bool
	// Attempts asks for what did not scale beside what did.
	Attempts bool
	now      time.Time
}

// parameter is one name that a query string may hold, once.
type parameter struct {
	name string
	set  func(r *request, value string) error
}

// paramsOf lists the parameters an endpoint takes, for its errors too.
var (
	targetParams = []parameter{accountParam, clusterParam, serviceParam, actionParam, reasonParam, memoryParam, limitParam, cursorParam}

	decisionParams = []parameter{accountParam, clusterParam, serviceParam, actionParam, reasonParam,
		sinceParam, untilParam, limitParam, cursorParam}

	activityParams = []parameter{accountParam, clusterParam, serviceParam, statusParam, directionParam, reasonParam,
		notScaledParam, sinceParam, untilParam, limitParam, cursorParam}
)

var (
	accountParam = text("account", func(r *request) *string { return &r.Account })
	clusterParam = text("cluster", func(r *request) *string { return &r.Cluster })
	serviceParam = text("service", func(r *request) *string { return &r.Service })
	cursorParam  = text("cursor", func(r *request) *string { return &r.Cursor })

	actionParam    = oneOf("action", actions, func(r *request) *string { return &r.Action })
	directionParam = oneOf("direction", actions, func(r *request) *string { return &r.Direction })
	reasonParam    = oneOf("reason", reasons, func(r *request) *string { return &r.Reason })
	statusParam    = oneOf("status", statuses, func(r *request) *string { return &r.Status })

	sinceParam = moment("since", func(r *request) *time.Time { return &r.Since })
	untilParam = moment("until", func(r *request) *time.Time { return &r.Until })

	limitParam  = parameter{"limit", setLimit}
	memoryParam = truth("memory", func(r *request) *bool { return &r.Memory })

	notScaledParam = truth("include_not_scaled", func(r *request) *bool { return &r.Attempts })
)

// The values that filters know. A test compares them with the constants of the evaluator.
var (
	actions = []string{string(evaluator.ScaleOut), string(evaluator.ScaleIn), string(evaluator.Hold)}

	statuses = []string{
		string(evaluator.Pending), string(evaluator.InProgress), string(evaluator.Successful),
		string(evaluator.Overridden), string(evaluator.Unfulfilled), string(evaluator.Failed),
	}

	reasons = []string{
		string(evaluator.AlreadyAtMaxCapacity), string(evaluator.AlreadyAtMinCapacity),
		string(evaluator.AlreadyAtDesiredCapacity), string(evaluator.AutoScalingAnticipatedFlapping),
		string(evaluator.TargetServicePutResourceAsUnscalable), string(evaluator.ByTargetTracking),
		string(evaluator.ByStepScaling), string(evaluator.ByScheduledAction), string(evaluator.ByOverride),
		string(evaluator.RaisedToMinCapacity), string(evaluator.LoweredToMax),
		string(evaluator.WithinTarget), string(evaluator.AlarmNotInAlarm), string(evaluator.NoMatchingStep),
		string(evaluator.HighResolutionUnsupported),
		string(evaluator.NothingDue), string(evaluator.InsufficientData), string(evaluator.StaleData),
		string(evaluator.CooldownInEffect), string(evaluator.ActivityInProgress),
		string(evaluator.PolicyNotReadyToScaleIn), string(evaluator.OutOfBoundsByOthers),
		string(evaluator.DynamicScalingSuspended), string(evaluator.ScheduledScalingSuspended), string(evaluator.ServiceSwitchedOff),
		string(evaluator.ServiceNotFound), string(evaluator.ServiceNotActive),
		string(evaluator.ServiceNotScalable), string(evaluator.ServiceNotDescribed), string(store.ForeignWrite),
		string(evaluator.ManagedPolicyConflict), string(evaluator.ManagedPoliciesUnknown),
		string(evaluator.ScaleInForbidden), string(evaluator.HeldByFlapGuard), string(evaluator.HeldByFleetBrake),
	}
)

// parse reads a query string strictly: a misspelt filter that is quietly ignored shows everything, and
// somebody acts on it.
func parse(raw string, allowed []parameter, now time.Time) (request, error) {
	r := request{Query: store.Query{Limit: defaultLimit}, now: now}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return r, invalid("the query string cannot be read (%s); write name=value pairs joined by &, with %%XX for special characters", err)
	}
	for _, name := range sortedKeys(values) {
		if err := set(&r, name, values[name], allowed); err != nil {
			return r, err
		}
	}
	if !r.Since.IsZero() && !r.Until.IsZero() && r.Until.Before(r.Since) {
		return r, invalid("until (%s) is before since (%s); nothing can lie between them",
			r.Until.Format(time.RFC3339), r.Since.Format(time.RFC3339))
	}
	return r, nil
}

// sortedKeys makes the first of several mistakes the same one every time.
func sortedKeys(v url.Values) []string {
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func set(r *request, name string, values []string, allowed []parameter) error {
	i := slices.IndexFunc(allowed, func(p parameter) bool { return p.name == name })
	switch {
	case i < 0:
		return invalid("there is no parameter %q here; there are %s", name, namesOf(allowed))
	case len(values) > 1:
		return invalid("%s is given %d times; give it once", name, len(values))
	case values[0] == "":
		return invalid("%s is empty; give a value or leave it out", name)
	}
	return allowed[i].set(r, values[0])
}

func namesOf(allowed []parameter) string {
	if len(allowed) == 0 {
		return "none"
	}
	names := make([]string, len(allowed))
	for i, p := range allowed {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

// text is a parameter that is taken as it is.
func text(name string, field func(*request) *string) parameter {
	return parameter{name, func(r *request, value string) error {
		*field(r) = value
		return nil
	}}
}

// oneOf is a parameter with a closed set of values.
func oneOf(name string, known []string, field func(*request) *string) parameter {
	return parameter{name, func(r *request, value string) error {
		if !slices.Contains(known, value) {
			return invalid("%s %q is not known; it is one of %s", name, value, strings.Join(known, ", "))
		}
		*field(r) = value
		return nil
	}}
}

// moment is a parameter that is an instant, or how long ago it was.
func moment(name string, field func(*request) *time.Time) parameter {
	return parameter{name, func(r *request, value string) error {
		t, err := InstantOf(value, r.now)
		if err != nil {
			return invalid("%s %q is no time (%s); write 2026-01-31T08:00:00Z, or how long ago it was: 90m, 2h, 36h", name, value, err)
		}
		*field(r) = t
		return nil
	}}
}

// InstantOf reads an instant as the API and the verbs take it: RFC 3339, or a Go duration, 0 or more, as so long before now. Its
// error says why it is neither.
func InstantOf(value string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(value); err == nil {
		if ago < 0 {
			return time.Time{}, errors.New("it lies in the future")
		}
		return now.Add(-ago).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, value)
	switch {
	case err == nil:
		return t.UTC(), nil
	case strings.Contains(value, " "):
		return t, errors.New("a + in a query string must be written %2B")
	}
	return t, errors.New("neither RFC 3339 nor a duration")
}

func setLimit(r *request, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > maxLimit {
		return invalid("limit %q is not a number from 1 to %d", value, maxLimit)
	}
	r.Limit = n
	return nil
}

// truth is a parameter that is true or false.
func truth(name string, field func(*request) *bool) parameter {
	return parameter{name, func(r *request, value string) error {
		if value != "true" && value != "false" {
			return invalid("%s %q is neither true nor false", name, value)
		}
		*field(r) = value == "true"
		return nil
	}}
}
