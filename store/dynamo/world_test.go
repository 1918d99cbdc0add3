package dynamo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.uber.org/goleak"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
	"ecs-autoscaler/store/storetest"
)

func TestMain(m *testing.M) {
	if os.Getenv(endpointVariable) != "" {
		commitPatience = patience{time.Minute, 20 * time.Second} // an emulator is not as fast as DynamoDB
	}
	goleak.VerifyTestMain(m)
}

// endpointVariable names a DynamoDB that is to be tested against instead of the simulated one (make test-dynamodb).
const endpointVariable = "ECS_AUTOSCALER_TEST_DYNAMODB"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is the time by which a table's records expire.
type clock struct{ now atomic.Int64 }

func (c *clock) set(t time.Time) { c.now.Store(t.UnixNano()) }
func (c *clock) Now() time.Time  { return time.Unix(0, c.now.Load()).UTC() }

// client is one for the DynamoDB that is tested against.
func client(t testing.TB) *dynamodb.Client {
	t.Helper()
	o := dynamodb.Options{
		Region:      "eu-west-2",
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	}
	o.BaseEndpoint = aws.String(os.Getenv(endpointVariable))
	return dynamodb.New(o)
}

var tables atomic.Int64

// newTable makes an empty table of a name that no test run had before.
func newTable(t testing.TB, c *dynamodb.Client) string {
	t.Helper()
	name := fmt.Sprintf("autoscaler-%d-%d-%d", os.Getpid(), time.Now().UnixNano(), tables.Add(1))
	if _, err := Init(t.Context(), c, name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := c.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
			t.Error(err)
		}
	})
	return name
}

func open(t testing.TB, o Options) *Backend {
	t.Helper()
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// everything is a backend as one daemon without leases would have it: loading gives it all scopes.
type everything struct{ *Backend }

func (e everything) Load() (*store.Snapshot, error) {
	scopes, err := e.Scopes()
	if err != nil {
		return nil, err
	}
	whole, err := e.Backend.Load()
	whole.ScopedDelays = map[store.Scope]map[string]store.Delay{}
	for _, s := range append(scopes, store.Scope{}) {
		part, err := e.LoadScope(s)
		if err != nil {
			return nil, err
		}
		whole.Memories = append(whole.Memories, part.Memories...)
		whole.Open = append(whole.Open, part.Open...)
		whole.Sequence = max(whole.Sequence, part.Sequence)
		whole.ScopedDelays[s] = part.Delays
	}
	whole.Delays = whole.ScopedDelays[store.Scope{}]
	delete(whole.ScopedDelays, store.Scope{})
	return whole, err
}

func dynamoLife(t *testing.T) storetest.Life {
	c := new(clock)
	c.set(noon)
	o := Options{API: client(t), Now: c.Now}
	o.Table = newTable(t, client(t))
	return storetest.Life{Open: func() store.Backend { return everything{open(t, o)} }, At: c.set, Many: 2 * maxWrites}
}

func TestDynamoDBBackend(t *testing.T) {
	storetest.Suite(t, dynamoLife)
	t.Run("case 380: history older than six weeks is pruned", func(t *testing.T) { storetest.SixWeeks(t, dynamoLife(t)) })
}

var _ = context.Background
var _ = errors.New
var _ = strings.Cut
var _ evaluator.Key
