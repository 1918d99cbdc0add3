package observe

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"ecs-autoscaler/evaluator"
)

// ErrRate is what List returns when the rate has no call left for it now: nothing was asked, and a second later there may be
// one.
var ErrRate = errors.New("the rate of ListServices and DescribeServices is used up for now")

// fullPage is the most that ListServices and ListClusters give at once; without it ECS gives 10 services.
const fullPage = 100

// List finds the services of a cluster, or of every cluster whose name matches when the pattern has * or
// ?. Clusters that cannot be listed do not hide the others: their errors come back joined, beside what
// was found. The requests count against the rate of Describe, which waits for them. List itself waits for nobody, but with a
// clock to know the rate by it returns ErrRate where that has nothing left.
func (s *Services) List(ctx context.Context, clusterPattern string) ([]evaluator.Key, error) {
	clusters := []string{clusterPattern}
	if strings.ContainsAny(clusterPattern, "*?") {
		var err error
		if clusters, err = s.Clusters(ctx, clusterPattern); err != nil {
			return nil, err
		}
	}
	if s.clock != nil && !s.rate.Take(s.clock(), listReserve) {
		return nil, ErrRate
	}
	var keys []evaluator.Key
	var errs []error
	for _, c := range clusters {
		found, err := s.servicesOf(ctx, c)
		keys = append(keys, found...)
		if err != nil {
			errs = append(errs, fmt.Errorf("list the services of cluster %s: %w", c, err))
		}
	}
	return keys, errors.Join(errs...)
}

// Clusters finds the clusters whose names match the pattern (API ListClusters).
func (s *Services) Clusters(ctx context.Context, pattern string) ([]string, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("cluster pattern %q: %w; only * and ? are special", pattern, err)
	}
	var names []string
	pages := ecs.NewListClustersPaginator(s.api, &ecs.ListClustersInput{}, func(o *ecs.ListClustersPaginatorOptions) {
		o.Limit, o.StopOnDuplicateToken = fullPage, true
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list clusters: %w", err)
		}
		for _, arn := range page.ClusterArns {
			if ok, _ := path.Match(pattern, lastPart(arn)); ok {
				names = append(names, lastPart(arn))
			}
		}
	}
	return names, nil
}

func (s *Services) servicesOf(ctx context.Context, cluster string) ([]evaluator.Key, error) {
	var keys []evaluator.Key
	in := &ecs.ListServicesInput{Cluster: &cluster}
	pages := ecs.NewListServicesPaginator(s.api, in, func(o *ecs.ListServicesPaginatorOptions) {
		o.Limit, o.StopOnDuplicateToken = fullPage, true
	})
	for pages.HasMorePages() {
		s.note()
		page, err := pages.NextPage(ctx)
		if err != nil {
			return keys, err
		}
		for _, arn := range page.ServiceArns {
			keys = append(keys, evaluator.Key{Account: s.account, Cluster: cluster, Service: lastPart(arn)})
		}
	}
	return keys, nil
}

func (s *Services) note() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed++
}

// lastPart is the name at the end of an ARN, old and new formats alike.
func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
