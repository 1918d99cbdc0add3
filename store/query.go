package store

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"ecs-autoscaler/evaluator"
)

// The size of a page of history.
const (
	DefaultLimit = 50
	MaxLimit     = 1000
)

// ErrQuery is what every complaint about a query wraps: the asker is to blame, not the state.
var ErrQuery = errors.New("invalid query")

// Query selects a page of history, newest first. The zero value asks for the newest 50 records.
type Query struct {
	// Account, Cluster and Service are exact names; empty means all.
	Account, Cluster, Service string
	// Own asks for the daemon's own account alone, whose name is empty.
	Own bool
	// Status is of activities, and of decisions with NotScaled.
	Status string
	Reason string
	// NotScaled asks for decisions that are what AWS calls not scaled activities; it is of decisions only.
	NotScaled bool
	// Action and Direction are two names for the same: scale_out, scale_in, or hold for decisions.
	Action, Direction string
	// Since is the oldest instant wanted, Until the first one not wanted; zero means no bound.
	// An activity counts by its StartTime.
	Since, Until time.Time
	// Limit is the size of the page: DefaultLimit when it is not positive, at most MaxLimit.
	Limit int
	// Cursor is what the page before gave. It marks a place in time, so records that come in
	// later shift nothing and repeat nothing.
	Cursor string
}

// selection is a query made ready: the history keys it spans and what a record must be.
type selection struct {
	// from is the smallest key wanted, before the first one beyond; nil means no bound.
	from, before []byte
	limit        int
	target       evaluator.Key
	own          bool
	status       evaluator.ActivityStatus
	reason       evaluator.Reason
	action       evaluator.Action
	notScaled    bool
}

// limit is the size of the page that is asked for.
func (q *Query) limit() int {
	if q.Limit <= 0 {
		return DefaultLimit
	}
	return min(q.Limit, MaxLimit)
}

func (q *Query) selection() (*selection, error) {
	s := &selection{
		limit:     q.limit(),
		target:    evaluator.Key{Account: q.Account, Cluster: q.Cluster, Service: q.Service},
		own:       q.Own,
		status:    evaluator.ActivityStatus(q.Status),
		reason:    evaluator.Reason(q.Reason),
		action:    evaluator.Action(q.Action),
		notScaled: q.NotScaled,
	}
	if q.Action == "" {
		s.action = evaluator.Action(q.Direction)
	} else if q.Direction != "" && q.Direction != q.Action {
		return nil, fmt.Errorf("%w: action %q and direction %q exclude each other: give one of them", ErrQuery, q.Action, q.Direction)
	}
	if !q.Since.IsZero() {
		s.from = historyKey(q.Since, "")
	}
	if !q.Until.IsZero() {
		s.before = historyKey(q.Until, "")
	}
	return s, s.resume(q.Cursor)
}

// resume narrows the span to what is older than the last record of the page before.
func (s *selection) resume(cursor string) error {
	if cursor == "" {
		return nil
	}
	key, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(key) <= timeKeyLen {
		return fmt.Errorf("%w: cursor %q is not one that a page gave as its next: start again without a cursor", ErrQuery, cursor)
	}
	if s.before == nil || bytes.Compare(key, s.before) < 0 {
		s.before = key
	}
	return nil
}

func (s *selection) ofTarget(k evaluator.Key) bool {
	return (s.target.Account == k.Account || s.target.Account == "" && !s.own) &&
		(s.target.Cluster == "" || s.target.Cluster == k.Cluster) &&
		(s.target.Service == "" || s.target.Service == k.Service)
}

func (s *selection) activity(a *Activity) bool {
	return s.ofTarget(a.Target) &&
		(s.status == "" || s.status == a.Status) &&
		(s.reason == "" || s.reason == a.Reason) &&
		(s.action == "" || s.action == a.Direction)
}

func (s *selection) decision(d *DecisionRecord) bool {
	return s.ofTarget(d.Target) &&
		(s.reason == "" || s.reason == d.Reason) &&
		(s.action == "" || s.action == d.Action) &&
		(!s.notScaled || d.NotScaled() && (s.status == "" || s.status == d.NotScaledStatus()))
}

// page gathers the newest matching records of one query and knows where the next page begins.
type page[T any] struct {
	rows  []T
	limit int
	last  []byte
	next  string
}

// add takes one more matching record, or notes that there is a next page and returns false.
func (p *page[T]) add(key []byte, row *T) bool {
	if len(p.rows) == p.limit {
		p.next = base64.RawURLEncoding.EncodeToString(p.last)
		return false
	}
	p.rows = append(p.rows, *row)
	p.last = append(p.last[:0], key...)
	return true
}

// decisionsHaveNoStatus refuses the one filter that would silently match everything or nothing.
func decisionsHaveNoStatus(q *Query) error {
	if q.Status == "" || q.NotScaled {
		return nil
	}
	return fmt.Errorf("%w: decisions have no status (%q asked for): filter them by reason or action, or ask for activities",
		ErrQuery, q.Status)
}

// timeKeyLen is the length of the time in a history key.
const timeKeyLen = 8

// The first and last instant that a history key can tell from its neighbours: 1678 and 2262.
var (
	firstTime = time.Unix(0, math.MinInt64)
	lastTime  = time.Unix(0, math.MaxInt64)
)

// historyKey sorts by time and then by ID. The sign bit is flipped, so that the bytes sort as
// the instants do before 1970, too; instants beyond the range sort at its ends.
func historyKey(t time.Time, id string) []byte {
	if t.Before(firstTime) {
		t = firstTime
	} else if t.After(lastTime) {
		t = lastTime
	}
	key := make([]byte, timeKeyLen, timeKeyLen+len(id))
	binary.BigEndian.PutUint64(key, uint64(t.UnixNano())^1<<63)
	return append(key, id...)
}
