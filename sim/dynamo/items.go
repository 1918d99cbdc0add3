package dynamo

import (
	"slices"

	"ecs-autoscaler/sim/wire"
)

// legacy are members from before expressions; the simulated region refuses them rather than ignore them.
var legacy = []string{
	"AttributesToGet", "AttributeUpdates", "ConditionalOperator", "Expected", "KeyConditions", "QueryFilter", "ScanFilter", "IndexName",
}

func modern(in *wire.Input) *wire.Error {
	for _, member := range legacy {
		if in.Has(member) {
			return validation("The simulated region does not know %s; use expressions, on the table itself", member)
		}
	}
	return nil
}

// maxItem is how big an item may be (developer guide, "Quotas").
const maxItem = 400 << 10

// reading is what a request wants of the items that it reads.
type reading struct {
	table      *table
	consistent bool
	projection []path // nil: everything
	bindings   *bindings
}

// reading reads the members that all reads have in common; in is the request or its part for one table.
func (r *request) reading(in *wire.Input, t *table) (*reading, *wire.Error) {
	if err := modern(in); err != nil {
		return nil, err
	}
	b, err := readBindings(in)
	if err != nil {
		return nil, err
	}
	rd := &reading{table: t, consistent: in.Bool("ConsistentRead", false), bindings: b}
	if in.Has("ProjectionExpression") {
		if rd.projection, err = parseProjection(in.Text("ProjectionExpression"), b); err != nil {
			return nil, err
		}
	}
	return rd, in.Err()
}

// parseProjection reads a ProjectionExpression.
func parseProjection(text string, b *bindings) ([]path, *wire.Error) {
	p := newParser("ProjectionExpression", text, b)
	all := []action{{path: p.path()}}
	for p.accept(",") {
		all = append(all, action{path: p.path()})
	}
	p.disjoint(all)
	paths := make([]path, len(all))
	for i := range all {
		paths[i] = all[i].path
	}
	return paths, p.end()
}

// shape is the part of an item that is answered.
func (rd *reading) shape(it item) map[string]any {
	if rd.projection != nil {
		it = project(it, rd.projection)
	}
	return it.tree()
}

// key reads the member Key.
func (t *table) key(in *wire.Input, member string) (primary, *wire.Error) {
	if !in.Has(member) {
		return primary{}, constraint("null", "key", "Member must not be null")
	}
	it, err := readItem(in.Members()[member])
	if err != nil {
		return primary{}, err
	}
	return t.exact(it)
}

func getItem(r *request) (map[string]any, *wire.Error) {
	if err := modern(r.in); err != nil {
		return nil, err
	}
	t, err := r.use(r.in)
	if err != nil {
		return nil, err
	}
	rd, err := r.reading(r.in, t)
	if err != nil {
		return nil, err
	}
	if err := rd.bindings.spare(); err != nil {
		return nil, err
	}
	k, err := t.key(r.in, "Key")
	if err != nil {
		return nil, err
	}
	output := map[string]any{}
	it := t.get(k, r.now, rd.consistent)
	if it != nil {
		output["Item"] = rd.shape(it)
	}
	r.reads(t, it.size(), rd.consistent)
	return r.withConsumed(output, t.name)
}

// The kinds of writes, as TransactWriteItems calls them.
const (
	kindPut    = "Put"
	kindUpdate = "Update"
	kindDelete = "Delete"
	kindCheck  = "ConditionCheck"
)

// write is one write of one item, checked but not done.
type write struct {
	kind      string
	table     *table
	key       primary
	item      item // of a put
	actions   []action
	condition *node
	onFailure string // ReturnValuesOnConditionCheckFailure
	before    item
	after     item
}

// write reads a write from a request, or from an entry of a transaction.
func (r *request) write(kind string, in *wire.Input) (*write, *wire.Error) {
	if err := modern(in); err != nil {
		return nil, err
	}
	w := &write{kind: kind, onFailure: or(in.Text("ReturnValuesOnConditionCheckFailure"), "NONE")}
	if w.onFailure != "NONE" && w.onFailure != "ALL_OLD" {
		return nil, constraint("'"+w.onFailure+"'", "returnValuesOnConditionCheckFailure", "Member must satisfy enum value set: [ALL_OLD, NONE]")
	}
	b, err := readBindings(in)
	if err != nil {
		return nil, err
	}
	if err := w.expressions(in, b); err != nil {
		return nil, err
	}
	if err := b.spare(); err != nil {
		return nil, err
	}
	if w.table, err = r.use(in); err != nil {
		return nil, err
	}
	return w, w.read(in)
}

