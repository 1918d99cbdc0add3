package web

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// targets answers with a page of targets in the order of cluster and service. The cursor is the key of the
// last one shown, so targets that come and go meanwhile neither repeat nor hide others.
func (s *server) targets(r *http.Request) (any, error) {
	q, err := parse(r.URL.RawQuery, targetParams, s.Now())
	if err != nil {
		return nil, err
	}
	after, err := keyOf(q.Cursor)
	if err != nil {
		return nil, err
	}
	page := struct {
		Targets []targetView `json:"targets"`
		Next    *string      `json:"next_cursor"`
	}{Targets: []targetView{}}
	for _, row := range rowsAfter(s.Store.Targets(), after) {
		gist := gistOf(row)
		if !matches(&q, row, gist) {
			continue
		}
		if n := len(page.Targets); n == q.Limit {
			last := page.Targets[n-1]
			page.Next = new(cursorOf(evaluator.Key{Cluster: last.Cluster, Service: last.Service}))
			break
		}
		view := viewOf(row, gist)
		if q.Memory {
			view.Memory = row.Memory
		}
		page.Targets = append(page.Targets, view)
	}
	return page, nil
}

// target answers with one target in full.
func (s *server) target(r *http.Request) (any, error) {
	if _, err := parse(r.URL.RawQuery, nil, s.Now()); err != nil {
		return nil, err
	}
	key := evaluator.Key{Cluster: r.PathValue("cluster"), Service: r.PathValue("service")}
	row, ok := s.Store.Target(key)
	if !ok {
		return nil, &problem{http.StatusNotFound, notFoundCode,
			fmt.Sprintf("no scalable target %q; GET /api/v1/targets lists those there are", key)}
	}
	configured, _ := s.Configured(key)
	detail := detailView{
		targetView: viewOf(row, nil),
		Alarms:     alarmsOf(row.Memory),
		Cooldowns:  cooldownsOf(configured, row.Memory),
	}
	detail.Memory = row.Memory
	if d, ok := row.Latest.Get(); ok {
		detail.Latest, detail.Decision = gist(&d), &d
	}
	page, _, err := s.Store.Activities(store.Query{Cluster: key.Cluster, Service: key.Service, Limit: 1})
	if err != nil {
		return nil, err
	}
	for i := range page {
		detail.LastActivity = new(activityOf(&page[i]))
	}
	return detail, nil
}

// version answers what is running, and whether it is doing its work.
func (s *server) version(r *http.Request) (any, error) {
	if _, err := parse(r.URL.RawQuery, nil, s.Now()); err != nil {
		return nil, err
	}
	ready, _ := s.Engine.Ready()
	return struct {
		Version   string     `json:"version"`
		Commit    string     `json:"commit"`
		Date      string     `json:"date"`
		GoVersion string     `json:"go_version"`
		State     string     `json:"state"`
		Ready     bool       `json:"ready"`
		LastPass  *time.Time `json:"last_pass"`
	}{s.Version, s.Commit, s.Date, runtime.Version(), s.State, ready, instant(s.Engine.LastPass())}, nil
}

func matches(q *request, row *store.Target, latest *latestView) bool {
	if q.Cluster != "" && q.Cluster != row.Key.Cluster || q.Service != "" && q.Service != row.Key.Service {
		return false
	}
	if q.Action == "" && q.Reason == "" {
		return true
	}
	return latest != nil && (q.Action == "" || q.Action == string(latest.Action)) &&
		(q.Reason == "" || q.Reason == string(latest.Reason))
}

// rowsAfter finds its place in the store's order, which is by cluster and then by service.
func rowsAfter(rows []*store.Target, after evaluator.Key) []*store.Target {
	i, found := slices.BinarySearchFunc(rows, after, func(row *store.Target, k evaluator.Key) int {
		return cmp.Or(strings.Compare(row.Key.Cluster, k.Cluster), strings.Compare(row.Key.Service, k.Service))
	})
	if found {
		i++
	}
	return rows[i:]
}

// The cursor of a list of targets is the last key, made opaque so that nobody builds one.
func cursorOf(k evaluator.Key) string {
	return base64.RawURLEncoding.EncodeToString([]byte(k.Cluster + "\x00" + k.Service))
}

func keyOf(cursor string) (evaluator.Key, error) {
	if cursor == "" {
		return evaluator.Key{}, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	cluster, service, found := strings.Cut(string(text), "\x00")
	if err != nil || !found {
		return evaluator.Key{}, invalid("cursor %q is none of ours; take next_cursor of the page before as it is", cursor)
	}
	return evaluator.Key{Cluster: cluster, Service: service}, nil
}
