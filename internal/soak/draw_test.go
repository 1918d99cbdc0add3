package soak

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// plan is a world as its seed has it, before it lives.
type plan struct {
	seed    uint64
	r       *rand.Rand
	daemons int           // that share the state
	names   []string      // of the clusters where there are several daemons
	trouble time.Duration // then it is calm
	calm    time.Duration
	classes []*class
	// file says that the state is in a real file.
	file bool
	// skew is how far the daemon's machine is from the region.
	skew time.Duration
	// pace says how often things happen: 1 is usual.
	pace float64
	// interval and delay are settings of the daemon.
	interval, delay string
	// published and spread are how late, in seconds, the region publishes.
	published, spread int
	// large worlds are one cluster of services of a minute's resolution, so that they share their reads.
	large bool
	// fill is the usual load as a share of what max tasks can carry. At most counts services are described at every look, so that worlds
	// of many would do little else.
	fill float64
	// coarse is the share of step policies that follow a metric of five minutes.
	coarse float64
	// rest is the shortest time in seconds between two changes of a load.
	rest int
	// starved says that metric_delay is shorter than that, so that the newest datapoint is always missed and nothing scales in.
	starved bool
}

// class is a number of services that are alike: the same load at other times, and one entry of the configuration.
type class struct {
	number  int
	name    string // of the service, or the beginning of the names
	cluster string
	count   int
	now     *rules // as the newest version of the configuration has it, nil while it is not in there
	before  *rules // while it is not
	// external says that another than ECS deploys it.
	external bool
	// region is what the simulated region is told of it.
	region string
}

func (c *class) pattern() string {
	if c.count > 1 {
		return c.cluster + "/" + c.name + "-*"
	}
	return c.cluster + "/" + c.name
}

func (c *class) services() []string {
	if c.count == 1 {
		return []string{c.name}
	}
	names := make([]string, c.count)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%04d", c.name, i)
	}
	return names
}

func (c *class) balancer() string {
	return fmt.Sprintf("app/lb-%s/0a1b/targetgroup/tg-%s/2c3d", c.name, c.name)
}

// size is how big a world is and how long it lives.
type size struct {
	services int
	trouble  time.Duration
	calm     time.Duration
}

