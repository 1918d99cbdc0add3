package store

import (
	"encoding/base64"
	"encoding/binary"
	"time"
)

// Place is where a record stands in its history: newest first means descending by time, then by ID.
type Place struct {
	Time time.Time
	ID   string
}

// Place is where the activity stands among the activities.
func (a *Activity) Place() Place { return Place{a.StartTime, a.ID} }

// Place is where the decision stands among the decisions.
func (d *DecisionRecord) Place() Place { return Place{d.Time, d.ID} }

// Cursor is what a page gives as its next when the record at this place is its last.
func (p Place) Cursor() string { return base64.RawURLEncoding.EncodeToString(historyKey(p.Time, p.ID)) }

// Selection is what a query selects, for backends outside of this package. Cluster, filters and bounds are applied by
// Activity and Decision and by the two places; the order and the size of a page are the backend's work.
type Selection struct{ *selection }

// OfActivities makes the query ready for activities; an error wraps ErrQuery.
func (q *Query) OfActivities() (Selection, error) {
	s, err := q.selection()
	return Selection{s}, err
}

// OfDecisions makes the query ready for decisions; an error wraps ErrQuery.
func (q *Query) OfDecisions() (Selection, error) {
	if err := decisionsHaveNoStatus(q); err != nil {
		return Selection{}, err
	}
	s, err := q.selection()
	return Selection{s}, err
}

// Limit is the size of the page, 1 to MaxLimit.
func (s Selection) Limit() int { return s.limit }

// Activity reports whether an activity between the places is meant.
func (s Selection) Activity(a *Activity) bool { return s.activity(a) }

// Decision reports whether a decision between the places is meant.
func (s Selection) Decision(d *DecisionRecord) bool { return s.decision(d) }

// In reports whether records of the scope can be meant at all.
func (s Selection) In(sc Scope) bool {
	return (s.target.Account == "" || s.target.Account == sc.Account) && (s.target.Cluster == "" || s.target.Cluster == sc.Cluster)
}

// From is the oldest place that is meant; false means no bound.
func (s Selection) From() (Place, bool) { return placeOf(s.from) }

// Before is the oldest place that is not meant any more; false means no bound.
func (s Selection) Before() (Place, bool) { return placeOf(s.before) }

func placeOf(key []byte) (Place, bool) {
	if len(key) < timeKeyLen {
		return Place{}, false
	}
	nanoseconds := int64(binary.BigEndian.Uint64(key) ^ 1<<63)
	return Place{time.Unix(0, nanoseconds).UTC(), string(key[timeKeyLen:])}, true
}
