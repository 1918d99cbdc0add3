package dynamo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.uber.org/goleak"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/sim"
	"ecs-autoscaler/store"
	"ecs-autoscaler/store/storetest"
)

// endpointVariable names a DynamoDB that is to be tested against instead of the simulated one (make test-dynamodb).
const endpointVariable = "ECS_AUTOSCALER_TEST_DYNAMODB"

func TestMain(m *testing.M) {
	if os.Getenv(endpointVariable) != "" {
		// An emulator copies its tables for every transaction: the patience is for DynamoDB, not for it.
		commitPatience, readPatience = patience{5 * time.Minute, 2 * time.Minute}, patience{5 * time.Minute, 2 * time.Minute}
		longCommit = 10 * time.Minute
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		connections.CloseIdleConnections()
		os.Exit(code)
	}))
}

// connections are those to the DynamoDB of the environment.
var connections = &http.Transport{}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is the time by which a table's records expire.
type clock struct{ now atomic.Int64 }

func (c *clock) set(t time.Time) { c.now.Store(t.UnixNano()) }
func (c *clock) Now() time.Time  { return time.Unix(0, c.now.Load()).UTC() }

// region is the simulated one, whose tables are there at once.
func region(t testing.TB) *sim.Region {
	t.Helper()
	s, err := sim.ParseScenario("test.yaml", []byte("dynamodb: {table_delay: 0s}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r, err := sim.New(s, func() time.Time { return noon.Add(time.Since(began)) })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// client is one for the DynamoDB that is tested against: the one named in the environment, else the simulated one.
func client(t testing.TB) *dynamodb.Client {
	t.Helper()
	if endpoint := os.Getenv(endpointVariable); endpoint != "" {
		return newClient(connections, endpoint)
	}
	return newClient(region(t).Transport(), "")
}

func newClient(transport http.RoundTripper, endpoint string) *dynamodb.Client {
	o := dynamodb.Options{
		Region: "eu-west-2", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		HTTPClient: &http.Client{Transport: transport},
	}
	if endpoint != "" {
		o.BaseEndpoint = &endpoint
	}
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
	whole := &store.Snapshot{ScopedDelays: map[store.Scope]map[string]store.Delay{}}
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
	return whole, nil
}

func life(t *testing.T) storetest.Life {
	c, now := client(t), new(clock)
	now.set(noon)
	o := Options{API: c, Now: now.Now, Table: newTable(t, c)}
	many := 3 * maxWrites
	if os.Getenv(endpointVariable) != "" {
		many = maxWrites / 2
	}
	return storetest.Life{Open: func() store.Backend { return everything{open(t, o)} }, At: now.set, Many: many}
}

func TestBackend(t *testing.T) {
	storetest.Suite(t, life)
	t.Run("case 380: history older than six weeks is pruned", func(t *testing.T) { storetest.SixWeeks(t, life(t)) })
}

func TestSharedBackend(t *testing.T) {
	storetest.Shared(t, func(t *testing.T) storetest.Daemons {
		c := client(t)
		o := Options{API: c, Now: func() time.Time { return noon }, Table: newTable(t, c)}
		return func() storetest.Leased { return open(t, o) }
	})
}

// table is what most tests are about: one table with one scope, and what goes wrong on the way to it.
type table struct {
	*Backend
	options Options
	wire    *wire
	region  *sim.Region
	lease   store.Lease
}

var shop = store.Scope{Cluster: "shop"}

// newShop gives a table whose only scope is under a lease, over a wire that can be cut.
func newShop(t testing.TB) *table {
	t.Helper()
	r := region(t)
	w := &wire{next: r.Transport()}
	c := newClient(w, "")
	o := Options{API: c, Now: func() time.Time { return noon }, Table: newTable(t, c)}
	s := &table{Backend: open(t, o), options: o, wire: w, region: r}
	s.take(t, "one")
	return s
}

func (s *table) take(t testing.TB, owner string) {
	t.Helper()
	lease, err := s.Take(t.Context(), store.Lease{Scope: shop, Generation: s.lease.Generation}, owner)
	if err != nil {
		t.Fatal(err)
	}
	s.lease = lease
}

func (s *table) fence() *store.Fence {
	return &store.Fence{Scope: shop, Generation: s.lease.Generation}
}

// daemon is a store on the table that has adopted the scope.
func (s *table) daemon(t testing.TB) *store.Store {
	t.Helper()
	d, err := store.New(open(t, s.options))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Adopt(shop); err != nil {
		t.Fatal(err)
	}
	return d
}

func (s *table) load(t testing.TB) *store.Snapshot {
	t.Helper()
	snapshot, err := open(t, s.options).LoadScope(shop)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func targetOf(i int) evaluator.Key {
	return evaluator.Key{Cluster: "shop", Service: fmt.Sprintf("service-%05d", i)}
}

func memoryOf(i, desired int) *store.Target {
	return &store.Target{Key: targetOf(i), Max: 10, Memory: &evaluator.Memory{Registered: true, Max: 10, LastDesired: desired}}
}

func intentOf(i int) *store.Activity {
	return &store.Activity{
		ID: fmt.Sprintf("activity-%04d", i), Target: targetOf(i), Policy: "cpu", PolicyType: evaluator.TargetTrackingScaling,
		Direction: evaluator.ScaleOut, From: 1, To: 2, Status: evaluator.Pending,
		Description: "Setting desired count to 2.", Cause: "alarm high was in state ALARM", Reason: evaluator.ByTargetTracking, StartTime: noon,
	}
}

func decisionOf(i int) *store.DecisionRecord {
	return &store.DecisionRecord{
		Time: noon, Target: targetOf(i), Action: evaluator.ScaleOut, Reason: evaluator.ByTargetTracking, JSON: []byte(`{"message":"x"}`),
	}
}

func ended(a *store.Activity) *store.Activity {
	next := *a
	next.Status, next.EndTime = evaluator.Successful, a.StartTime.Add(time.Minute)
	return &next
}

// wire carries requests until it is told to do otherwise.
type wire struct {
	next http.RoundTripper

	mu     sync.Mutex
	fault  func(operation string, carry func() (reply, error)) (reply, error)
	silent bool
}

// on sets what happens to requests; nil lets them pass.
func (w *wire) on(fault func(operation string, carry func() (reply, error)) (reply, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault, w.silent = fault, false
}

// silence keeps all answers back.
func (w *wire) silence() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = true
}

// RoundTrip carries a copy of the request, so that it can also be carried later.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	fault, silent := w.fault, w.silent
	w.mu.Unlock()
	if silent {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	carry := func() (reply, error) {
		again := r.Clone(context.WithoutCancel(r.Context()))
		again.Body = io.NopCloser(bytes.NewReader(body))
		resp, err := w.next.RoundTrip(again) //nolint:bodyclose // the SDK closes it
		return reply{resp}, err
	}
	if fault == nil {
		fault = func(_ string, carry func() (reply, error)) (reply, error) { return carry() }
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	got, err := fault(operation, carry)
	return got.Response, err
}

// reply is an answer that somebody else closes.
type reply struct{ *http.Response }

// answer is an error of DynamoDB's.
func answer(body string) reply {
	return reply{&http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}}
}

// put writes an item by hand.
func (s *table) put(t testing.TB, i item) {
	t.Helper()
	if _, err := s.API.PutItem(context.WithoutCancel(t.Context()), &dynamodb.PutItemInput{TableName: &s.Table, Item: i}); err != nil {
		t.Error(err)
	}
}

// remove deletes an item by hand.
func (s *table) remove(t testing.TB, i item) {
	t.Helper()
	key := item{partitionKey: i[partitionKey], sortKey: i[sortKey]}
	if _, err := s.API.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &s.Table, Key: key}); err != nil {
		t.Error(err)
	}
}
