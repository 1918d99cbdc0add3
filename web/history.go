package web

import (
	"encoding/json"
	"errors"
	"net/http"

	"ecs-autoscaler/store"
	"ecs-autoscaler/view"
)

// decisions answers with a page of kept decisions, newest first, each the very object that was stored.
func (s *server) decisions(r *http.Request) (any, error) {
	q, err := parse(r.URL.RawQuery, decisionParams, s.Now())
	if err != nil {
		return nil, err
	}
	records, next, err := s.Store.Decisions(q.Query)
	if err != nil {
		return nil, historyError(err)
	}
	page := struct {
		Decisions []json.RawMessage `json:"decisions"`
		Next      *string           `json:"next_cursor"`
	}{make([]json.RawMessage, len(records)), cursor(next)}
	for i := range records {
		page.Decisions[i] = records[i].JSON
	}
	return page, nil
}

// activities answers with a page of scaling activities, newest first (API DescribeScalingActivities). Those that did not
// scale are among them only when they are asked for, as in AWS.
func (s *server) activities(r *http.Request) (any, error) {
	q, err := parse(r.URL.RawQuery, activityParams, s.Now())
	if err != nil {
		return nil, err
	}
	views, next, err := s.activityViews(&q)
	if err != nil {
		return nil, historyError(err)
	}
	return struct {
		Activities []ActivityView `json:"activities"`
		Next       *string        `json:"next_cursor"`
	}{views, cursor(next)}, nil
}

func (s *server) activityViews(q *request) (views []ActivityView, next string, err error) {
	views = []ActivityView{}
	if !q.Attempts {
		found, next, err := s.Store.Activities(q.Query)
		for i := range found {
			views = append(views, view.ActivityOf(&found[i]))
		}
		return views, next, err
	}
	found, next, err := s.Store.Attempts(q.Query)
	for _, a := range found {
		if a.Activity != nil {
			views = append(views, view.ActivityOf(a.Activity))
			continue
		}
		v, err := notScaledOf(a.NotScaled)
		if err != nil {
			return nil, "", err
		}
		views = append(views, v)
	}
	return views, next, err
}

// historyError tells a query that the store refuses (its cursor, that is) from a store that fails.
func historyError(err error) error {
	if errors.Is(err, store.ErrQuery) {
		return invalid("%s", err)
	}
	return err
}

// cursor is null on the last page.
func cursor(next string) *string {
	if next == "" {
		return nil
	}
	return &next
}
