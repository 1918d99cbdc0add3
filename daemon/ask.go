package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/web"
)

// Version is what answers.
func (c *Client) Version(ctx context.Context) (*web.VersionView, error) {
	v := &web.VersionView{}
	return v, c.get(ctx, "/api/v1/version", v)
}

// Targets are all scalable targets that a query of GET /api/v1/targets finds, by account, cluster and service.
func (c *Client) Targets(ctx context.Context, q url.Values) ([]web.TargetView, error) {
	return pages[web.TargetView](ctx, c, "targets", q, 0)
}

// Target is one of them with everything that is known of it; the error is a *RefusedError with the code not_found if there is none.
func (c *Client) Target(ctx context.Context, k evaluator.Key) (*web.DetailView, error) {
	v := &web.DetailView{}
	return v, c.get(ctx, targetPath(k, ""), v)
}

// Steer has the daemon carry out a command about a target, and returns what is then suspended and overridden.
func (c *Client) Steer(ctx context.Context, k evaluator.Key, command *evaluator.Command) (*web.SteeringView, error) {
	verb, body := command.Verb, map[string]any{}
	switch {
	case command.Verb == evaluator.EndOverride:
		verb, body["end"] = evaluator.Override, true
	case command.Verb == evaluator.Override:
		body["desired"] = command.Desired
	case len(command.Scaling) > 0:
		body["scaling"] = command.Scaling
	}
	if command.For > 0 {
		body["for"] = command.For.String()
	}
	if command.Reason != "" {
		body["reason"] = command.Reason
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	path := targetPath(k, string(verb))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	v := &web.SteeringView{}
	return v, c.send(req, v)
}

// targetPath is the path of a target, or of a command about it.
func targetPath(k evaluator.Key, verb string) string {
	path := "/api/v1/targets/" + url.PathEscape(k.Cluster) + "/" + url.PathEscape(k.Service)
	if verb != "" {
		path += "/" + verb
	}
	if k.Account != "" {
		path += "?" + url.Values{"account": {k.Account}}.Encode()
	}
	return path
}

// Activities are the newest scaling activities that a query of GET /api/v1/activities finds, at most as many as said; 0 is all.
func (c *Client) Activities(ctx context.Context, q url.Values, most int) ([]web.ActivityView, error) {
	return pages[web.ActivityView](ctx, c, "activities", q, most)
}

// Decisions are the newest kept decisions that a query of GET /api/v1/decisions finds, at most as many as said; 0 is all.
func (c *Client) Decisions(ctx context.Context, q url.Values, most int) ([]evaluator.Decision, error) {
	return pages[evaluator.Decision](ctx, c, "decisions", q, most)
}

// mostOfPage is how many items the API gives at once.
const mostOfPage = 1000

// pages asks for a list page by page.
func pages[T any](ctx context.Context, c *Client, list string, q url.Values, most int) ([]T, error) {
	all := []T{}
	query := url.Values{}
	maps.Copy(query, q)
	for {
		limit := mostOfPage
		if most > 0 {
			limit = min(limit, most-len(all))
		}
		query.Set("limit", strconv.Itoa(limit))
		var page map[string]json.RawMessage
		if err := c.get(ctx, "/api/v1/"+list+"?"+query.Encode(), &page); err != nil {
			return nil, err
		}
		items, next, err := decoded[T](page, list)
		if err != nil {
			return nil, fmt.Errorf("%s answers GET /api/v1/%s with what is none: %w", c.where, list, err)
		}
		all = append(all, items...)
		if next == "" || most > 0 && len(all) >= most {
			return all, nil
		}
		query.Set("cursor", next)
	}
}

// decoded reads a page: its list, and where the next one begins, "" for the last.
func decoded[T any](page map[string]json.RawMessage, list string) (items []T, next string, err error) {
	if err := json.Unmarshal(page[list], &items); err != nil {
		return nil, "", err
	}
	return items, next, json.Unmarshal(page["next_cursor"], &next)
}
