package sim

import (
	"fmt"
	"time"

	"ecs-autoscaler/sim/dynamo"
	"ecs-autoscaler/sim/fleet"
	"ecs-autoscaler/sim/wire"
)

// tables is the DynamoDB of a scenario.
type tables struct {
	lag      time.Duration // of eventually consistent reads
	expiry   time.Duration // of time to live
	creation time.Duration // of tables
	setup    []tableCall
}

// tableCall is a call that makes what is there from the beginning.
type tableCall struct {
	operation string
	age       time.Duration // when it was made, before time zero
	input     map[string]any
}

func (t *tableCall) at(now time.Time) dynamo.Request {
	return dynamo.Request{Operation: t.operation, In: wire.In(t.input), Now: now}
}

func (c *compiler) dynamoDB(doc *document) error {
	d := &doc.Home.DynamoDB
	t := &c.s.tables
	if c.base == "$" { // a place begins with the delays of the whole scenario
		*t = tables{lag: 100 * time.Millisecond, expiry: 48 * time.Hour, creation: 5 * time.Second}
	}
	for _, f := range []struct {
		name string
		from *seconds
		to   *time.Duration
	}{
		{"eventual_consistency", d.EventualConsistency, &t.lag}, {"ttl_delay", d.TTLDelay, &t.expiry}, {"table_delay", d.TableDelay, &t.creation},
	} {
		if f.from == nil {
			continue
		}
		if *f.from < 0 {
			return c.src.wrong(c.base+".dynamodb."+f.name, "must not be negative")
		}
		*f.to = f.from.duration()
	}
	if t.creation > time.Hour {
		return c.src.wrong(c.base+".dynamodb.table_delay", "must be at most 1h")
	}
	// They are tried on a store of their own, so that a mistake is found where it was written.
	trial := dynamo.New(dynamo.Options{ARN: func(table string) string { return table }})
	for _, list := range []struct {
		name, operation string
		age             time.Duration
		from            []map[string]any
	}{
		{"tables", "CreateTable", -48 * time.Hour, d.Tables}, {"time_to_live", "UpdateTimeToLive", -24 * time.Hour, d.TimeToLive},
	} {
		for i, input := range list.from {
			call := tableCall{list.operation, list.age, plainMap(input)}
			if _, err := trial.Do(call.at(time.Unix(0, 0))); err != nil {
				return c.src.wrong(fmt.Sprintf("%s.dynamodb.%s[%d]", c.base, list.name, i), "as the input of %s: %s", list.operation, err.Message)
			}
			t.setup = append(t.setup, call)
		}
	}
	return nil
}

func plainMap(m map[string]any) map[string]any {
	plain, _ := plainTree(m).(map[string]any)
	return plain
}

// store makes the DynamoDB of a region; the tables of the scenario are older than it.
func (r *Region) store() (*dynamo.Store, error) {
	s := r.scenario
	store := dynamo.New(dynamo.Options{
		ARN: func(table string) string { return r.arn("dynamodb", "table/"+table) },
		Dice: func(name string, at time.Time) float64 {
			return fleet.Noise(s.seed^digest(name), uint64(at.UnixNano()))
		},
		Lag: s.tables.lag, Expiry: s.tables.expiry, Creation: s.tables.creation, Throttling: s.limits.throttling,
	})
	for _, call := range s.tables.setup {
		if _, err := store.Do(call.at(r.zero.Add(call.age))); err != nil {
			return nil, err
		}
	}
	return store, nil
}

// useTables answers a call of DynamoDB.
func useTables(c *call) (any, *wire.Error) {
	result, err := c.region.dynamo.Do(dynamo.Request{Operation: c.wire.Operation, In: c.in, Now: c.wall, Half: c.half})
	c.read, c.write = result.ReadUnits, result.WriteUnits
	return result.Output, err
}

// TableUsage is what one operation consumed of one table of DynamoDB.
type TableUsage = dynamo.Usage

// TableUsage lists the capacity units that were consumed, by table and operation.
func (r *Region) TableUsage() []TableUsage { return r.dynamo.Usage() }
