package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ecs-autoscaler/evaluator"
)

// ErrUnhandled is returned by Once when at least one target could not be handled.
var ErrUnhandled = errors.New("at least one target could not be handled")

// Once makes a single whole pass: every target is looked at once, which for thousands of services
// takes as many steps as AWS's rates for describing and writing them ask for. The decisions are in the store.
func (d *Daemon) Once(ctx context.Context) ([]evaluator.Decision, error) {
	if err := d.fleet.List(ctx); err != nil {
		return nil, err
	}
	theirs := d.steered(ctx)
	if theirs != nil && !errors.Is(theirs, ErrUnhandled) {
		return nil, theirs
	}
	if err := d.fleet.Whole(ctx); err != nil {
		return nil, err
	}
	decisions, err := d.decisions()
	return decisions, errors.Join(theirs, err)
}

// decisions are the latest of every target, in order of their names.
func (d *Daemon) decisions() ([]evaluator.Decision, error) {
	var out []evaluator.Decision
	unhandled := 0
	for _, row := range d.store.Targets() {
		dec, ok := row.Latest.Get()
		if !ok || row.Note != "" || !handled(&dec) {
			unhandled++
		}
		if ok {
			out = append(out, dec)
		}
	}
	if unlisted := d.fleet.Unlisted(); len(unlisted) > 0 {
		return out, fmt.Errorf("%w: what the configuration means in %s could not be found out", ErrUnhandled, strings.Join(unlisted, ", "))
	}
	if unhandled > 0 {
		return out, fmt.Errorf("%w (%d of %d)", ErrUnhandled, unhandled, len(d.store.Targets()))
	}
	return out, nil
}

// unhandledReasons say that nothing could be decided about the service.
var unhandledReasons = []evaluator.Reason{
	evaluator.ServiceNotDescribed, evaluator.ServiceNotFound, evaluator.ServiceNotActive,
	evaluator.ServiceNotScalable, evaluator.StaleData, evaluator.ManagedPolicyConflict, evaluator.ManagedPoliciesUnknown,
}

// handled reports whether the decision was one about the service, and was carried out if it was to be.
func handled(d *evaluator.Decision) bool {
	if slices.Contains(unhandledReasons, d.Reason) {
		return false
	}
	return d.Action == evaluator.Hold || d.Outcome == evaluator.OutcomeWritten || d.Outcome == evaluator.OutcomeDryRun
}
