package config

import (
	"path/filepath"
	"time"

	"ecs-autoscaler/config/strict"
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
	// Access says who may ask over it, and what for.
	Access Access
	// DecisionLog is where every decision is written down with what it was made of.
	DecisionLog DecisionLog
	// DryRun makes the daemon decide without acting.
	DryRun bool
	// Interval is the longest time between two reads of a metric, or 0 to read when it can matter.
	Interval time.Duration
	// MetricDelay is how long a datapoint may be late before it counts as missing, 0 to 300 s, or Auto.
	MetricDelay time.Duration
	// Accounts are the other accounts and regions that targets may be in, in file order.
	Accounts []Account
	// HaltIfUnreadyPercent is the share of all targets, in percent, that may lack data or not be described before no target
	// scales in; 0 for no such brake.
	HaltIfUnreadyPercent float64
	// Events says who is told of what happens.
	Events Events
	// Targets stand in file order.
	Targets []*Target

	// managed is what the text says of managed scaling, "" when it says nothing.
	managed     ManagedPolicies
	exact       map[evaluator.Key][]*Target
	patterns    []*Target
	unsupported []Diagnostic
	// about puts a message at the place of a key of Access.
	about func(key, message string) Diagnostic
	// finding puts a message at a place in the text.
	finding func(at strict.Position, message string) Diagnostic
	// veil takes what variables hold out of a message.
	veil func(message string) string
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

// MaxBytes is the largest text that is read.
const MaxBytes = strict.MaxBytes

// form is what messages about a configuration as a whole say.
var form = strict.Form{
	Name:    "the configuration",
	Needs:   "it needs at least targets, for example targets: [{service: my-cluster/my-service, min_capacity: 1, max_capacity: 4}]",
	Shorten: "use patterns (service: cluster/*) instead of one entry a service",
}

// Diagnostic is one finding in a text.
type Diagnostic = strict.Diagnostic

// Diagnostics are all findings of one text, in its order.
type Diagnostics = strict.Diagnostics

// Severity says whether a Diagnostic forbids the use of the file.
type Severity = strict.Severity

// An error makes the file unusable; a warning points at something that is probably not meant.
const (
	SeverityError   = strict.SeverityError
	SeverityWarning = strict.SeverityWarning
)

// The settings of a text that does not mention them.
const (
	DefaultListen    = "127.0.0.1:8080"
	DefaultStatePath = "state.db"
)

// Parse reads one configuration text and reports all its mistakes at once. The Config is nil if
// any of them is an error. env looks a variable up (os.LookupEnv): ${NAME} in values, and
// STATE_DIRECTORY, which systemd sets, for a relative state file.
func Parse(src Source, env func(string) (string, bool)) (*Config, Diagnostics) {
	d := strict.New(src.Name, env, form)
	var c *Config
	if v, ok := d.Read(src.Text); ok {
		c = readConfig(v)
	}
	found := d.Findings()
	if found.HasErrors() {
		return nil, found
	}
	return c, found
}

func readConfig(v strict.Value) *Config {
	if v.File == EnvironmentVariable && v.IsText() {
		v.Errorf(v.At, "%s holds the configuration text itself, not the path of a file; name a file with --config", EnvironmentVariable)
		return nil
	}
	m, ok := v.Mapping()
	if !ok {
		return nil
	}
	m.Key = ""
	c := newConfig(v.File)
	c.finding, c.veil = m.Finding, m.Veil
	c.settings(m)
	c.accounts(m)
	inherited := awsOptions()
	if defaults := strict.Read(m, "defaults", strict.Value.Mapping); defaults.Valid {
		inherited.readAll(defaults.Value)
		defaults.Value.Close()
	}
	c.targets(m, inherited)
	m.Close()
	return c
}

// newConfig is what a text that mentions nothing sets.
func newConfig(file string) *Config {
	return &Config{File: file, Listen: DefaultListen, State: State{Kind: StateFile, Path: DefaultStatePath}, MetricDelay: Auto,
		Events: Events{AtMaxAfter: defaultAtMaxAfter}}
}

// settings reads what concerns the daemon as a whole.
func (c *Config) settings(m *strict.Mapping) {
	strict.Overlay(&c.Region, strict.Read(m, "region", region))
	strict.Overlay(&c.State, strict.Read(m, "state", state))
	strict.Overlay(&c.Listen, strict.Read(m, "listen", listenAddress))
	c.readAccess(m)
	strict.Overlay(&c.DecisionLog, strict.Read(m, "decision_log", decisionLog))
	strict.Overlay(&c.DryRun, strict.Read(m, "dry_run", strict.Value.Boolean))
	strict.Overlay(&c.Interval, strict.Read(m, "interval", strict.AutoOr(0, time.Second, time.Hour)))
	strict.Overlay(&c.MetricDelay, strict.Read(m, "metric_delay", strict.AutoOr(Auto, 0, 300*time.Second)))
	strict.Overlay(&c.managed, strict.Read(m, "managed_policies", strict.OneOf(ManagedRefuse, ManagedWarn, ManagedSuspend, ManagedIgnore)))
	strict.Overlay(&c.HaltIfUnreadyPercent, strict.Read(m, "halt_if_unready_percent", haltPercent))
	strict.Overlay(&c.Events, strict.Read(m, "events", readEvents))
	if dir, ok := m.Env("STATE_DIRECTORY"); ok && dir != "" && c.State.Kind == StateFile && !filepath.IsAbs(c.State.Path) {
		c.State.Path = filepath.Join(filepath.SplitList(dir)[0], c.State.Path)
	}
}

// targets reads the list, checks it as a whole and indexes it.
func (c *Config) targets(m *strict.Mapping, inherited options) {
	all := strict.Need(m, "targets", "[{service: my-cluster/my-service, min_capacity: 1, max_capacity: 4}]", strict.List(func(v strict.Value) (*Target, bool) {
		return readTarget(m.Decoder, v, inherited, c)
	}))
	if all.Valid && len(all.Value) == 0 {
		m.Errorf(all.KeyAt, "targets is empty; add at least one entry with service, min_capacity and max_capacity")
	}
	for _, t := range all.Value {
		c.Targets = append(c.Targets, t.Value)
	}
	c.index()
	lintTargets(m.Decoder, c)
}

// notYet remembers an entry that this release reads but does not act on.
func (c *Config) notYet(d *strict.Decoder, at strict.Position, what string) {
	c.unsupported = append(c.unsupported, d.Finding(at, what+" is not yet supported: it was read and checked, but nothing would act on it"))
}

// Unsupported are the entries that the text relies on and that nothing would act on: predictive_scaling.
func (c *Config) Unsupported() []Diagnostic { return c.unsupported }
