package dynamo

import (
	"maps"
	"slices"

	"ecs-autoscaler/sim/wire"
)

// Limits of batches (API BatchWriteItem, BatchGetItem).
const (
	maxBatchWrites = 25
	maxBatchKeys   = 100
	maxBatchBytes  = 16 << 20
)

func batchWriteItem(r *request) (map[string]any, *wire.Error) {
	requests := r.in.Structure("RequestItems")
	all, err := r.batchWrites(requests)
	if err != nil {
		return nil, err
	}
	if len(all) > maxBatchWrites {
		return nil, validation("Too many items requested for the BatchWriteItem call")
	}
	if len(all) == 0 {
		return nil, constraint("{}", "requestItems", "Member must have length greater than or equal to 1")
	}
	if duplicates(all) {
		return nil, validation("Provided list of item keys contains duplicates")
	}
	left := map[string]any{}
	for i, w := range all {
		if r.half && i >= len(all)/2 {
			rest, _ := left[w.given].([]any)
			left[w.given] = append(rest, w.entry)
			continue
		}
		if err := w.prepare(r); err != nil {
			return nil, err
		}
		r.writes(w.table, w.bytes(), 1)
		w.commit(r)
	}
	return r.withAllConsumed(map[string]any{"UnprocessedItems": left})
}

// batchWrite is a write with what it was read from.
type batchWrite struct {
	*write
	given string // the table as the request names it
	entry map[string]any
}

// batchWrites reads the puts and deletes of all tables.
func (r *request) batchWrites(requests *wire.Input) ([]batchWrite, *wire.Error) {
	var all []batchWrite
	for _, name := range slices.Sorted(maps.Keys(requests.Members())) {
		entries := requests.Structures(name)
		if err := requests.Err(); err != nil {
			return nil, err
		}
		for _, entry := range entries {
			w, err := r.batchWrite(name, entry)
			if err != nil {
				return nil, err
			}
			all = append(all, batchWrite{w, name, entry.Members()})
		}
	}
	return all, r.in.Err()
}

func (r *request) batchWrite(table string, entry *wire.Input) (*write, *wire.Error) {
	kind, member := kindPut, "PutRequest"
	if entry.Has("DeleteRequest") {
		kind, member = kindDelete, "DeleteRequest"
	}
	if len(entry.Members()) != 1 || !entry.Has(member) {
		return nil, validation("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	given := maps.Clone(entry.Structure(member).Members())
	if given == nil {
		given = map[string]any{}
	}
	given["TableName"] = table
	return r.write(kind, wire.In(given))
}

// target is the item that a write is for.
func (w *write) target() string { return w.table.name + "\x00" + w.key.id() }

// duplicates says whether two writes are for one item.
func duplicates[W interface{ target() string }](all []W) bool {
	seen := map[string]bool{}
	for _, w := range all {
		id := w.target()
		if seen[id] {
			return true
		}
		seen[id] = true
	}
	return false
}

func batchGetItem(r *request) (map[string]any, *wire.Error) {
	requests := r.in.Structure("RequestItems")
	responses, unprocessed := map[string]any{}, map[string]any{}
	total, bytes := 0, 0
	for _, name := range slices.Sorted(maps.Keys(requests.Members())) {
		part := requests.Structure(name)
		keys := part.Structures("Keys")
		if total += len(keys); total > maxBatchKeys {
			return nil, validation("Too many items requested for the BatchGetItem call")
		}
		g := &batchGet{request: r, bytes: &bytes}
		if err := g.read(name, part, keys); err != nil {
			return nil, err
		}
		responses[name] = g.items
		if g.left != nil {
			rest := maps.Clone(part.Members())
			rest["Keys"] = g.left
			unprocessed[name] = rest
		}
	}
	if total == 0 {
		return nil, constraint("{}", "requestItems", "Member must have length greater than or equal to 1")
	}
	return r.withAllConsumed(map[string]any{"Responses": responses, "UnprocessedKeys": unprocessed})
}

// batchGet reads the items of one table.
type batchGet struct {
	*request
	bytes *int
	items []any
	left  []any
	seen  map[string]bool
}

func (g *batchGet) read(name string, part *wire.Input, keys []*wire.Input) *wire.Error {
	t, err := g.use(wire.In(map[string]any{"TableName": name}))
	if err != nil {
		return err
	}
	rd, err := g.reading(part, t)
	if err != nil {
		return err
	}
	if err := rd.bindings.spare(); err != nil {
		return err
	}
	g.items = []any{}
	g.seen = map[string]bool{}
	for _, key := range keys {
		k, err := t.key(wire.In(map[string]any{"Key": key.Members()}), "Key")
		if err != nil {
			return err
		}
		if g.seen[k.id()] {
			return validation("Provided list of item keys contains duplicates")
		}
		g.seen[k.id()] = true
		g.one(rd, k, key)
	}
	return part.Err()
}

func (g *batchGet) one(rd *reading, k primary, key *wire.Input) {
	it := rd.table.get(k, g.now, rd.consistent)
	if *g.bytes > 0 && *g.bytes+it.size() > maxBatchBytes || g.half && len(g.seen)%2 == 0 {
		g.left = append(g.left, key.Members())
		return
	}
	*g.bytes += it.size()
	g.reads(rd.table, it.size(), rd.consistent)
	if it != nil {
		g.items = append(g.items, rd.shape(it))
	}
}
