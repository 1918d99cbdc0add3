package policytest

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
)

// The defaults of a test (design.md section 6).
var defaultStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// The limits of what a test may ask for: a delay as in the configuration, and a year of life.
const (
	maxDelay = 300 * time.Second
	maxUntil = 366 * 24 * time.Hour
)

// test reads one entry of tests.
func (p *parser) test(v strict.Value) (*test, bool) {
	m, ok := v.Mapping()
	if !ok {
		return nil, false
	}
	m.Key = "a test"
	t := &test{start: defaultStart, interval: time.Minute}
	t.name = p.name(m)
	p.service(m, t)
	t.counts(m)
	t.times(m)
	p.metrics(m, t)
	t.readEvents(m)
	t.readExpects(m)
	m.Close()
	return t, true
}

// name reads the name by which --run and reports call the test.
func (p *parser) name(m *strict.Mapping) string {
	name := strict.Need(m, "name", "three breaching minutes scale out", strict.Value.Filled)
	if !name.Valid {
		return ""
	}
	if strings.ContainsFunc(name.Value, func(r rune) bool { return !unicode.IsPrint(r) }) {
		m.Errorf(name.At, "name must be one line of printable characters, because reports give each test a line")
	}
	m.Key = "test " + strict.Shorten(name.Value)
	if first, twice := p.names[name.Value]; twice {
		m.Warnf(name.At, "the name %q is used twice in this file, first on line %d; --run and reports cannot tell the two tests apart", strict.Shorten(name.Value), first.Line)
	}
	p.names[name.Value] = name.At
	return name.Value
}

// service finds the entry of the configuration that steers the tested service.
func (p *parser) service(m *strict.Mapping, t *test) {
	service := strict.Need(m, "service", "my-cluster/my-service", strict.Value.Filled)
	if !service.Valid {
		return
	}
	k := evaluator.ParseKey(service.Value)
	if k.Cluster == "" || k.Service == "" || strings.ContainsAny(k.Service, "/*?") || strings.ContainsAny(k.Cluster, "*?") {
		m.Errorf(service.At, "service must be CLUSTER/SERVICE, without wildcards: a test is about one service, not %q", strict.Shorten(service.Value))
		return
	}
	if p.config == nil {
		return
	}
	only, ok := p.config.Only(k)
	if !ok {
		m.Errorf(service.At, "no target of the configuration matches the service %q; its targets are %s", strict.Shorten(service.Value), p.config.TargetNames())
		return
	}
	// Every pass time is looked at, whatever the file says about reading.
	only.Interval, only.DryRun = 0, false
	t.config, t.target = only, only.Targets[0].Bind(k.Cluster, k.Service)
	for i := range t.target.Metrics {
		t.interval = min(t.interval, evaluator.LookInterval(t.target.Metrics[i].Period))
	}
}

// maxCount is what ECS allows in a service, and more.
const maxCount = 1_000_000

func count(v strict.Value) (int, bool) { return strict.Integer(0, maxCount)(v) }

// counts reads what the service is at time zero.
func (t *test) counts(m *strict.Mapping) {
	desired := strict.Need(m, "desired", "1", count)
	t.desired, t.running = desired.Value, desired.Value
	strict.Overlay(&t.running, strict.Read(m, "running", count))
}

// times reads what concerns the clock.
func (t *test) times(m *strict.Mapping) {
	strict.Overlay(&t.start, strict.Read(m, "start", wholeMinute))
	strict.Overlay(&t.taskStart, strict.Read(m, "task_start", strict.Value.Duration))
	delay := strict.Read(m, "metric_delay", strict.Value.Duration)
	if delay.Valid && delay.Value > maxDelay {
		m.Errorf(delay.At, "metric_delay must be at most %d seconds, as in the configuration, not %d", seconds(maxDelay), seconds(delay.Value))
	}
	strict.Overlay(&t.metricDelay, delay)
	phase := strict.Read(m, "phase", strict.Value.Duration)
	if phase.Valid && phase.Value >= time.Minute {
		m.Errorf(phase.At, "phase must be less than 60 seconds, because there is a pass in every minute, not %d", seconds(phase.Value))
	}
	strict.Overlay(&t.phase, phase)
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// wholeMinute reads an instant on which CloudWatch's buckets can begin.
func wholeMinute(v strict.Value) (time.Time, bool) {
	s, ok := v.Text()
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, s)
	switch {
	case err != nil:
		v.Errorf(v.At, "%s must be an instant such as 2026-01-01T00:00:00Z, not %q", v.Key, strict.Shorten(s))
	case at.Unix()%60 != 0 || at.Nanosecond() != 0:
		v.Errorf(v.At, "%s must be a whole minute, because that is when periods begin, not %s", v.Key, s)
	case at.Year() < 2000 || at.Year() > 2200:
		v.Errorf(v.At, "%s must lie between the years 2000 and 2200, not in %d", v.Key, at.Year())
	default:
		return at.UTC(), true
	}
	return time.Time{}, false
}

// readEvents reads what happens, in the order of time and, at one instant, of the file.
func (t *test) readEvents(m *strict.Mapping) {
	events := strict.Read(m, "events", strict.List(t.event))
	for _, e := range events.Value {
		t.events = append(t.events, e.Value)
	}
	slices.SortStableFunc(t.events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	t.checkDown(m)
}

// readExpects reads what is expected, and until when the test runs.
func (t *test) readExpects(m *strict.Mapping) {
	until := strict.Read(m, "until", strict.Value.Duration)
	expects := strict.Need(m, "expect", "[{at: 3m, desired: 2}]", strict.List(t.expectation))
	if expects.Valid && len(expects.Value) == 0 {
		m.Errorf(expects.KeyAt, "expect is empty: a test that expects nothing cannot fail; add for example {at: 3m, desired: 2}")
	}
	last := time.Duration(0)
	for _, e := range expects.Value {
		t.expects = append(t.expects, e.Value)
		last = max(last, e.Value.to)
		if until.Valid && e.Value.to > until.Value {
			m.Errorf(e.Value.place, "expected at %s, but the test runs until %s; expect it sooner, or set until to %s", offset(e.Value.to), offset(until.Value), offset(e.Value.to))
		}
	}
	t.until = last
	strict.Overlay(&t.until, until)
	if t.until > maxUntil {
		m.Errorf(m.At, "a test runs for a year at most, not for %s", offset(t.until))
		t.until = maxUntil
	}
	for i := range t.events {
		if e := &t.events[i]; e.at > t.until && expects.Valid && until.Usable() {
			m.Warnf(e.place, "this event would happen at %s, but the test ends at %s, so that it never does; set until to %s or later, or expect something then", offset(e.at), offset(t.until), offset(e.at))
		}
	}
}

// offset writes a time since the start as the file does: 90s, 3m, 1h30m.
func offset(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
