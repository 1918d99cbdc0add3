package dynamo

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"ecs-autoscaler/store"
)

// scopesAtOnce is how many scopes are asked for their history at the same time.
const scopesAtOnce = 8

// Activities implements store.Backend. A scope whose history is asked for whole costs its reading; see docs/state.md.
func (b *Backend) Activities(q store.Query) ([]store.Activity, string, error) {
	s, err := q.OfActivities()
	if err != nil {
		return nil, "", err
	}
	return history(b, s, activityPrefix, func(r *reader) (store.Activity, store.Place, bool) {
		a := r.activity()
		return a, a.Place(), s.Activity(&a) && (a.Open() || b.kept(a.Place()))
	})
}

// Decisions implements store.Backend.
func (b *Backend) Decisions(q store.Query) ([]store.DecisionRecord, string, error) {
	s, err := q.OfDecisions()
	if err != nil {
		return nil, "", err
	}
	return history(b, s, decisionPrefix, func(r *reader) (store.DecisionRecord, store.Place, bool) {
		d := r.decision()
		return d, d.Place(), s.Decision(&d) && b.kept(d.Place())
	})
}

// kept reports whether a record is young enough to be shown; DynamoDB deletes what has expired within some days.
func (b *Backend) kept(p store.Place) bool { return !p.Time.Before(b.Now().Add(-store.Retention)) }

// found is one record of a history.
type found[T any] struct {
	row   T
	place store.Place
}

// history reads a page: from each scope that can have matches as many as a page takes, and of these the newest.
func history[T any](b *Backend, s store.Selection, prefix string, read func(*reader) (T, store.Place, bool)) ([]T, string, error) {
	scopes, err := b.Scopes()
	if err != nil {
		return nil, "", err
	}
	scopes = slices.DeleteFunc(scopes, func(sc store.Scope) bool { return !s.In(sc) })
	ctx, cancel := context.WithTimeout(context.Background(), readPatience.all)
	defer cancel()
	each := make([][]found[T], len(scopes))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(scopesAtOnce)
	for i, sc := range scopes {
		g.Go(func() (err error) {
			each[i], err = newest(ctx, b, span(prefix+sc.String(), s), s.Limit()+1, read)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, "", err
	}
	rows, next := page(slices.Concat(each...), s.Limit())
	return rows, next, nil
}

// newest reads the newest n matching records of one partition.
func newest[T any](
	ctx context.Context, b *Backend, in *dynamodb.QueryInput, n int, read func(*reader) (T, store.Place, bool),
) ([]found[T], error) {
	var all []found[T]
	beyond := reader{item: in.ExpressionAttributeValues}
	end := beyond.text(":before")
	err := b.query(ctx, in, func(i item) (bool, error) {
		r := &reader{item: i}
		if r.text(sortKey) == end {
			return true, nil // BETWEEN includes its end, a page does not
		}
		row, place, match := read(r)
		if r.err != nil {
			return false, damaged(b.Table, i, r.err)
		}
		if match {
			all = append(all, found[T]{row, place})
		}
		return len(all) < n, nil
	})
	return all, err
}

// span asks for the records of a partition between the places of a selection, newest first.
func span(name string, s store.Selection) *dynamodb.QueryInput {
	from, before := firstSort, lastSort
	if p, bound := s.From(); bound {
		from = historySort(p)
	}
	if p, bound := s.Before(); bound {
		before = historySort(p)
	}
	if from > before {
		from = before // DynamoDB refuses the empty span, and its end does not count
	}
	condition, backwards := partitionKey+" = :p AND "+sortKey+" BETWEEN :from AND :before", false
	limit := int32(s.Limit() + 1) // at most store.MaxLimit + 1
	return &dynamodb.QueryInput{
		KeyConditionExpression: &condition, ScanIndexForward: &backwards, Limit: &limit,
		ExpressionAttributeValues: item{":p": text(name), ":from": text(from), ":before": text(before)},
	}
}

// page is the newest records of several partitions, and the cursor of the next page.
func page[T any](all []found[T], limit int) (rows []T, next string) {
	slices.SortFunc(all, func(a, b found[T]) int {
		if c := b.place.Time.Compare(a.place.Time); c != 0 {
			return c
		}
		return strings.Compare(b.place.ID, a.place.ID)
	})
	if len(all) > limit {
		all = all[:limit]
		next = all[limit-1].place.Cursor()
	}
	for i := range all {
		rows = append(rows, all[i].row)
	}
	return rows, next
}
