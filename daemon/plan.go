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
)

// MemorySource says where a plan's memory of cooldowns and alarm states came from.
type MemorySource string

// The three sources, in the order they are tried.
const (
	FromDaemon MemorySource = "daemon"
	FromFile   MemorySource = "file"
	FromNone   MemorySource = "none"
)

// askTimeout bounds the question to a running daemon; it answers on loopback.
const askTimeout = 3 * time.Second

// remembered is one row of a daemon's answer to /api/v1/targets?memory=true.
type remembered struct {
	Cluster string            `json:"cluster"`
	Service string            `json:"service"`
	Memory  *evaluator.Memory `json:"memory"`
}

// Plan evaluates every target once against the real account and writes nothing, neither to ECS nor to
// the state. Memory comes from the running daemon, else from the state file, else there is none.
func Plan(ctx context.Context, o Options) ([]evaluator.Decision, MemorySource, error) {
	memory, source, err := planMemory(ctx, &o)
	if err != nil {
		return nil, FromNone, err
	}
	s, err := store.New(store.Memory())
	if err != nil {
		return nil, source, err
	}
	// Removed, they are remembered, but only those of the configuration become targets again.
	c := store.Changes{Targets: memory}
	for _, row := range memory {
		c.Removed = append(c.Removed, row.Key)
	}
	if err := s.Commit(c); err != nil {
		return nil, source, err
	}
	dry := *o.Config
	dry.DryRun, dry.Listen, dry.Access = true, "", config.Access{}
	o.Config, o.State = &dry, s
	d, err := New(ctx, o)
	if err != nil {
		return nil, source, err
	}
	decisions, err := d.Once(ctx)
	for i := range decisions {
		decisions[i].Outcome = evaluator.OutcomeNone
	}
	return decisions, source, errors.Join(err, d.Close(ctx))
}

func planMemory(ctx context.Context, o *Options) ([]*store.Target, MemorySource, error) {
	c := o.Config
	rows, err := askDaemon(ctx, c, o.Client)
	switch {
	case err == nil:
		return rows, FromDaemon, nil
	case !errors.Is(err, errNobody):
		o.Logger.Warn("the running daemon could not be asked for its memory", zap.Error(err))
	}
	if c.State.Kind != config.StateFile {
		return nil, FromNone, nil
	}
	if _, err := os.Stat(StatePath(c)); errors.Is(err, fs.ErrNotExist) {
		return nil, FromNone, nil
	}
	rows, err = readState(c)
	if errors.Is(err, store.ErrInUse) {
		return nil, FromNone, nil // a daemon without a server has it: better a plan without memory than none
	}
	return rows, FromFile, err
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
	var who struct{ State string }
	if err := client.get(ctx, "/api/v1/version", &who); err != nil {
		return nil, err
	}
	if who.State != stateName(c) {
		return nil, fmt.Errorf("%w: what answers on %s is not the daemon of this configuration", errNobody, client.where)
	}
	var rows []*store.Target
	for cursor := ""; ; {
		var page struct {
			Targets []remembered `json:"targets"`
			Next    string       `json:"next_cursor"`
		}
		query := url.Values{"memory": {"true"}, "limit": {"1000"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		if err := client.get(ctx, "/api/v1/targets?"+query.Encode(), &page); err != nil {
			return nil, err
		}
		for _, r := range page.Targets {
			rows = append(rows, memoryRow(evaluator.Key{Cluster: r.Cluster, Service: r.Service}, r.Memory))
		}
		if cursor = page.Next; cursor == "" {
			return rows, nil
		}
	}
}

func memoryRow(k evaluator.Key, m *evaluator.Memory) *store.Target {
	return &store.Target{Key: k, Memory: m, Latest: &store.Latest{}}
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
