package sim

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/sim/curve"
	"ecs-autoscaler/sim/dynamo"
)

// Scenario is a region as a scenario file describes it: clusters, services with their load, metrics, faults. It is
// immutable; several regions can be made from one.
type Scenario struct {
	name         string
	region       string
	account      string
	seed         uint64
	start        time.Time // zero: when the region is made
	history      time.Duration
	responseTime time.Duration
	limits       limits
	clusters     []cluster
	services     []serviceSpec
	custom       []metricSpec
	managed      managed
	tables       tables

	places         []*Scenario // further accounts and regions
	roles          []role
	accessKeys     map[string]string // the account of an access key
	sessionsExpire bool
	faults         []Fault
}

// cluster is an ECS cluster.
type cluster struct {
	name     string
	status   string
	insights bool
	tags     map[string]string
}

// limits are the quotas of the region.
type limits struct {
	throttling     bool
	rates          map[string]rate
	pageDatapoints int
	pageItems      int
	tasks          int
	events         int
	calls          int
	bytes          int
}

// Start is when the scenario's time zero is, or the zero time if it is the moment the region is made.
func (s *Scenario) Start() time.Time { return s.start }

// Region is the name of the AWS region that the scenario plays, such as eu-west-2.
func (s *Scenario) Region() string { return s.region }

// ParseScenario reads a scenario file, strictly: an unknown or repeated key, a wrong type or a broken rule is an error
// that begins with name:line:column. Traces are read through files, which may be nil if the scenario has none.
func ParseScenario(name string, text []byte, files fs.FS) (*Scenario, error) {
	src := &source{name: name, text: text}
	var doc document
	if err := src.read(&doc); err != nil {
		return nil, err
	}
	c := &compiler{src: src, base: "$", curves: curves{src: src, files: files, traces: map[string]*curve.Trace{}}}
	return c.scenario(&doc)
}

// compiler checks a document and turns it into a Scenario.
type compiler struct {
	src    *source
	base   string // where in the document the place is written
	curves curves
	s      *Scenario
	known  map[key]bool
	defs   publication
}

// key names a service.
type key struct{ cluster, service string }

func (k key) String() string { return k.cluster + "/" + k.service }

var (
	regionName  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
	accountName = regexp.MustCompile(`^[0-9]{12}$`)
	plainName   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
)

func (c *compiler) scenario(doc *document) (*Scenario, error) {
	c.s = &Scenario{
		name: c.src.name, region: or(doc.Home.Region, "us-east-1"), account: or(doc.Home.Account, "123456789012"), seed: doc.Seed,
		history: doc.History.duration(), responseTime: doc.ResponseTime.duration(),
	}
	if doc.Start != nil {
		c.s.start = time.Time(*doc.Start)
	}
	for _, step := range []func(*document) error{
		c.names, c.publications, c.limits, c.clusters, c.services, c.customMetrics, c.scaling, c.dynamoDB, c.places, c.roles, c.faults,
	} {
		if err := step(doc); err != nil {
			return nil, err
		}
	}
	return c.s, nil
}

func (c *compiler) names(doc *document) error {
	switch {
	case !regionName.MatchString(c.s.region):
		return c.src.wrong(c.base+".region", "%q is no region; write one such as eu-west-2", c.s.region)
	case !accountName.MatchString(c.s.account):
		return c.src.wrong(c.base+".account", "%q is no account; write twelve digits in quotes", c.s.account)
	case doc.History < 0:
		return c.src.wrong("$.history", "must not be negative")
	case doc.ResponseTime < 0:
		return c.src.wrong("$.response_time", "must not be negative")
	}
	return nil
}

func (c *compiler) publications(doc *document) error {
	c.defs = publication{delay: time.Minute, highResolutionDelay: 10 * time.Second}
	var err error
	c.defs, err = c.publication("$.publication", &doc.Publication)
	return err
}

