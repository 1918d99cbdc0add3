package config

import (
	"path/filepath"
	"time"

	"github.com/goccy/go-yaml/ast"

	"ecs-autoscaler/evaluator"
)

// Auto is the value of Config.MetricDelay when it is learned from what CloudWatch does.
const Auto time.Duration = -1

// Config is a whole configuration, checked, with every default filled in. It is immutable.
type Config struct {
	// File is the name of the text it came from.
	File string
	// Region is an AWS region, or "" to let the SDK find one.
	Region string
	// State is where the daemon remembers.
	State State
	// Listen is host:port of the HTTP server, or "" for none.
	Listen string
	// DryRun makes the daemon decide without acting.
	DryRun bool
	// Interval is the longest time between two reads of a metric, or 0 to read when it can matter.
	Interval time.Duration
	// MetricDelay is how long a datapoint may be late before it counts as missing, 0 to 300 s, or Auto.
	MetricDelay time.Duration
	// Targets stand in file order.
	Targets []*Target

	exact       map[evaluator.Key][]*Target
	patterns    []*Target
	unsupported []Diagnostic
}

// StateKind is a kind of durable memory.
type StateKind string

// The kinds of state: a local file, a DynamoDB table, or nothing that survives.
const (
	StateFile     StateKind = "file"
	StateDynamoDB StateKind = "dynamodb"
	StateMemory   StateKind = "memory"
)

// State says where alarm states, cooldowns and history are kept. Path belongs to StateFile, Table
// to StateDynamoDB.
type State struct {
	Kind        StateKind
	Path, Table string
}

// String is the form of the file: file:PATH, dynamodb:TABLE or memory:.
func (s State) String() string { return string(s.Kind) + ":" + s.Path + s.Table }

// The settings of a text that does not mention them.
const (
	DefaultListen    = "127.0.0.1:8080"
	DefaultStatePath = "state.db"
)

// Parse reads one configuration text and reports all its mistakes at once. The Config is nil if
// any of them is an error. env looks a variable up (os.LookupEnv): ${NAME} in values, and
// STATE_DIRECTORY, which systemd sets, for a relative state file.
func Parse(src Source, env func(string) (string, bool)) (*Config, Diagnostics) {
	d := newDecoder(src.Name, env)
	var c *Config
	if body, ok := d.document(src.Text); ok {
		d.collectAnchors(body)
		c = d.config(d.valueOf("the configuration", body))
	}
	found := d.found
	found.sort()
	if found.HasErrors() {
		return nil, found
	}
	return c, found
}

func (d *decoder) config(v value) *Config {
	if d.file == EnvironmentVariable && v.node != nil && v.node.Type() == ast.StringType {
		d.errorf(v.at, "%s holds the configuration text itself, not the path of a file; name a file with --config", EnvironmentVariable)
		return nil
	}
	m, ok := v.mapping()
	if !ok {
		return nil
	}
	m.key = ""
	c := &Config{File: d.file, Listen: DefaultListen, State: State{Kind: StateFile, Path: DefaultStatePath}, MetricDelay: Auto}
	c.settings(m)
	inherited := awsOptions()
	if defaults := read(m, "defaults", value.mapping); defaults.valid {
		inherited.readAll(defaults.value)
		defaults.value.close()
	}
	c.targets(m, inherited)
	m.close()
	return c
}

// settings reads what concerns the daemon as a whole.
func (c *Config) settings(m *mapping) {
	overlay(&c.Region, read(m, "region", region))
	state := read(m, "state", state)
	overlay(&c.State, state)
	overlay(&c.Listen, read(m, "listen", listenAddress))
	overlay(&c.DryRun, read(m, "dry_run", value.boolean))
	overlay(&c.Interval, read(m, "interval", autoOr(0, time.Second, time.Hour)))
	overlay(&c.MetricDelay, read(m, "metric_delay", autoOr(Auto, 0, 300*time.Second)))
	if dir, ok := m.d.env("STATE_DIRECTORY"); ok && dir != "" && c.State.Kind == StateFile && !filepath.IsAbs(c.State.Path) {
		c.State.Path = filepath.Join(filepath.SplitList(dir)[0], c.State.Path)
	}
	if c.State.Kind == StateDynamoDB {
		c.notYet(m.d, state.at, "state in DynamoDB")
	}
}

// targets reads the list, checks it as a whole and indexes it.
func (c *Config) targets(m *mapping, inherited options) {
	all := need(m, "targets", "[{service: my-cluster/my-service, min_capacity: 1, max_capacity: 4}]", list(func(v value) (*Target, bool) {
		return m.d.target(v, inherited, c)
	}))
	if all.valid && len(all.value) == 0 {
		m.d.errorf(all.keyAt, "targets is empty; add at least one entry with service, min_capacity and max_capacity")
	}
	for _, t := range all.value {
		c.Targets = append(c.Targets, t.value)
	}
	c.index()
	m.d.lintTargets(c)
}

// notYet remembers an entry that this release reads but does not act on.
func (c *Config) notYet(d *decoder, at position, what string) {
	c.unsupported = append(c.unsupported, Diagnostic{
		File: d.file, Line: at.line, Column: at.column, Severity: SeverityError, Source: d.lines[at.line-1],
		Message: what + " is not yet supported: it was read and checked, but nothing would act on it",
	})
}

// Unsupported are the entries that the text relies on and that nothing would act on:
// predictive_scaling and state in DynamoDB.
func (c *Config) Unsupported() []Diagnostic { return c.unsupported }
