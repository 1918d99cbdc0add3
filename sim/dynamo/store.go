package dynamo

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"ecs-autoscaler/sim/wire"
)

// Options are what a store is told about the world around it.
type Options struct {
	// ARN makes the ARN of a table of its name.
	ARN func(table string) string
	// Dice gives a number from 0 up to 1 for a name and an instant, always the same for the same ones.
	Dice func(name string, at time.Time) float64
	// Lag is how long, at most, an eventually consistent read may miss a write.
	Lag time.Duration
	// Expiry is how long, at most, an item is still there after its time to live.
	Expiry time.Duration
	// Creation is how long a table is CREATING, UPDATING or DELETING.
	Creation time.Duration
	// Throttling gives the tables of provisioned capacity the limits that they were made with.
	Throttling bool
}

// Usage is what the calls of one operation on one table consumed. Failed conditions consume too.
type Usage struct {
	Table     string `json:"table"`
	Operation string `json:"operation"`
	// Calls counts the calls that reached the table; a batch counts once for each table.
	Calls int `json:"calls"`
	// ReadUnits and WriteUnits are capacity or request units.
	ReadUnits  float64 `json:"read_units"`
	WriteUnits float64 `json:"write_units"`
}

// Store is the DynamoDB of one account and region. It is safe for concurrent use; each request is atomic.
type Store struct {
	options Options

	mu     sync.Mutex
	tables map[string]*table
	tokens map[string]idempotent
	swept  time.Time // when tokens that are over were forgotten
	usage  map[[2]string]*Usage
}

// New makes a store without tables.
func New(options Options) *Store {
	return &Store{options: options, tables: map[string]*table{}, tokens: map[string]idempotent{}, usage: map[[2]string]*Usage{}}
}

// Usage lists what was consumed, by table and operation.
func (s *Store) Usage() []Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Usage, 0, len(s.usage))
	for _, u := range s.usage {
		all = append(all, *u)
	}
	slices.SortFunc(all, func(a, b Usage) int {
		return cmp.Or(strings.Compare(a.Table, b.Table), strings.Compare(a.Operation, b.Operation))
	})
	return all
}

// Result is what a call answers and consumed.
type Result struct {
	Output                any
	ReadUnits, WriteUnits float64
}

// Request is a call as the store takes it.
type Request struct {
	// Operation is one of Operations.
	Operation string
	In        *wire.Input
	Now       time.Time
	// Half leaves the second half of a batch unprocessed.
	Half bool
}

// Do answers a request. The units of the result count with an error too.
func (s *Store) Do(q Request) (Result, *wire.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	op := operations[q.Operation]
	r := &request{store: s, operation: q.Operation, in: q.In, now: q.Now, half: q.Half, spent: map[string]*spending{}}
	if err := s.within(op, r.in, r.now); err != nil {
		return Result{}, err
	}
	output, err := op.run(r)
	if err == nil {
		err = r.in.Err()
	}
	return s.book(r, output), err
}

// book adds up what a request consumed.
func (s *Store) book(r *request, output map[string]any) Result {
	result := Result{Output: output}
	for _, name := range slices.Sorted(maps.Keys(r.spent)) {
		spent := r.spent[name]
		result.ReadUnits, result.WriteUnits = result.ReadUnits+spent.read, result.WriteUnits+spent.write
		u := s.usage[[2]string{name, r.operation}]
		if u == nil {
			u = &Usage{Table: name, Operation: r.operation}
			s.usage[[2]string{name, r.operation}] = u
		}
		u.Calls, u.ReadUnits, u.WriteUnits = u.Calls+1, u.ReadUnits+spent.read, u.WriteUnits+spent.write
		if t := s.tables[name]; t != nil {
			t.throughput.take(spent)
		}
	}
	return result
}

// within refuses a request for tables that have used up their provisioned capacity.
func (s *Store) within(op operation, in *wire.Input, now time.Time) *wire.Error {
	if op.units == 0 || !s.options.Throttling {
		return nil
	}
	for _, name := range op.tables(in) {
		if t := s.tables[name]; t != nil && t.throughput.empty(op.units, now) {
			return Exceeded()
		}
	}
	return nil
}

// What an operation consumes; operations on tables consume nothing.
const (
	readUnits  = 1
	writeUnits = 2
)

// operation is one call of the API.
type operation struct {
	run func(*request) (map[string]any, *wire.Error)
	// tables are the tables that a request names.
	tables func(*wire.Input) []string
	units  int
}

// operations are all calls that the store answers.
var operations = map[string]operation{
	"CreateTable":        {createTable, oneTable, 0},
	"DescribeTable":      {describeTable, oneTable, 0},
	"DeleteTable":        {deleteTable, oneTable, 0},
	"ListTables":         {listTables, noTables, 0},
	"UpdateTimeToLive":   {updateTimeToLive, oneTable, 0},
	"DescribeTimeToLive": {describeTimeToLive, oneTable, 0},
	"GetItem":            {getItem, oneTable, readUnits},
	"PutItem":            {putItem, oneTable, writeUnits},
	"UpdateItem":         {updateItem, oneTable, writeUnits},
	"DeleteItem":         {deleteItem, oneTable, writeUnits},
	"Query":              {query, oneTable, readUnits},
	"Scan":               {scan, oneTable, readUnits},
	"BatchGetItem":       {batchGetItem, batchTables, readUnits},
	"BatchWriteItem":     {batchWriteItem, batchTables, writeUnits},
	"TransactGetItems":   {transactGetItems, transactTables, readUnits},
	"TransactWriteItems": {transactWriteItems, transactTables, writeUnits},
}

// Operations are the names of the calls that a store answers, sorted.
func Operations() []string { return slices.Sorted(maps.Keys(operations)) }

// Control says whether an operation is about tables rather than about items.
func Control(name string) bool { return operations[name].units == 0 }

// Tables are the tables that a request names.
func Tables(name string, in *wire.Input) []string {
	if op, known := operations[name]; known {
		return op.tables(in)
	}
	return nil
}

func noTables(*wire.Input) []string { return nil }

func oneTable(in *wire.Input) []string { return []string{bareName(in.Text("TableName"))} }

func batchTables(in *wire.Input) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(in.Structure("RequestItems").Members())) {
		all = append(all, bareName(name))
	}
	return all
}

func transactTables(in *wire.Input) []string {
	var all []string
	for _, entry := range in.Structures("TransactItems") {
		for member := range entry.Members() {
			if name := bareName(entry.Structure(member).Text("TableName")); !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// bareName is the name of a table that is given by name or ARN.
func bareName(name string) string {
	if _, after, isARN := strings.Cut(name, ":table/"); isARN {
		return after
	}
	return name
}

// request is one call being answered.
type request struct {
	store     *Store
	operation string
	in        *wire.Input
	now       time.Time
	half      bool
	spent     map[string]*spending
}

// transacts says whether the operation is a transaction.
func (r *request) transacts() bool { return strings.HasPrefix(r.operation, "Transact") }