func one[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// seconds draws a duration in whole seconds between two.
func seconds(r *rand.Rand, from, to int) time.Duration {
	return time.Duration(from+r.IntN(to-from+1)) * time.Second
}

func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

// draw makes a plan of a seed. The size of the world is part of it, unless it is given.
func draw(seed uint64, fixed *size, daemons int) *plan {
	r := rand.New(rand.NewPCG(seed, 0x50a4))
	drawn := drawSize(r)
	if fixed != nil {
		drawn = *fixed
	}
	p := &plan{
		seed: seed, r: r, trouble: drawn.trouble, calm: drawn.calm, pace: one(r, 0.5, 1, 1, 2),
		file:     drawn.services <= 60 && chance(r, 0.5),
		interval: one(r, "auto", "auto", "auto", "auto", "5m", "60s"), delay: "auto",
		published: one(r, 0, 20, 45, 60, 60, 90, 150), spread: one(r, 0, 5, 15, 30),
	}
	if chance(r, 0.3) {
		fixed := one(r, 60, 120, 200)
		p.delay, p.starved = fmt.Sprintf("%ds", fixed), fixed < p.published+p.spread
	}
	p.rest, p.fill, p.coarse = one(r, 600, 1800, 3600), 0.6, 0.15
	if drawn.services > 100 {
		p.fill = 0.35
		p.rest = one(r, 2*3600, 4*3600, 8*3600)
	}
	if p.large = drawn.services > 700; p.large {
		p.rest, p.coarse, p.fill = 6*3600, 0.05, 0.25
		if p.interval == "60s" {
			p.interval = "auto"
		}
	}
	if chance(r, 0.4) {
		p.skew = seconds(r, -300, 300)
	}
	p.drawDaemons(drawn.services, daemons)
	for left := drawn.services; left > 0; {
		c := p.class(left)
		left -= c.count
		p.classes = append(p.classes, c)
	}
	return p
}

// drawSize prefers small worlds by number; the large ones bring the years.
func drawSize(r *rand.Rand) size {
	switch k := r.IntN(10); {
	case k < 3:
		return size{1 + r.IntN(8), 3 * 24 * time.Hour, 5 * time.Hour}
	case k < 6:
		return size{20 + r.IntN(40), 4 * 24 * time.Hour, 5 * time.Hour}
	case k < 7:
		return size{150 + r.IntN(250), 5 * 24 * time.Hour, 5 * time.Hour}
	default:
		return size{1500 + r.IntN(1000), 3 * 24 * time.Hour, 5 * time.Hour}
	}
}

// class draws one class of up to so many services.
func (p *plan) class(left int) *class {
	r := p.r
	c := &class{number: len(p.classes), cluster: one(r, "blue", "blue", "green"), count: 1}
	if p.large {
		c.cluster = "blue"
	}
	if left > 4 && !chance(r, 0.25) {
		c.count = min(left, max(2, r.IntN(2+left/2)))
	}
	c.name = fmt.Sprintf("k%02d", c.number)
	p.place(c)
	p.shape(c)
	return c
}

// measures are what a class can be followed by: metrics of a load balancer and of its own need a service alone.
func measures(r *rand.Rand, c *class, highResolution bool) []measure {
	list := []measure{{"cpu", 60}, {"cpu", 60}, {"memory", 60}}
	if highResolution {
		list = []measure{{"cpu", 20}, {"memory", 20}, {"cpu", 60}}
	}
	if c.count == 1 {
		list = append(list, measure{"requests", 60}, measure{"queue", 60}, measure{"math", 60})
	}
	r.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
	return list
}

// shape draws the rules of a class and what its services are in the region.
func (p *plan) shape(c *class) {
	r := p.r
	low := one(r, 0, 1, 1, 1, 2, 3)
	if p.large { // with one or two tasks every pair of step policies flaps
		low += r.IntN(6)
	}
	k := &rules{
		min: low, max: low + 1 + r.IntN(12), duringOut: !chance(r, 0.2), duringDeployment: chance(r, 0.2), startOff: chance(r, 0.15),
		scopeTarget: chance(r, 0.15), difference: chance(r, 0.1),
	}
	controller := one(r, "ECS", "ECS", "ECS", "ECS", "CODE_DEPLOY")
	c.external = controller != "ECS"
	highResolution := controller == "ECS" && chance(r, 0.12) && !p.large
	available := measures(r, c, highResolution)
	kind := r.IntN(10)
	tracked, stepped := kind < 7, kind > 5
	if p.large { // most fleets follow targets; steps, which are read more often, are at home in the small worlds
		tracked, stepped = kind < 9, kind > 8
	}
	if tracked {
		k.policies = append(k.policies, p.tracking("track", available[0]))
		if kind < 2 && available[1] != available[0] {
			k.policies = append(k.policies, p.tracking("second", available[1]))
		}
	}
	if stepped {
		k.policies = append(k.policies, p.steps()...)
	}
	if chance(r, 0.05) {
		k.suspendedIn = true
	}
	c.now = k
	p.actions(c)
	c.region = p.serviceText(c, controller, highResolution)
}

// datapoints draws how many datapoints an alarm needs. A metric is read as often as its alarms can change: many services that
// do what a few do would bring few years, so that those of large worlds wait longer.
func (p *plan) datapoints(of ...int) int {
	n := one(p.r, of...)
	if p.large && n < 10 && !chance(p.r, 0.05) {
		n = one(p.r, 10, 15)
	}
	return n
}

// needed draws how many of an alarm's datapoints must breach: with one of ten, every minute's may be the one.
func (p *plan) needed(n int) int {
	if p.large && n >= 10 {
		return n - p.r.IntN(2)
	}
	return 1 + p.r.IntN(n)
}

func (p *plan) tracking(name string, m measure) *policy {
	r := p.r
	q := &policy{
		name: name, tracking: true, metric: m, target: one(r, 40.0, 50, 60, 70),
		outCooldown: time.Duration(one(r, 0, 30, 60, 120, 180, 300, 300, 300, 300)) * time.Second,
		inCooldown:  time.Duration(one(r, 0, 60, 120, 300, 300, 300, 600, 900)) * time.Second,
		disableIn:   chance(r, 0.08), aggregation: one(r, "average", "average", "average", "average", "average", "latest", "maximum"),
	}
	n := p.datapoints(3, 3, 3, 3, 3, 3, 1, 2, 5, 10)
	q.out = &alarm{n: n, m: n, period: m.period, threshold: q.target}
	if n > 2 && chance(r, 0.2) {
		q.out.m = n - 1
	}
	if !q.disableIn {
		n := one(r, 15, 15, 15, 15, 5, 10)
		q.in = &alarm{n: n, m: n, period: m.period, threshold: q.target * 0.9, below: true}
		if chance(r, 0.2) {
			q.in.m = n - 1 - r.IntN(n/2)
		}
	}
	return q
}

// steps draws a pair of step policies, one for each direction, on CPU or memory.
func (p *plan) steps() []*policy {
	r := p.r
	m := one(r, measure{"cpu", 60}, measure{"cpu", 60}, measure{"memory", 60})
	how := one(r, "ChangeInCapacity", "ChangeInCapacity", "PercentChangeInCapacity", "ExactCapacity")
	high, low := one(r, 55.0, 60, 70), one(r, 25.0, 30, 40)
	cooldown := time.Duration(one(r, 0, 60, 60, 120, 300)) * time.Second
	coarse := p.large && chance(r, p.coarse) // a target with metrics of two periods is looked at each minute
	side := func(name string, threshold float64, below bool, first, second int) *policy {
		n := p.datapoints(1, 2, 3, 3, 5)
		q := &policy{name: name, metric: m, outCooldown: cooldown, inCooldown: cooldown, adjustment: how, aggregation: one(r, "average", "average", "minimum", "maximum")}
		a := &alarm{n: n, m: p.needed(n), period: 60, threshold: threshold, below: below, orEqual: chance(r, 0.5), missing: one(r, "missing", "missing", "ignore", "breaching", "notBreaching")}
		if coarse || !p.large && chance(r, p.coarse) {
			a.period = 300
			q.metric.period = 300
		}
		if below {
			q.in = a
			q.steps = []step{{-1e10, -10, second}, {-10, 0, first}}
		} else {
			q.out = a
			q.steps = []step{{0, 15, first}, {15, 1e10, second}}
		}
		if how == "PercentChangeInCapacity" && chance(r, 0.4) {
			q.magnitude = 1 + r.IntN(2)
		}
		return q
	}
	switch how {
	case "PercentChangeInCapacity":
		return []*policy{side("up", high, false, one(r, 10, 25), one(r, 50, 100)), side("down", low, true, -one(r, 10, 20), -one(r, 25, 50))}
	case "ExactCapacity":
		return []*policy{side("up", high, false, 4+r.IntN(3), 7+r.IntN(4)), side("down", low, true, 1+r.IntN(2), 1)}
	default:
		return []*policy{side("up", high, false, 1+r.IntN(2), 2+r.IntN(3)), side("down", low, true, -1, -1-r.IntN(2))}
	}
}

// actions draws scheduled actions for some classes.
func (p *plan) actions(c *class) {
	r := p.r
	c.now.actions = nil
	if !chance(r, 0.3) {
		return
	}
	for i := range 1 + r.IntN(3) {
		a := &action{name: fmt.Sprintf("a%d", i), hour: r.IntN(24), minute: r.IntN(60), weekdays: chance(r, 0.3), min: -1, max: -1, catchUp: !chance(r, 0.2)}
		if chance(r, 0.3) {
			a.at = start.Add(time.Duration(r.Int64N(int64(p.trouble/time.Second)))*time.Second + 2*time.Hour)
		}
		low := r.IntN(5)
		a.min, a.max = low, low+r.IntN(10)
		switch r.IntN(4) {
		case 0:
			a.min = -1
		case 1:
			a.max = -1
		}
		c.now.actions = append(c.now.actions, a)
	}
}

// serviceText is the class in the scenario of the region.
func (p *plan) serviceText(c *class, controller string, highResolution bool) string {
	r := p.r
	k := c.now
	var b strings.Builder
	name := c.name
	if c.count > 1 {
		name += "-%04d"
	}
	fmt.Fprintf(&b, "  - service: %s/%s\n", c.cluster, name)
	if c.count > 1 {
		fmt.Fprintf(&b, "    count: %d\n    stagger: %s\n", c.count, time.Duration(1+r.IntN(8))*time.Hour)
	}
	fmt.Fprintf(&b, "    desired: %d\n    task_start: %ds\n    task_start_spread: %ds\n    task_stop: %ds\n",
		max(1, k.min), one(r, 0, 20, 30, 45, 60, 90, 180), one(r, 0, 0, 10, 30), one(r, 0, 0, 10, 30))
	fmt.Fprintf(&b, "    deployment_controller: %s\n    deployment: {minimum_healthy_percent: %d, maximum_percent: 200%s}\n", controller, one(r, 50, 100), bake(controller))
	if highResolution {
		b.WriteString("    resolution: 20\n")
	}
	capacity := float64(k.max) * p.fill
	fmt.Fprintf(&b, "    load: {line: [%s]}\n", p.load(capacity))
	fmt.Fprintf(&b, "    cpu: {base: %d, per_load: 100, noise: %g}\n    memory: {base: %d, per_load: %d, noise: %g}\n",
		one(r, 0, 1, 3), one(r, 0.0, 0, 0.5, 0.5, 2, 4), 10+r.IntN(10), 60+r.IntN(40), one(r, 0.0, 1, 3))
	if c.count == 1 {
		fmt.Fprintf(&b, "    load_balancer: {resource_label: %s, requests_per_load: 100}\n", c.balancer())
	}
	return b.String()
}

func bake(controller string) string {
	if controller == "ECS" {
		return ""
	}
	return ", bake: 5m"
}

// ramp is how many seconds the load of a large world takes from one level to the next.
const ramp = 600

// load is a walk with jumps, rests at nothing, and in the end a level. In large worlds it stays on a level for hours.
func (p *plan) load(capacity float64) string {
	r := p.r
	var points []string
	level := capacity * r.Float64()
	for at := time.Duration(0); at < p.trouble; at += seconds(r, p.rest, 8*p.rest) {
		now := int(at.Seconds())
		if p.large && at > 0 {
			points = append(points, fmt.Sprintf("{at: %ds, value: %.3f}", now-ramp, level))
		}
		switch r.IntN(8) {
		case 0:
			level = capacity * 1.3 * r.Float64()
			now += 30
		case 1:
			level *= 0.2
		case 2:
			level = capacity * r.Float64()
		default:
			level = min(max(level*(0.7+0.6*r.Float64()), 0.02), capacity*1.4)
		}
		points = append(points, fmt.Sprintf("{at: %ds, value: %.3f}", now, level))
	}
	return strings.Join(points, ", ")
}

// scenario is the region of the plan.
func (p *plan) scenario() string {
	r := p.r
	var b strings.Builder
	fmt.Fprintf(&b, "region: eu-west-2\nseed: %d\nhistory: 40m\n", p.seed%1_000_000)
	fmt.Fprintf(&b, "publication: {delay: %ds, delay_spread: %ds, high_resolution_delay: 8s, partial: %ds}\n",
		p.published, p.spread, one(r, 0, 0, 0, 60))
	b.WriteString("limits: {recorded_calls: 16, recorded_megabytes: 1, service_events: 3}\n")
	b.WriteString(p.clusters() + "services:\n")
	var alone []*class
	for _, c := range p.classes {
		b.WriteString(c.region)
		if c.count == 1 {
			alone = append(alone, c)
		}
	}
	for i, c := range alone {
		if i == 0 {
			b.WriteString("custom_metrics:\n")
		}
		load := p.load(float64(c.now.max) * 0.6)
		fmt.Fprintf(&b, "  - {namespace: Own, metric_name: Backlog, dimensions: {Service: %s}, per_task_of: %s/%s, value: {sum: [{line: [%s]}, 5]}, noise: 1}\n", c.name, c.cluster, c.name, scaled(load))
		fmt.Fprintf(&b, "  - {namespace: Own, metric_name: Jobs, dimensions: {Service: %s}, value: {line: [%s]}, noise: 1}\n", c.name, scaled(load))
	}
	return b.String()
}

// scaled turns a load in tasks into a backlog, a hundred for each.
func scaled(load string) string { return strings.ReplaceAll(load, "}", "e2}") }

// configuration is the newest version as YAML.
func (p *plan) configuration(m *mutant) string {
	var b strings.Builder
	fmt.Fprintf(&b, "region: eu-west-2\nstate: \"memory:\"\nlisten: \"\"\ninterval: %s\nmetric_delay: %s\ntargets:\n", p.interval, p.delay)
	for _, c := range p.classes {
		if c.now != nil {
			m.told(c.now).text(c, &b)
		}
	}
	return b.String()
}
