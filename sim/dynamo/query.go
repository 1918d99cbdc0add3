package dynamo

import (
	"slices"
	"strings"

	"ecs-autoscaler/sim/wire"
)

// maxPage is how many bytes of items a Query or a Scan looks at in one call.
const maxPage = 1 << 20

// search is a Query or a Scan.
type search struct {
	*reading
	filter  *node
	count   bool // Select COUNT
	limit   int  // 0: none
	start   *primary
	items   []any
	found   int
	scanned int
	bytes   int
	last    *primary // where the next page goes on
}

// search reads the members that Query and Scan have in common.
func (r *request) search() (*search, *wire.Error) {
	t, err := r.use(r.in)
	if err != nil {
		return nil, err
	}
	rd, err := r.reading(r.in, t)
	if err != nil {
		return nil, err
	}
	s := &search{reading: rd, limit: r.in.Int("Limit", 0), items: []any{}}
	if r.in.Has("Limit") && s.limit < 1 {
		return nil, constraint(s.limit, "limit", "Member must have value greater than or equal to 1")
	}
	if r.in.Has("FilterExpression") {
		if s.filter, err = parseCondition("FilterExpression", r.in.Text("FilterExpression"), rd.bindings); err != nil {
			return nil, err
		}
	}
	if r.in.Has("ExclusiveStartKey") {
		k, err := t.key(r.in, "ExclusiveStartKey")
		if err != nil {
			return nil, validation("The provided starting key is invalid: %s", err.Message)
		}
		s.start = &k
	}
	return s, s.selects(r.in)
}

