package awsapi

import (
	"context"
	"errors"

	"github.com/aws/smithy-go/middleware"
)

// MaybeDoneError is the refusal of a write one of whose earlier attempts was not answered: that one may have taken effect.
type MaybeDoneError struct{ Err error }

// Error is the text of the refusal.
func (e *MaybeDoneError) Error() string {
	return e.Err.Error() + " (an attempt before was not answered)"
}

// Unwrap is the refusal as AWS gave it.
func (e *MaybeDoneError) Unwrap() error { return e.Err }

// MayBeDone says whether a write that failed may have taken effect all the same: AWS has not refused each of its attempts.
func MayBeDone(err error) bool {
	_, unanswered := errors.AsType[*MaybeDoneError](err)
	return unanswered || Classify(err).Retry()
}

// WatchAttempts has the errors of an operation be a *MaybeDoneError where an attempt before the last one was not answered. The SDK gives
// back the last error alone: permissions that are taken away between two attempts would hide that the first one was carried out.
func WatchAttempts(s *middleware.Stack) error {
	lost := new(bool)
	outer := middleware.FinalizeMiddlewareFunc("WatchAttempts", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		out, meta, err := next.HandleFinalize(ctx, in)
		if err != nil && *lost && !Classify(err).Retry() {
			err = &MaybeDoneError{err}
		}
		return out, meta, err
	})
	inner := middleware.FinalizeMiddlewareFunc("WatchAttempt", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		out, meta, err := next.HandleFinalize(ctx, in)
		class := Classify(err)
		*lost = *lost || class == Server || class == Timeout
		return out, meta, err
	})
	return errors.Join(s.Finalize.Insert(outer, "Retry", middleware.Before), s.Finalize.Insert(inner, "Retry", middleware.After))
}