func (w *write) expressions(in *wire.Input, b *bindings) *wire.Error {
	var err *wire.Error
	if w.kind == kindUpdate && in.Has("UpdateExpression") {
		if w.actions, err = parseUpdate(in.Text("UpdateExpression"), b); err != nil {
			return err
		}
	}
	if in.Has("ConditionExpression") {
		w.condition, err = parseCondition("ConditionExpression", in.Text("ConditionExpression"), b)
	} else if w.kind == kindCheck {
		err = constraint("null", "conditionExpression", "Member must not be null")
	}
	return err
}

// read reads the key, and the item of a put.
func (w *write) read(in *wire.Input) *wire.Error {
	var err *wire.Error
	if w.kind != kindPut {
		w.key, err = w.table.key(in, "Key")
		for i := range w.actions {
			if name := w.actions[i].path[0].name; err == nil && w.table.isKey(name) {
				err = parameter("Cannot update attribute %s. This attribute is part of the key", name)
			}
		}
		return err
	}
	if !in.Has("Item") {
		return constraint("null", "item", "Member must not be null")
	}
	if w.item, err = readItem(in.Members()["Item"]); err != nil {
		return err
	}
	if w.key, err = w.table.primary(w.item); err != nil {
		return err
	}
	if w.item.size() > maxItem {
		return validation("Item size has exceeded the maximum allowed size")
	}
	return nil
}

// prepare works out what the write will do, and fails where it cannot be done.
func (w *write) prepare(r *request) *wire.Error {
	w.before = w.table.get(w.key, r.now, true)
	w.after = w.before
	if !w.condition.holds(w.before) {
		if w.onFailure == "ALL_OLD" {
			return conditionFailed(w.before)
		}
		return conditionFailed(nil)
	}
	switch w.kind {
	case kindPut:
		w.after = w.item
	case kindDelete:
		w.after = nil
	case kindUpdate:
		return w.update()
	}
	return nil
}

// update is prepare for an update. One that only takes away makes no item where none is.
func (w *write) update() *wire.Error {
	takes := func(a action) bool { return a.section == "REMOVE" || a.section == "DELETE" }
	base := w.before
	if base == nil {
		base = w.table.item(w.key)
	}
	after, err := apply(base, w.actions)
	if err != nil {
		return err
	}
	if after.size() > maxItem {
		return validation("Item size to update has exceeded the maximum allowed size")
	}
	if w.before == nil && len(w.actions) > 0 && !slices.ContainsFunc(w.actions, func(a action) bool { return !takes(a) }) {
		return nil
	}
	w.after = after
	return nil
}

// commit does it.
func (w *write) commit(r *request) {
	if w.kind != kindCheck && (w.before != nil || w.after != nil) {
		w.table.put(w.key, w.after, r.now)
	}
}

// bytes is what the write counts for capacity: the larger of the item before and after.
func (w *write) bytes() int { return max(w.before.size(), w.after.size()) }

func putItem(r *request) (map[string]any, *wire.Error) { return r.single(kindPut, "NONE", "ALL_OLD") }

func deleteItem(r *request) (map[string]any, *wire.Error) {
	return r.single(kindDelete, "NONE", "ALL_OLD")
}

func updateItem(r *request) (map[string]any, *wire.Error) {
	return r.single(kindUpdate, "NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")
}

// single is a write of one item that is a request of its own.
func (r *request) single(kind string, returnValues ...string) (map[string]any, *wire.Error) {
	wish := or(r.in.Text("ReturnValues"), "NONE")
	if !slices.Contains(returnValues, wish) {
		return nil, validation("Return values set to invalid value")
	}
	w, err := r.write(kind, r.in)
	if err != nil {
		return nil, err
	}
	if err := r.in.Err(); err != nil {
		return nil, err
	}
	err = w.prepare(r)
	r.writes(w.table, w.bytes(), 1)
	if err != nil {
		return nil, err
	}
	w.commit(r)
	output := map[string]any{}
	if attributes := w.returned(wish); len(attributes) > 0 {
		output["Attributes"] = attributes.tree()
	}
	return r.withConsumed(output, w.table.name)
}

// returned is what ReturnValues asks for.
func (w *write) returned(wish string) item {
	paths := make([]path, len(w.actions))
	for i := range w.actions {
		paths[i] = w.actions[i].path
	}
	switch wish {
	case "ALL_OLD":
		return w.before
	case "ALL_NEW":
		return w.after
	case "UPDATED_OLD":
		return project(w.before, paths)
	case "UPDATED_NEW":
		return project(w.after, paths)
	}
	return nil
}