// publication lays what a document says over the defaults.
func (c *compiler) publication(path string, doc *publicationDoc) (publication, error) {
	p := c.defs
	for _, f := range []struct {
		name string
		from *seconds
		to   *time.Duration
	}{
		{"delay", doc.Delay, &p.delay}, {"delay_spread", doc.DelaySpread, &p.spread},
		{"high_resolution_delay", doc.HighResolutionDelay, &p.highResolutionDelay}, {"partial", doc.Partial, &p.partial},
	} {
		if f.from == nil {
			continue
		}
		if *f.from < 0 {
			return p, c.src.wrong(path+"."+f.name, "must not be negative")
		}
		*f.to = f.from.duration()
	}
	return p, nil
}

func (c *compiler) limits(doc *document) error {
	d := &doc.Limits
	c.s.limits = limits{throttling: d.Throttling == nil || *d.Throttling, rates: defaultRates()}
	for _, f := range []struct {
		name         string
		value        int
		absent, ceil int
		to           *int
		multiply     int
	}{
		{"page_datapoints", d.PageDatapoints, maxDatapoints, maxDatapoints, &c.s.limits.pageDatapoints, 1},
		{"page_items", d.PageItems, maxPageItems, maxPageItems, &c.s.limits.pageItems, 1},
		{"tasks_per_service", d.TasksPerService, 5000, 1_000_000, &c.s.limits.tasks, 1},
		{"service_events", d.ServiceEvents, maxEvents, maxEvents, &c.s.limits.events, 1},
		{"recorded_calls", d.RecordedCalls, 20_000, 10_000_000, &c.s.limits.calls, 1},
		{"recorded_megabytes", d.RecordedMegabyte, 64, 65_536, &c.s.limits.bytes, 1 << 20},
	} {
		if f.value < 0 || f.value > f.ceil {
			return c.src.wrong("$.limits."+f.name, "%d is outside 1 to %d", f.value, f.ceil)
		}
		*f.to = or(f.value, f.absent) * f.multiply
	}
	return c.rates(d.Rates)
}

func (c *compiler) rates(docs map[string]rateDoc) error {
	for _, name := range sorted(docs) {
		r := docs[name]
		if _, ok := operations[name]; !ok && !slices.Contains(dynamo.Operations(), name) && c.s.limits.rates[name] == (rate{}) {
			return c.src.wrong("$.limits.rates", "%q is neither an operation nor one of the rate classes %s",
				name, strings.Join(sorted(c.s.limits.rates), ", "))
		}
		if !(r.Burst >= 1 && r.Burst < 1e9 && r.PerSecond >= 0 && r.PerSecond < 1e9) {
			return c.src.wrong("$.limits.rates."+name, "burst must be at least 1 and per_second at least 0")
		}
		c.s.limits.rates[name] = rate{r.Burst, r.PerSecond}
	}
	return nil
}

func (c *compiler) clusters(doc *document) error {
	for i, d := range doc.Home.Clusters {
		path := fmt.Sprintf("%s.clusters[%d]", c.base, i)
		if !plainName.MatchString(d.Name) {
			return c.src.wrong(path+".name", "%q is no cluster name: letters, digits, - and _", d.Name)
		}
		if slices.ContainsFunc(c.s.clusters, func(o cluster) bool { return o.name == d.Name }) {
			return c.src.wrong(path+".name", "the cluster %s is there already", d.Name)
		}
		status := or(d.Status, "ACTIVE")
		if status != "ACTIVE" && status != "INACTIVE" {
			return c.src.wrong(path+".status", "%q must be ACTIVE or INACTIVE", status)
		}
		c.s.clusters = append(c.s.clusters, cluster{d.Name, status, d.ContainerInsights, d.Tags})
	}
	return nil
}

// ensure adds a cluster that only the name of a service mentions.
func (c *compiler) ensure(name string) {
	if !slices.ContainsFunc(c.s.clusters, func(o cluster) bool { return o.name == name }) {
		c.s.clusters = append(c.s.clusters, cluster{name: name, status: "ACTIVE"})
	}
}

// or is the first value unless it is zero.
func or[T comparable](value, absent T) T {
	var zero T
	if value == zero {
		return absent
	}
	return value
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