func (s *search) selects(in *wire.Input) *wire.Error {
	switch wish := in.Text("Select"); {
	case wish == "" || wish == "SPECIFIC_ATTRIBUTES" && s.projection != nil:
	case wish == "SPECIFIC_ATTRIBUTES":
		return validation("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case s.projection != nil:
		return validation("Cannot specify the ProjectionExpression when choosing to get %s", wish)
	case wish == "COUNT":
		s.count = true
	case wish != "ALL_ATTRIBUTES":
		return validation("%s is not possible without an index", wish)
	}
	return nil
}

// take looks at one item. It is false when the page is full before it.
func (s *search) take(r *request, k primary, row *row) bool {
	it := s.table.look(k, row, r.now, s.consistent)
	if it == nil {
		return true
	}
	if s.limit > 0 && s.scanned == s.limit || s.scanned > 0 && s.bytes+it.size() > maxPage {
		return false
	}
	s.bytes, s.scanned, s.last = s.bytes+it.size(), s.scanned+1, &k
	if !s.filter.holds(it) {
		return true
	}
	if s.found++; !s.count {
		s.items = append(s.items, s.shape(it))
	}
	return true
}

// answer is the output; more says that the page ended before the items did. A page that Limit ended has a key to go on
// with even if nothing follows.
func (s *search) answer(r *request, more bool) (map[string]any, *wire.Error) {
	r.reads(s.table, s.bytes, s.consistent)
	output := map[string]any{"Count": s.found, "ScannedCount": s.scanned}
	if !s.count {
		output["Items"] = s.items
	}
	if (more || s.limit > 0 && s.scanned == s.limit) && s.last != nil {
		output["LastEvaluatedKey"] = s.table.item(*s.last).tree()
	}
	return r.withConsumed(output, s.table.name)
}

func query(r *request) (map[string]any, *wire.Error) {
	s, err := r.search()
	if err != nil {
		return nil, err
	}
	if !r.in.Has("KeyConditionExpression") {
		return nil, validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	condition, err := parseCondition("KeyConditionExpression", r.in.Text("KeyConditionExpression"), s.bindings)
	if err != nil {
		return nil, err
	}
	if err := s.bindings.spare(); err != nil {
		return nil, err
	}
	hash, sort, err := s.table.condition(condition)
	if err != nil {
		return nil, err
	}
	if name := s.filter.keyName(s.table.schema); name != "" {
		return nil, validation("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", name)
	}
	if err := s.startsWithin(hash, sort); err != nil {
		return nil, err
	}
	forward := r.in.Bool("ScanIndexForward", true)
	return s.answer(r, s.walk(r, hash, sort, forward))
}

// startsWithin refuses a starting key that the query could not have given.
func (s *search) startsWithin(hash value, sort *node) *wire.Error {
	if s.start == nil {
		return nil
	}
	if !equal(s.start.hash, hash) || sort != nil && !sort.holds(item{s.table.sort.name: s.start.sort}) {
		return validation("The provided starting key is outside query boundaries based on provided conditions")
	}
	return nil
}

// walk goes through a partition; true means that the page was full before the end.
func (s *search) walk(r *request, hash value, sort *node, forward bool) bool {
	p := s.table.partition(hash)
	if p == nil {
		return false
	}
	rows := p.rows
	if s.start != nil {
		at, there := p.find(s.start.sort)
		if forward && there {
			at++
		}
		if rows = rows[:at]; forward {
			rows = p.rows[at:]
		}
	}
	for i := range rows {
		row := rows[i]
		if !forward {
			row = rows[len(rows)-1-i]
		}
		if sort != nil && !sort.holds(item{s.table.sort.name: row.sort}) {
			continue
		}
		if !s.take(r, primary{hash, row.sort}, row) {
			return true
		}
	}
	return false
}

// keyName is a key attribute that a filter mentions, "" if there is none.
func (n *node) keyName(s *schema) string {
	if n == nil {
		return ""
	}
	for _, o := range n.operands {
		if o.op == opSize {
			o = o.args[0]
		}
		if o.op == opPath && s.isKey(o.path[0].name) {
			return o.path[0].name
		}
	}
	for _, c := range n.children {
		if name := c.keyName(s); name != "" {
			return name
		}
	}
	return ""
}

// condition takes a KeyConditionExpression apart: the partition key, and a condition on the sort key or nil.
func (s *schema) condition(n *node) (value, *node, *wire.Error) {
	parts := []*node{n}
	if n.op == "AND" {
		parts = n.children
	}
	var hash *value
	var sort *node
	for _, part := range parts {
		name, err := s.keyCondition(part)
		switch {
		case err != nil:
			return value{}, nil, err
		case name == s.hash.name && hash == nil && part.op == "=":
			hash = &part.operands[1].value
		case name == s.hash.name:
			return value{}, nil, validation("Query key condition not supported")
		case sort != nil:
			return value{}, nil, validation("KeyConditionExpressions must only contain one condition per key")
		default:
			sort = part
		}
	}
	if hash == nil {
		return value{}, nil, validation("Query condition missed key schema element: %s", s.hash.name)
	}
	return *hash, sort, nil
}

// keyCondition checks one condition and names its key attribute.
func (s *schema) keyCondition(n *node) (string, *wire.Error) {
	if !slices.Contains([]string{"=", "<", "<=", ">", ">=", "BETWEEN", opBeginsWith}, n.op) {
		return "", validation("Invalid operator used in KeyConditionExpression: %s", n.op)
	}
	if len(n.operands) == 2 && n.operands[0].op == opValue && n.op != opBeginsWith {
		n.op, n.operands = mirrored(n.op), []operand{n.operands[1], n.operands[0]}
	}
	first := n.operands[0]
	position := -1
	if first.op == opPath && len(first.path) == 1 {
		position = slices.Index(s.keyNames(), first.path[0].name)
	}
	if position < 0 {
		return "", validation("Query condition missed key schema element: %s", s.keyNames()[len(s.keyNames())-1])
	}
	return first.path[0].name, keyOperands(n, s.parts()[position], position)
}

// keyOperands checks what a key attribute is compared with.
func keyOperands(n *node, part keyPart, position int) *wire.Error {
	for _, o := range n.operands[1:] {
		switch {
		case o.op != opValue:
			return validation("Invalid KeyConditionExpression: The operand of a key condition must be a value")
		case o.value.kind != part.kind:
			return parameter("Condition parameter type does not match schema type")
		}
		if err := keySize(part, o.value, position); err != nil && n.op != opBeginsWith {
			return err
		}
	}
	return nil
}

// mirrored is the operator with its sides exchanged.
func mirrored(op string) string {
	return strings.NewReplacer("<", ">", ">", "<").Replace(op)
}

func scan(r *request) (map[string]any, *wire.Error) {
	s, err := r.search()
	if err != nil {
		return nil, err
	}
	if err := s.bindings.spare(); err != nil {
		return nil, err
	}
	segment, segments := r.in.Int("Segment", 0), r.in.Int("TotalSegments", 1)
	switch {
	case r.in.Has("Segment") != r.in.Has("TotalSegments"):
		return nil, validation("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case segments < 1 || segments > 1_000_000:
		return nil, constraint(segments, "totalSegments", "Member must have value from 1 to 1000000")
	case segment < 0 || segment >= segments:
		return nil, validation("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", segment, segments)
	}
	for _, p := range s.partitions(segment, segments) {
		if s.walkAll(r, p) {
			return s.answer(r, true)
		}
	}
	return s.answer(r, false)
}

// partitions are those of a segment, from the starting key on.
func (s *search) partitions(segment, segments int) []*partition {
	all := s.table.ordered
	if s.start != nil {
		id := s.start.hash.canonical()
		at, _ := slices.BinarySearchFunc(all, &partition{place: place(id), key: s.start.hash}, (*partition).compare)
		all = all[at:]
	}
	if segments == 1 {
		return all
	}
	var part []*partition
	for _, p := range all {
		if p.place%uint64(segments) == uint64(segment) {
			part = append(part, p)
		}
	}
	return part
}

func (s *search) walkAll(r *request, p *partition) bool {
	start := s.start
	if start != nil && !equal(start.hash, p.key) {
		s.start = nil
	}
	full := s.walk(r, p.key, nil, true)
	s.start = start
	return full
}
