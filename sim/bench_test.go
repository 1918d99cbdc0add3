package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

const thousands = `
services:
  - service: big/worker-%05d
    count: 10000
    desired: 3
    stagger: 1h
    load: {sine: {mean: 1.8, amplitude: 0.6, period: 1h}}
    cpu: {noise: 2}
`

// passOver makes the inputs of a pass over 10,000 services with two metrics each: 40 calls of 500 queries.
func passOver(w *world, window time.Duration) []*cloudwatch.GetMetricDataInput {
	var inputs []*cloudwatch.GetMetricDataInput
	var queries []types.MetricDataQuery
	for i := range 10_000 {
		service := fmt.Sprintf("big/worker-%05d", i)
		queries = append(queries, stat(fmt.Sprintf("c%d", i), "CPUUtilization", service, "Average", 60),
			stat(fmt.Sprintf("m%d", i), "MemoryUtilization", service, "Average", 60))
		if len(queries) == 500 {
			inputs = append(inputs, w.input(window, queries...))
			queries = nil
		}
	}
	return inputs
}

// BenchmarkPassOverTenThousandServices is what the region and the SDK client together need for 40 calls.
func BenchmarkPassOverTenThousandServices(b *testing.B) {
	for _, window := range []time.Duration{6 * time.Minute, 23 * time.Minute} {
		b.Run(window.String(), func(b *testing.B) {
			w := newWorld(b, thousands)
			w.pass(2 * time.Hour)
			inputs := passOver(w, window)
			b.ResetTimer()
			for range b.N {
				for _, in := range inputs {
					if _, err := w.cw.GetMetricData(b.Context(), in); err != nil {
						b.Fatal(err)
					}
				}
				w.pass(time.Minute)
			}
		})
	}
}
