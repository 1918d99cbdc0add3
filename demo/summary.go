package demo

import (
	"bytes"
	"fmt"
	"text/tabwriter"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// counts are a service's activities by what they were.
type counts struct{ out, in int }

// summary is the last word of the demo: activities, time above target, and what the tasks cost against
// running the maximum all the time.
func (s *screen) summary() string {
	elapsed := s.clock.Now().Sub(s.began)
	var b bytes.Buffer
	fmt.Fprintf(&b, "\nSummary of %s simulated\n\n", elapsed.Round(time.Minute))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVICE\tSCALE-OUTS\tSCALE-INS\tABOVE TARGET\tTASK-HOURS\tAT A FIXED MAXIMUM\tSAVED")
	for i, v := range s.region.Services() {
		r := s.rows[i]
		if r.spec == nil {
			continue
		}
		c := s.count(r.key)
		used := (v.TaskSeconds - r.tasks) / 3600
		fixed := elapsed.Hours() * float64(r.spec.Max)
		above := "-"
		if r.judged {
			above = fmt.Sprintf("%.0f %%", 100*r.above.Seconds()/elapsed.Seconds())
		}
		saved := "-"
		if fixed > 0 {
			saved = fmt.Sprintf("%.0f %%", 100*(1-used/fixed))
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%.1f\t%.1f\t%s\n", r.key, c.out, c.in, above, used, fixed, saved)
	}
	_ = w.Flush() // a buffer takes everything
	return b.String()
}

// count goes through a service's activities.
func (s *screen) count(k evaluator.Key) counts {
	var c counts
	q := store.Query{Cluster: k.Cluster, Service: k.Service, Limit: 1000}
	for {
		page, next, err := s.daemon.Store().Activities(q)
		if err != nil {
			return c
		}
		for i := range page {
			c.add(&page[i])
		}
		if next == "" {
			return c
		}
		q.Cursor = next
	}
}

func (c *counts) add(a *store.Activity) {
	switch {
	case a.Status == evaluator.Failed: // nothing was scaled
	case a.Direction == evaluator.ScaleOut:
		c.out++
	case a.Direction == evaluator.ScaleIn:
		c.in++
	}
}
