package dynamo

import (
	"maps"
	"slices"
	"time"

	"ecs-autoscaler/sim/wire"
)

// Units of capacity (developer guide, "DynamoDB read and write operations").
const (
	readUnit  = 4 << 10
	writeUnit = 1 << 10
)

// spending is what a request consumes of one table.
type spending struct{ read, write float64 }

func (r *request) spend(table string) *spending {
	s := r.spent[table]
	if s == nil {
		s = &spending{}
		r.spent[table] = s
	}
	return s
}

// reads books the reading of so many bytes: half as much where an old answer will do.
func (r *request) reads(t *table, bytes int, consistent bool) {
	units := float64(max(1, (bytes+readUnit-1)/readUnit))
	if !consistent {
		units /= 2
	}
	r.spend(t.name).read += units
}

// readsTwice books a transactional read.
func (r *request) readsTwice(t *table, bytes int) {
	r.reads(t, bytes, true)
	r.reads(t, bytes, true)
}

// writes books the writing of an item that has so many bytes before or after; times is 2 in a transaction.
func (r *request) writes(t *table, bytes int, times float64) {
	r.spend(t.name).write += times * float64(max(1, (bytes+writeUnit-1)/writeUnit))
}

// consumed is the ConsumedCapacity of one table, nil unless the request wants it.
func (r *request) consumed(table string) (map[string]any, *wire.Error) {
	wish := r.in.Text("ReturnConsumedCapacity")
	switch wish {
	case "", "NONE":
		return nil, nil
	case "TOTAL", "INDEXES":
	default:
		return nil, constraint(wish, "returnConsumedCapacity", "Member must satisfy enum value set: [INDEXES, TOTAL, NONE]")
	}
	spent := r.spend(table)
	units := map[string]any{"CapacityUnits": spent.read + spent.write}
	if r.transacts() {
		if spent.read > 0 {
			units["ReadCapacityUnits"] = spent.read
		}
		if spent.write > 0 {
			units["WriteCapacityUnits"] = spent.write
		}
	}
	all := maps.Clone(units)
	all["TableName"] = table
	if wish == "INDEXES" {
		all["Table"] = units
	}
	return all, nil
}

// withConsumed adds the ConsumedCapacity to an answer about one table.
func (r *request) withConsumed(output map[string]any, table string) (map[string]any, *wire.Error) {
	c, err := r.consumed(table)
	if c != nil {
		output["ConsumedCapacity"] = c
	}
	return output, err
}

// withAllConsumed adds the ConsumedCapacity of each table.
func (r *request) withAllConsumed(output map[string]any) (map[string]any, *wire.Error) {
	var all []any
	for _, name := range slices.Sorted(maps.Keys(r.spent)) {
		c, err := r.consumed(name)
		if err != nil {
			return nil, err
		}
		if c != nil {
			all = append(all, c)
		}
	}
	if all != nil {
		output["ConsumedCapacity"] = all
	}
	return output, nil
}

// throughput is the provisioned capacity of a table; without capacity it is on demand and without limits. What is not
// used is kept for up to five minutes (developer guide, "Burst capacity").
type throughput struct {
	readRate, writeRate float64
	read, write         float64 // what is left
	at                  time.Time
}

const burst = 300 // seconds

func provisioned(read, write int, now time.Time) throughput {
	return throughput{readRate: float64(read), writeRate: float64(write), read: burst * float64(read), write: burst * float64(write), at: now}
}

// empty says whether nothing is left of the units.
func (c *throughput) empty(units int, now time.Time) bool {
	if c.readRate == 0 {
		return false
	}
	if passed := now.Sub(c.at).Seconds(); passed > 0 {
		c.read, c.write, c.at = min(burst*c.readRate, c.read+passed*c.readRate), min(burst*c.writeRate, c.write+passed*c.writeRate), now
	}
	if units == readUnits {
		return c.read <= 0
	}
	return c.write <= 0
}

func (c *throughput) take(spent *spending) {
	c.read, c.write = c.read-spent.read, c.write-spent.write
}
