package sim

import (
	"sync"
	"time"
)

// rate is a token bucket: burst tokens, refilled by perSecond (aws-semantics 8.3).
type rate struct{ burst, perSecond float64 }

// The rate classes of aws-semantics 8.3 and 7.1; an operation of its own name in the scenario gets its own bucket.
const (
	serviceModify  = "service_modify"
	serviceRead    = "service_read"
	clusterRead    = "cluster_read"
	taskRead       = "task_read"
	revisionRead   = "revision_read"
	tagRead        = "tag_read"
	metricRead     = "metric_data"
	metricStats    = "metric_statistics"
	metricList     = "metric_list"
	alarmRead      = "alarm_read"
	alarmWrite     = "alarm_write"
	autoscaleRead  = "autoscaling_read"
	autoscaleWrite = "autoscaling_write"
	tableUse       = "dynamodb" // without a rate: tables on demand have none that matters here
	identityUse    = "sts"      // 600 a second, far beyond what anybody asks
)

func defaultRates() map[string]rate {
	return map[string]rate{
		serviceModify: {50, 5}, serviceRead: {100, 20}, clusterRead: {50, 20}, taskRead: {100, 20}, tagRead: {50, 20}, revisionRead: {50, 20},
		metricRead: {500, 500}, metricStats: {400, 400}, metricList: {25, 25}, alarmRead: {9, 9}, autoscaleRead: {50, 10},
		alarmWrite: {3, 3}, autoscaleWrite: {50, 10},
	}
}

// buckets are the token buckets of a region, refilled by its clock.
type buckets struct {
	rates map[string]rate
	mu    sync.Mutex
	state map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Duration
}

// take takes a token from the bucket of the operation or, without one, of its class; false means throttled.
func (b *buckets) take(operation, class string, now time.Duration) bool {
	if _, own := b.rates[operation]; own {
		class = operation
	}
	limit, there := b.rates[class]
	if !there {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.state[class]
	if s == nil {
		s = &bucket{tokens: limit.burst, at: now}
		b.state[class] = s
	}
	if now > s.at {
		s.tokens = min(limit.burst, s.tokens+(now-s.at).Seconds()*limit.perSecond)
		s.at = now
	}
	// A refill of a tenth second ten times over must count as one.
	if s.tokens < 1-1e-9 {
		return false
	}
	s.tokens--
	return true
}
