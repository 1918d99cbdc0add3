package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"ecs-autoscaler/store"
)

// TableAPI is what making a table needs beyond using it; *dynamodb.Client has it.
type TableAPI interface {
	API
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	DescribeTimeToLive(
		context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options),
	) (*dynamodb.DescribeTimeToLiveOutput, error)
	UpdateTimeToLive(context.Context, *dynamodb.UpdateTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// How long a table may take to become ACTIVE, usually ten seconds, and how often it is asked whether it is.
const (
	creation  = 2 * time.Minute
	askAgain  = time.Second
	tableCall = 10 * time.Second
)

var tablePatience = patience{30 * time.Second, tableCall}

// Made is what Init found and did.
type Made struct {
	Table string `json:"table"`
	ARN   string `json:"arn"`
	// Created says that there was no table, TimeToLive that it was switched on only now, Format that the table was empty.
	Created    bool `json:"created"`
	TimeToLive bool `json:"time_to_live_enabled"`
	Format     bool `json:"format_written"`
}

// Changed reports whether anything was left to do.
func (m Made) Changed() bool { return m.Created || m.TimeToLive || m.Format }

// maker makes one table.
type maker struct {
	api   TableAPI
	table string
	made  Made
}

// Init makes the table, on-demand, or completes one that was made by other means: its keys must be right and it must be
// empty or ours. It does nothing to a table that is ready. Problems are *TableError.
func Init(ctx context.Context, api TableAPI, table string) (Made, error) {
	m := &maker{api: api, table: table, made: Made{Table: table}}
	for _, step := range []func(context.Context) error{m.create, m.await, m.format, m.timeToLive} {
		if err := step(ctx); err != nil {
			return m.made, err
		}
	}
	return m.made, nil
}

// do makes one call; what AWS says against it is explained.
func (m *maker) do(ctx context.Context, operation string, call func(context.Context) error) error {
	return explain(m.table, operation, persist(ctx, tablePatience, nil, call))
}

func (m *maker) describe(ctx context.Context) (d *types.TableDescription, err error) {
	err = m.do(ctx, "DescribeTable", func(ctx context.Context) error {
		out, err := m.api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &m.table}, once)
		if err == nil {
			d = out.Table
		}
		return err
	})
	return d, err
}

// create makes the table where there is none.
func (m *maker) create(ctx context.Context) error {
	_, err := m.describe(ctx)
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); !missing {
		return err
	}
	attribute := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	err = persist(ctx, tablePatience, nil, func(ctx context.Context) error {
		_, err := m.api.CreateTable(ctx, &dynamodb.CreateTableInput{
			TableName: &m.table, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{attribute(partitionKey), attribute(sortKey)},
			KeySchema: []types.KeySchemaElement{
				{AttributeName: aws.String(partitionKey), KeyType: types.KeyTypeHash},
				{AttributeName: aws.String(sortKey), KeyType: types.KeyTypeRange},
			},
		}, once)
		if codeOf(err) == "ResourceInUseException" {
			return nil // somebody else is making it at the same time
		}
		m.made.Created = m.made.Created || err == nil
		return err
	})
	return explain(m.table, "CreateTable", err)
}

// await waits until the table can be used, and checks its keys.
func (m *maker) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, creation)
	defer cancel()
	for {
		d, err := m.describe(ctx)
		if err != nil {
			return err
		}
		if err := checkKeys(m.table, d); err != nil {
			return err
		}
		switch m.made.ARN = value(d.TableArn); d.TableStatus {
		case types.TableStatusActive, types.TableStatusUpdating:
			return nil
		case types.TableStatusCreating:
		case types.TableStatusDeleting, types.TableStatusArchiving, types.TableStatusArchived,
			types.TableStatusInaccessibleEncryptionCredentials, types.TableStatusReplicationNotAuthorized:
			return &TableError{Table: m.table, Problem: "is " + string(d.TableStatus),
				Remedy: "wait until it is gone or usable again, " + otherTable}
		}
		if !wait(ctx, askAgain) {
			return &TableError{Table: m.table, Problem: "is still " + string(d.TableStatus) + " after " + creation.String(),
				Remedy: `call "ecs-autoscaler state init" again: it goes on where it stopped`, Err: ctx.Err()}
		}
	}
}

func checkKeys(table string, d *types.TableDescription) error {
	keys := make(map[types.KeyType]string)
	for _, k := range d.KeySchema {
		keys[k.KeyType] = value(k.AttributeName)
	}
	kinds := make(map[string]types.ScalarAttributeType)
	for _, a := range d.AttributeDefinitions {
		kinds[value(a.AttributeName)] = a.AttributeType
	}
	if keys[types.KeyTypeHash] == partitionKey && keys[types.KeyTypeRange] == sortKey &&
		kinds[partitionKey] == types.ScalarAttributeTypeS && kinds[sortKey] == types.ScalarAttributeTypeS {
		return nil
	}
	return foreign(table, fmt.Sprintf("its keys are %q and %q, not the texts %s and %s",
		keys[types.KeyTypeHash], keys[types.KeyTypeRange], partitionKey, sortKey), nil)
}

// format marks an empty table as ours.
func (m *maker) format(ctx context.Context) error {
	b := &Backend{Options: Options{API: m.api, Table: m.table, Now: time.Now}, scopes: map[store.Scope]*ledger{}}
	found, err := b.get(ctx, keyOf(metaPartition, formatSort))
	if err != nil {
		return explain(m.table, "GetItem", err)
	}
	if len(found) > 0 {
		return recognize(m.table, found)
	}
	if err := m.checkEmpty(ctx); err != nil {
		return err
	}
	i := keyOf(metaPartition, formatSort)
	i["Application"], i["Format"] = text(application), whole(format)
	m.made.Format = true
	return m.do(ctx, "PutItem", func(ctx context.Context) error {
		_, err := m.api.PutItem(ctx, &dynamodb.PutItemInput{TableName: &m.table, Item: i}, once)
		return err
	})
}

func (m *maker) checkEmpty(ctx context.Context) error {
	return m.do(ctx, "Scan", func(ctx context.Context) error {
		out, err := m.api.Scan(ctx, &dynamodb.ScanInput{TableName: &m.table, Limit: aws.Int32(1), ConsistentRead: yes()}, once)
		if err == nil && len(out.Items) > 0 {
			return foreign(m.table, "it has items of others", nil)
		}
		return err
	})
}

// timeToLive makes DynamoDB delete what has expired.
func (m *maker) timeToLive(ctx context.Context) error {
	var is *types.TimeToLiveDescription
	err := m.do(ctx, "DescribeTimeToLive", func(ctx context.Context) error {
		out, err := m.api.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &m.table}, once)
		if err == nil {
			is = out.TimeToLiveDescription
		}
		return err
	})
	if err != nil {
		return err
	}
	if is != nil && (is.TimeToLiveStatus == types.TimeToLiveStatusEnabled || is.TimeToLiveStatus == types.TimeToLiveStatusEnabling) {
		if by := value(is.AttributeName); by != expiresAt {
			return foreign(m.table, fmt.Sprintf("its items expire by %q, not by %s", by, expiresAt), nil)
		}
		return nil
	}
	m.made.TimeToLive = true
	return m.do(ctx, "UpdateTimeToLive", func(ctx context.Context) error {
		_, err := m.api.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
			TableName:               &m.table,
			TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(expiresAt), Enabled: yes()},
		}, once)
		return err
	})
}
