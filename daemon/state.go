package daemon

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/lease"
	"ecs-autoscaler/store"
	"ecs-autoscaler/store/dynamo"
)

// OpenState opens the state that the configuration names, and where several daemons use it, gives the table of their leases
// too. A dry run keeps its own beside it, so that switching to real inherits nothing from it.
func OpenState(ctx context.Context, o Options) (*store.Store, lease.Table, error) {
	b, err := openBackend(ctx, o)
	if err != nil {
		return nil, nil, o.Config.Veil(err)
	}
	s, err := store.New(b)
	if err != nil {
		return nil, nil, o.Config.Veil(errors.Join(err, b.Close()))
	}
	leases, _ := b.(lease.Table)
	return s, leases, nil
}

// tellMigration says that opening the state has brought its file to another format.
func tellMigration(logger *zap.Logger, m *store.Migration) {
	if m != nil {
		logger.Info("the state file was brought to another format; the copy is what there was before",
			zap.String("file", m.Path), zap.Int("from", m.From), zap.Int("to", m.To), zap.String("copy", m.Copy))
	}
}

func openBackend(ctx context.Context, o Options) (store.Backend, error) {
	c := o.Config
	switch c.State.Kind {
	case config.StateDynamoDB:
		return openTable(ctx, o)
	case config.StateMemory:
		if !c.DryRun && !o.AllowVolatileState {
			return nil, errors.New("state: memory: forgets every cooldown and open activity at a restart, so that a step could be repeated; " +
				"name a file (state: \"file:state.db\"), or accept it with --allow-volatile-state")
		}
		return store.Memory(), nil
	case config.StateFile:
	}
	return store.OpenFile(StatePath(c))
}

// openTable opens the table of a state in DynamoDB, which is in the region of the services that it is about.
func openTable(ctx context.Context, o Options) (*dynamo.Backend, error) {
	client, err := awsapi.ConnectDynamoDB(ctx, o.awsOptions())
	if err != nil {
		return nil, err
	}
	d := dynamo.Options{API: client, Table: StateTable(o.Config)}
	if o.Clock != nil {
		d.Now = o.Clock.Now
	}
	b, err := dynamo.Open(ctx, d)
	if errors.Is(err, dynamo.ErrNoTable) {
		return nil, unlessBeingMade(ctx, client, d.Table, err)
	}
	return b, err
}

// unlessBeingMade tells a table that is not there yet from one that is not there: to all but DescribeTable, which the daemon
// otherwise does not need and may not be allowed, they are the same.
func unlessBeingMade(ctx context.Context, client *dynamodb.Client, table string, err error) error {
	known, ok := errors.AsType[*dynamo.TableError](err)
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out, failed := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	switch {
	case !ok:
		return err
	case failed != nil && awsapi.Classify(failed) == awsapi.AccessDenied:
		return &dynamo.TableError{Table: table, Problem: known.Problem, Remedy: known.Remedy + "; one that is just being made is there in about a minute: start again then", Err: err}
	case failed == nil && out.Table.TableStatus == types.TableStatusCreating:
		return &dynamo.TableError{Table: table, Problem: "is still being made (CREATING)", Err: err,
			Remedy: "start again when it is ACTIVE, mostly within a minute; \"ecs-autoscaler state init\" waits for that"}
	}
	return err
}

// InitState makes the table that the configuration names, or does nothing to one that is ready. It is an error to ask for
// it with a state that is no table.
func InitState(ctx context.Context, o Options) (dynamo.Made, error) {
	if o.Config.State.Kind != config.StateDynamoDB {
		return dynamo.Made{}, o.Config.Veil(errors.New("state: " + o.Config.State.String() + " needs no init: a file is made when the daemon starts; " +
			"init is for state: \"dynamodb:TABLE\""))
	}
	client, err := awsapi.ConnectDynamoDB(ctx, o.awsOptions())
	if err != nil {
		return dynamo.Made{}, err
	}
	made, err := dynamo.Init(ctx, client, StateTable(o.Config))
	return made, o.Config.Veil(err)
}

// awsOptions is how AWS is reached, in the region of the configuration where it names one.
func (o Options) awsOptions() awsapi.Options {
	a := o.AWS
	if a.Region == "" {
		a.Region = o.Config.Region
	}
	return a
}

// stateName says which state a configuration means, whatever directory it is asked from.
func stateName(c *config.Config) string {
	switch c.State.Kind {
	case config.StateDynamoDB:
		return string(c.State.Kind) + ":" + StateTable(c)
	case config.StateMemory:
		return c.State.String()
	case config.StateFile:
	}
	path, err := filepath.Abs(StatePath(c))
	if err != nil {
		path = StatePath(c) // the working directory is gone; it is nobody else's then
	}
	return string(c.State.Kind) + ":" + path
}

// dry is what the state of a dry run is called after that of the real one.
const dry = ".dry"

// StatePath is the file that holds the state, with the suffix of a dry run where it is one.
func StatePath(c *config.Config) string {
	if c.DryRun {
		return c.State.Path + dry
	}
	return c.State.Path
}

// StateTable is the DynamoDB table that holds the state, with the suffix of a dry run where it is one.
func StateTable(c *config.Config) string {
	if c.DryRun {
		return c.State.Table + dry
	}
	return c.State.Table
}
