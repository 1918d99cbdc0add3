package web

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
	"ecs-autoscaler/view"
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
		Targets []TargetView `json:"targets"`
		Next    *string      `json:"next_cursor"`
	}{Targets: []TargetView{}}
	for _, row := range rowsAfter(s.Store.Targets(), after) {
		gist := gistOf(row)
		if !matches(&q, row, gist) {
			continue
		}
		if n := len(page.Targets); n == q.Limit {
			last := page.Targets[n-1]
			page.Next = new(cursorOf(evaluator.Key{Account: last.Account, Cluster: last.Cluster, Service: last.Service}))
			break
		}
		shown := viewOf(row, gist, q.now)
		if q.Memory {
			shown.Memory = row.Memory
		}
		page.Targets = append(page.Targets, shown)
	}
	return page, nil
}

// target answers with one target in full.
func (s *server) target(r *http.Request) (any, error) {
	q, err := parse(r.URL.RawQuery, []parameter{accountParam}, s.Now())
	if err != nil {
		return nil, err
	}
	key := evaluator.Key{Account: q.Account, Cluster: r.PathValue("cluster"), Service: r.PathValue("service")}
	row, ok := s.Store.Target(key)
	if !ok {
		return nil, &problem{http.StatusNotFound, notFoundCode,
			fmt.Sprintf("no scalable target %q; GET /api/v1/targets lists those there are", key)}
	}
	configured, _ := s.Configured(key)
	detail := DetailView{
		TargetView: viewOf(row, nil, q.now),
		Alarms:     alarmsOf(row.Memory),
		Cooldowns:  cooldownsOf(configured, row.Memory),
	}
	detail.Memory = row.Memory
	if d, ok := row.Latest.Get(); ok {
		detail.Latest, detail.Decision = gist(&d), &d
	}
	page, _, err := s.Store.Activities(store.Query{
		Own: key.Account == "", Account: key.Account, Cluster: key.Cluster, Service: key.Service, Limit: 1,
	})
	if err != nil {
		return nil, err
	}
	for i := range page {
		detail.LastActivity = new(view.ActivityOf(&page[i]))
	}
	return detail, nil
}

// version answers what is running, and whether it is doing its work.
func (s *server) version(r *http.Request) (any, error) {
	if _, err := parse(r.URL.RawQuery, nil, s.Now()); err != nil {
		return nil, err
	}
	ready, _ := s.Engine.Ready()
	return VersionView{s.Version, s.Commit, s.Date, runtime.Version(), s.State, ready, view.Instant(s.Engine.LastPass())}, nil
}

func matches(q *request, row *store.Target, latest *LatestView) bool {
	if differs(q.Account, row.Key.Account) || differs(q.Cluster, row.Key.Cluster) || differs(q.Service, row.Key.Service) {
		return false
	}
	if q.Action == "" && q.Reason == "" {
		return true
	}
	return latest != nil && (q.Action == "" || q.Action == string(latest.Action)) &&
		(q.Reason == "" || q.Reason == string(latest.Reason))
}

// differs says that something else was asked for.
func differs(asked, is string) bool { return asked != "" && asked != is }

// rowsAfter finds its place in the store's order, which is by account, those without one last, by cluster and by service.
func rowsAfter(rows []*store.Target, after evaluator.Key) []*store.Target {
	if after == (evaluator.Key{}) {
		return rows
	}
	i, found := slices.BinarySearchFunc(rows, after, func(row *store.Target, k evaluator.Key) int {
		at := row.Key
		return cmp.Or(compareAccounts(at.Account, k.Account), strings.Compare(at.Cluster, k.Cluster), strings.Compare(at.Service, k.Service))
	})
	if found {
		i++
	}
	return rows[i:]
}

// compareAccounts puts named accounts before the daemon's own, as the keys of the store do.
func compareAccounts(a, b string) int {
	if (a == "") != (b == "") {
		return strings.Compare(b, a)
	}
	return strings.Compare(a, b)
}

// The cursor of a list of targets is the last key, made opaque so that nobody builds one.
func cursorOf(k evaluator.Key) string {
	text := k.Cluster + "\x00" + k.Service
	if k.Account != "" {
		text += "\x00" + k.Account
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

func keyOf(cursor string) (evaluator.Key, error) {
	if cursor == "" {
		return evaluator.Key{}, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	part := strings.Split(string(text), "\x00")
	if err != nil || len(part) < 2 || len(part) > 3 {
		return evaluator.Key{}, invalid("cursor %q is none of ours; take next_cursor of the page before as it is", cursor)
	}
	k := evaluator.Key{Cluster: part[0], Service: part[1]}
	if len(part) == 3 {
		k.Account = part[2]
	}
	return k, nil
}
