package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler"
	"ecs-autoscaler/sim"
)

const (
	// shownLines is how many of the newest log lines stand below the table on a terminal.
	shownLines = 14
	// refresh is how often the terminal is drawn and the region is sampled for the summary.
	refresh = 200 * time.Millisecond
	// tableEvery is how often the table is printed where there is no terminal.
	tableEvery = 10 * time.Second
)

// screen shows a daemon and its region.
type screen struct {
	Options
	clock  *scaler.ScaledClock
	region *sim.Region
	daemon *daemon.Daemon
	lines  *lines
	began  time.Time

	sampled time.Time
	rows    []*row // in the order of the table
}

// serial lets one write at a time through.
type serial struct {
	mu  sync.Mutex
	out io.Writer
}

// Write writes to what is behind.
func (s *serial) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

// row is what the screen keeps of one service.
type row struct {
	key  evaluator.Key
	spec *evaluator.Target // nil when nobody scales it
	// limit is what the first policy holds the metric below; memory says which metric it is.
	limit  float64
	memory bool
	judged bool
	// above is for how long the metric was above the limit, tasks what the task-seconds were at the start.
	above time.Duration
	tasks float64
}

// show draws until ctx ends.
func (s *screen) show(ctx context.Context) {
	s.prepare()
	s.header()
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	printed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.sample()
		switch {
		case s.Terminal:
			frame := fmt.Sprintf("%s\n\n%s\n%s", s.title(), s.table(), s.lines.shown())
			fmt.Fprint(s.Out, "\x1b[H\x1b[J"+cut(frame, s.Width))
		case time.Since(printed) >= tableEvery:
			printed = time.Now()
			fmt.Fprintf(s.Out, "\n%s\n\n", s.table())
		}
	}
}

func (s *screen) title() string {
	where := ""
	if address := s.daemon.Addr(); address != "" {
		where = "  http://" + address + "/api/v1/targets"
	}
	return fmt.Sprintf("ecs-autoscaler demo  %s simulated, %gx%s  (Ctrl-C ends)",
		s.clock.Now().Format("2006-01-02 15:04:05"), s.Speed, where)
}

func (s *screen) header() {
	if !s.Terminal {
		fmt.Fprintln(s.Out, s.title())
	}
}

// prepare finds out what each service is to be judged by.
func (s *screen) prepare() {
	s.sampled = s.clock.Now()
	c, err := configuration(s.Options)
	if err != nil {
		return // the daemon runs on the same one, so it is right
	}
	for _, v := range s.region.Services() {
		r := &row{key: evaluator.Key{Cluster: v.Cluster, Service: v.Service}, tasks: v.TaskSeconds}
		if entry, _ := c.Select(v.Cluster, v.Service, nil); entry != nil {
			r.spec = entry.Bind(v.Cluster, v.Service)
			r.judge()
		}
		s.rows = append(s.rows, r)
	}
}

// judge takes the limit of the first policy on CPU or memory.
func (r *row) judge() {
	for i := range r.spec.Policies {
		a := &r.spec.Policies[i].Alarms[0]
		switch r.spec.Metrics[a.Metric].MetricName {
		case "CPUUtilization":
			r.limit, r.judged = a.Threshold, true
		case "MemoryUtilization":
			r.limit, r.judged, r.memory = a.Threshold, true, true
		}
		if r.judged {
			return
		}
	}
}

// sample adds up for how long each service was above its limit.
func (s *screen) sample() {
	now := s.clock.Now()
	passed := now.Sub(s.sampled)
	s.sampled = now
	views := s.region.Services()
	for i, r := range s.rows {
		value := views[i].CPU
		if r.memory {
			value = views[i].Memory
		}
		if r.judged && value > r.limit {
			r.above += passed
		}
	}
}

func (s *screen) table() string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVICE\tDESIRED\tRUNNING\tMIN..MAX\tLOAD\tCPU\tMEMORY\tLAST DECISION")
	for i, v := range s.region.Services() {
		r := s.rows[i]
		bounds, last := "-", "not scaled by this daemon"
		if r.spec != nil {
			bounds, last = s.bounds(r.spec), s.last(r.key)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%.1f\t%.0f %%\t%.0f %%\t%s\n",
			r.key, v.Desired, v.Running, bounds, v.Load, v.CPU, v.Memory, last)
	}
	_ = w.Flush() // a buffer takes everything
	return b.String()
}

// bounds are those in force, which a scheduled action may have changed.
func (s *screen) bounds(t *evaluator.Target) string {
	if row, ok := s.daemon.Store().Target(t.Key); ok {
		return fmt.Sprintf("%d..%d", row.Min, row.Max)
	}
	return fmt.Sprintf("%d..%d", t.Min, t.Max)
}

// last is the newest decision about a service in a few words.
func (s *screen) last(k evaluator.Key) string {
	target, ok := s.daemon.Store().Target(k)
	if !ok {
		return "not looked at yet"
	}
	d, ok := target.Latest.Get()
	if !ok {
		return "not looked at yet"
	}
	if d.Action == evaluator.Hold {
		return fmt.Sprintf("%s hold: %s", d.Time.Format("15:04"), d.Reason)
	}
	return fmt.Sprintf("%s %s %d to %d: %s", d.Time.Format("15:04"), d.Action, d.Desired, d.Wanted, d.Reason)
}

// lines keeps the newest log lines for a terminal.
type lines struct {
	mu   sync.Mutex
	max  int
	kept []string
}

// Write takes one log line.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, strings.TrimRight(string(p), "\n"))
	if over := len(l.kept) - l.max; over > 0 {
		l.kept = append(l.kept[:0], l.kept[over:]...)
	}
	return len(p), nil
}

// shown are the lines, each with its end.
func (l *lines) shown() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, line := range l.kept {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// cut shortens every line to the width of the terminal, so that none takes two; a width of 0 is unknown.
func cut(text string, width int) string {
	if width <= 1 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if r := []rune(line); len(r) > width {
			lines[i] = string(r[:width-1]) + "…"
		}
	}
	return strings.Join(lines, "\n")
}
