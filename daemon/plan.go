package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
	"ecs-autoscaler/store/dynamo"
)

// MemorySource says where a plan's memory of cooldowns and alarm states came from.
type MemorySource string

// The sources: the table where that is the state, else first the daemon is asked, then the state file is read.
const (
	FromDaemon   MemorySource = "daemon"
	FromFile     MemorySource = "file"
	FromDynamoDB MemorySource = "dynamodb"
	FromNone     MemorySource = "none"
)

// askTimeout bounds the question to a running daemon; it answers on loopback.
const askTimeout = 3 * time.Second

// Planner evaluates the targets of a configuration against the real account and writes nothing, neither to ECS nor to the state.
type Planner struct {
	// Memory says where what it knew at first of cooldowns and alarm states came from. From then on it remembers as a dry run
	// does: alarms go on, and what it would have done starts no cooldown.
	Memory MemorySource

	daemon *Daemon
}

// NewPlanner takes over the memory of the state table, or of the running daemon, else of the state file, else none, and connects to AWS.
func NewPlanner(ctx context.Context, o Options) (*Planner, error) {
	memory, source, err := planMemory(ctx, &o)
	if err != nil {
		return nil, err
	}
	s, err := store.New(store.Memory())
	if err != nil {
		return nil, err
	}
	// Removed, they are remembered, but only those of the configuration become targets again.
	c := store.Changes{Targets: memory}
	for _, row := range memory {
		c.Removed = append(c.Removed, row.Key)
	}
	if err := s.Commit(c); err != nil {
		return nil, err
	}
	dry := *o.Config
	dry.DryRun, dry.Listen, dry.Access = true, "", config.Access{}
	dry.DecisionLog = config.DecisionLog{} // which is the daemon's, as is telling of events
	dry.Events = config.Events{}
	o.Config, o.State = &dry, s
	d, err := New(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Planner{Memory: source, daemon: d}, nil
}

// Close gives up what NewPlanner has opened, also when ctx has ended.
func (p *Planner) Close(ctx context.Context) error { return p.daemon.Close(ctx) }

// Once evaluates every target once. The error wraps ErrUnhandled where some could not be handled; the decisions are there all the same.
func (p *Planner) Once(ctx context.Context) ([]evaluator.Decision, error) {
	decisions, err := p.daemon.Once(ctx)
	return planned(decisions), err
}

// planned are decisions that nobody is going to carry out.
func planned(decisions []evaluator.Decision) []evaluator.Decision {
	for i := range decisions {
		decisions[i].Outcome = evaluator.OutcomeNone
	}
	return decisions
}

// Plan is a Planner used once.
func Plan(ctx context.Context, o Options) ([]evaluator.Decision, MemorySource, error) {
	p, err := NewPlanner(ctx, o)
	if err != nil {
		return nil, FromNone, err
	}
	decisions, err := p.Once(ctx)
	return decisions, p.Memory, errors.Join(err, p.Close(ctx))
}

func planMemory(ctx context.Context, o *Options) ([]*store.Target, MemorySource, error) {
	c := o.Config
	if c.State.Kind == config.StateDynamoDB { // a daemon that shares it knows only the clusters that it steers
		rows, err := readTable(ctx, *o)
		if errors.Is(err, dynamo.ErrNoTable) {
			return nil, FromNone, nil
		}
		return rows, FromDynamoDB, c.Veil(err)
	}
	rows, err := askDaemon(ctx, c, o.Client)
	switch {
	case err == nil:
		return rows, FromDaemon, nil
	case !errors.Is(err, errNobody):
		o.Logger.Warn("the running daemon could not be asked for its memory", zap.Error(err))
	}
	if c.State.Kind == config.StateMemory {
		return nil, FromNone, nil
	}
	if _, err := os.Stat(StatePath(c)); errors.Is(err, fs.ErrNotExist) {
		return nil, FromNone, nil
	}
	rows, err = readState(c)
	if errors.Is(err, store.ErrInUse) {
		return nil, FromNone, nil // a daemon without a server has it: better a plan without memory than none
	}
	return rows, FromFile, c.Veil(err)
}

// askDaemon asks the daemon of this configuration for what it remembers, page by page. It is known by its
// state: the default address may be another daemon's, a dry run's or the demo's.
func askDaemon(ctx context.Context, c *config.Config, o ClientOptions) ([]*store.Target, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	client, err := NewClient(ctx, c, o)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	who, err := client.Version(ctx)
	if err != nil {
		return nil, err
	}
	if who.State != stateName(c) {
		return nil, fmt.Errorf("%w: what answers on %s is not the daemon of this configuration", errNobody, client.where)
	}
	targets, err := client.Targets(ctx, url.Values{"memory": {"true"}})
	if err != nil {
		return nil, err
	}
	var rows []*store.Target
	for i := range targets {
		rows = append(rows, memoryRow(targets[i].Key(), targets[i].Memory))
	}
	return rows, nil
}

func memoryRow(k evaluator.Key, m *evaluator.Memory) *store.Target {
	return &store.Target{Key: k, Memory: m, Latest: &store.Latest{}}
}

// readTable takes what a table remembers of all scopes; nothing in it is changed. A daemon may be at work on it.
func readTable(ctx context.Context, o Options) ([]*store.Target, error) {
	table, err := openTable(ctx, o)
	if err != nil {
		return nil, err
	}
	scopes, err := table.Scopes() //nolint:contextcheck // a backend has deadlines of its own
	if err != nil {
		return nil, err
	}
	var rows []*store.Target
	for _, sc := range scopes {
		snapshot, err := table.LoadScope(ctx, sc)
		if err != nil {
			return nil, err
		}
		for _, r := range snapshot.Memories {
			rows = append(rows, memoryRow(r.Target, r.Memory))
		}
	}
	return rows, table.Close()
}

// readState takes what a state file remembers; the file is not changed.
func readState(c *config.Config) ([]*store.Target, error) {
	snapshot, err := store.ReadFile(StatePath(c))
	if err != nil {
		return nil, err
	}
	var rows []*store.Target
	for _, r := range snapshot.Memories {
		rows = append(rows, memoryRow(r.Target, r.Memory))
	}
	return rows, nil
}
