package dynamo

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// What one transaction takes (API TransactWriteItems: 100 actions, 4 MB), less the lease and some room for what
// requests add to items.
const (
	maxWrites = 99
	maxBytes  = 3 << 20
)

// write is one item of a transaction.
type write struct {
	item item
	// created says that nothing stood at this key before, so that a commit that was not to be is undone by a deletion.
	created bool
	// opens and ends are the activity that is open after this write, or is no longer.
	opens, ends string
}

// part is one transaction.
type part struct {
	writes  []write
	deletes []item // keys
	bytes   int
}

func (p *part) fits(writes []write) bool {
	return len(p.writes)+len(writes) <= maxWrites && p.bytes+size(writes) <= maxBytes
}

// created are the keys that only this part has brought into the table.
func (p *part) created() []item {
	var keys []item
	for _, w := range p.writes {
		if w.created {
			keys = append(keys, item{partitionKey: w.item[partitionKey], sortKey: w.item[sortKey]})
		}
	}
	return keys
}

// inState counts the writes that loading the scope will see.
func (p *part) inState(s store.Scope) int {
	n := 0
	for _, w := range p.writes {
		if isIn(w.item, statePartition(s)) {
			n++
		}
	}
	return n
}

func isIn(i item, partition string) bool {
	r := reader{item: i}
	return r.text(partitionKey) == partition
}

// pack makes transactions of the writes of a scope. What is said of one target stays together, and those with an intent
// come last. A target that alone is too much for one transaction is taken apart between its activities.
func pack(groups [][]write) []*part {
	slices.SortStableFunc(groups, func(a, b []write) int { return intents(a) - intents(b) })
	var parts []*part
	add := func(writes []write) {
		if len(parts) == 0 || !parts[len(parts)-1].fits(writes) {
			parts = append(parts, new(part))
		}
		last := parts[len(parts)-1]
		last.writes, last.bytes = append(last.writes, writes...), last.bytes+size(writes)
	}
	for _, g := range groups {
		if new(part).fits(g) {
			add(g)
			continue
		}
		for _, atom := range atoms(g) {
			add(atom)
		}
	}
	return parts
}

// intents is 1 for a group that opens an activity, 0 for others.
func intents(writes []write) int {
	if slices.ContainsFunc(writes, func(w write) bool { return w.opens != "" && w.created }) {
		return 1
	}
	return 0
}

// atoms are the writes, those of one activity together.
func atoms(writes []write) [][]write {
	var all [][]write
	for i := 0; i < len(writes); i++ {
		n := 1
		if w := writes[i]; i+1 < len(writes) && w.opens+w.ends != "" && writes[i+1].opens+writes[i+1].ends == w.opens+w.ends {
			n = 2
		}
		all = append(all, writes[i:i+n])
		i += n - 1
	}
	return all
}

// size is about what the items take in a request.
func size(writes []write) int {
	n := 0
	for _, w := range writes {
		n += 100
		for name, v := range w.item {
			n += len(name) + 3
			if s, ok := v.(*types.AttributeValueMemberS); ok {
				n += len(s.Value)
			} else {
				n += 20
			}
		}
	}
	return n
}

// draft gathers what a commit writes into one scope.
type draft struct {
	scope  store.Scope
	open   map[string]bool // the activities that the table has as open
	now    time.Time
	order  []evaluator.Key
	groups map[evaluator.Key][]write
	rest   []write
}

// group appends to what is said of a target.
func (d *draft) group(k evaluator.Key, writes ...write) {
	if d.groups[k] == nil {
		d.order = append(d.order, k)
	}
	d.groups[k] = append(d.groups[k], writes...)
}

// activities adds the last state of each: what has ended first, so that nothing is open beside it for even a moment.
func (d *draft) activities(all []*store.Activity, open bool) {
	last := map[string]*store.Activity{}
	for _, a := range all {
		last[a.ID] = a
	}
	for _, a := range all {
		if last[a.ID] == a && a.Open() == open {
			d.group(a.Target, d.activity(a)...)
		}
	}
}

func (d *draft) activity(a *store.Activity) []write {
	known := d.open[a.ID]
	history := write{item: activityItem(a), created: !known && a.Open()}
	switch {
	case a.Open():
		history.opens = a.ID
		return []write{history, {item: openItem(a, d.now), created: !known, opens: a.ID}}
	case known:
		history.ends = a.ID
		return []write{history, {item: openItem(a, d.now), ends: a.ID}}
	}
	return []write{history}
}

// parts are the transactions in their order.
func (d *draft) parts() []*part {
	groups := make([][]write, 0, len(d.order)+len(d.rest))
	for _, w := range d.rest {
		groups = append(groups, []write{w})
	}
	for _, k := range d.order {
		groups = append(groups, d.groups[k])
	}
	return pack(groups)
}
