package dynamo

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/sim/wire"
)

// keyPart is an attribute of the primary key.
type keyPart struct{ name, kind string }

// table is a table and its items.
type table struct {
	*schema
	options    *Options
	throughput throughput
	created    time.Time
	gone       time.Time // when DeleteTable is done; zero: it is there to stay
	ttl        timeToLive
	partitions map[string]*partition
	ordered    []*partition // in the order of a Scan: by the hash of the key
	writes     int          // since the last sweep
}

// schema is what CreateTable was given.
type schema struct {
	name        string
	hash        keyPart
	sort        *keyPart // nil: the partition key alone
	onDemand    bool
	read, write int
	class       string
	protected   bool
}

// partition are the items of one partition key.
type partition struct {
	place uint64
	key   value
	rows  []*row // by sort key
}

// row is one primary key with what was written there.
type row struct {
	sort     value
	versions []version // oldest first; those that nobody can see any more are dropped
	expires  time.Time // when time to live takes it; zero: never
}

// version is what a write left: a nil item is a deleted one.
type version struct {
	item    item
	visible time.Time // from when on every read sees it
}

// primary is a primary key.
type primary struct{ hash, sort value }

func (p primary) id() string { return p.hash.kind + p.hash.canonical() + "\x00" + p.sort.canonical() }

// canonical is text that equal values, and only they, have in common.
func (v value) canonical() string {
	if v.kind == typeN {
		return v.num.String()
	}
	return v.text
}

// keyNames are the names of the key attributes.
func (s *schema) keyNames() []string {
	if s.sort == nil {
		return []string{s.hash.name}
	}
	return []string{s.hash.name, s.sort.name}
}

func (s *schema) isKey(name string) bool { return slices.Contains(s.keyNames(), name) }

func (s *schema) parts() []keyPart {
	if s.sort == nil {
		return []keyPart{s.hash}
	}
	return []keyPart{s.hash, *s.sort}
}

// primary takes the key out of a whole item.
func (s *schema) primary(it item) (primary, *wire.Error) {
	for i, part := range s.parts() {
		v, there := it[part.name]
		switch {
		case !there:
			return primary{}, parameter("Missing the key %s in the item", part.name)
		case v.kind != part.kind:
			return primary{}, parameter("Type mismatch for key %s expected: %s actual: %s", part.name, part.kind, v.kind)
		}
		if err := keySize(part, v, i); err != nil {
			return primary{}, err
		}
	}
	return s.pick(it), nil
}

func (s *schema) pick(it item) primary {
	p := primary{hash: it[s.hash.name]}
	if s.sort != nil {
		p.sort = it[s.sort.name]
	}
	return p
}

// item is the item that has nothing but a key.
func (s *schema) item(k primary) item {
	it := item{s.hash.name: k.hash}
	if s.sort != nil {
		it[s.sort.name] = k.sort
	}
	return it
}

// exact takes a key that must be nothing but the key.
func (s *schema) exact(it item) (primary, *wire.Error) {
	parts := s.parts()
	for i, part := range parts {
		v, there := it[part.name]
		if !there || v.kind != part.kind || len(it) != len(parts) {
			return primary{}, validation("The provided key element does not match the schema")
		}
		if err := keySize(part, v, i); err != nil {
			return primary{}, err
		}
	}
	return s.pick(it), nil
}

// keySize applies the limits of key attributes (developer guide, "Quotas").
func keySize(part keyPart, v value, position int) *wire.Error {
	kind := map[string]string{typeS: "string", typeB: "binary"}[v.kind]
	switch {
	case v.kind == typeN:
		return nil
	case v.text == "":
		return validation("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, part.name)
	case position == 0 && len(v.text) > 2048:
		return parameter("Size of hashkey has exceeded the maximum size limit of 2048 bytes")
	case position == 1 && len(v.text) > 1024:
		return parameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// place is where a partition comes in a Scan.
func place(key string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // a hash never fails
	return h.Sum64()
}

func (t *table) partition(hash value) *partition { return t.partitions[hash.canonical()] }

// find is where a sort key is or would be.
func (p *partition) find(sort value) (int, bool) {
	return slices.BinarySearchFunc(p.rows, sort, func(r *row, sort value) int { return compare(r.sort, sort) })
}

func (t *table) row(k primary) *row {
	p := t.partition(k.hash)
	if p == nil {
		return nil
	}
	at, there := p.find(k.sort)
	if !there {
		return nil
	}
	return p.rows[at]
}

// get is the item of a key, nil if there is none. A read that is not consistent may see what was before.
func (t *table) get(k primary, now time.Time, consistent bool) item {
	r := t.row(k)
	if r == nil {
		return nil
	}
	return t.look(k, r, now, consistent)
}

func (t *table) look(k primary, r *row, now time.Time, consistent bool) item {
	t.expire(k, r, now)
	last := len(r.versions) - 1
	if consistent {
		return r.versions[last].item
	}
	for last > 0 && now.Before(r.versions[last].visible) {
		last--
	}
	if now.Before(r.versions[last].visible) {
		return nil
	}
	return r.versions[last].item
}

// put writes an item, or deletes what is there if it is nil.
func (t *table) put(k primary, it item, now time.Time) {
	id := k.hash.canonical()
	p := t.partitions[id]
	if p == nil {
		p = &partition{place: place(id), key: k.hash}
		t.partitions[id] = p
		at, _ := slices.BinarySearchFunc(t.ordered, p, (*partition).compare)
		t.ordered = slices.Insert(t.ordered, at, p)
	}
	at, there := p.find(k.sort)
	if !there {
		p.rows = slices.Insert(p.rows, at, &row{sort: k.sort})
	}
	r := p.rows[at]
	t.expire(k, r, now)
	r.add(it, now, now.Add(t.lag(k, now)))
	r.expires = t.deadline(k, it, now)
	if t.writes++; t.writes > 1000+len(t.ordered) {
		t.sweep(now)
	}
}

func (p *partition) compare(o *partition) int {
	return cmp.Or(cmp.Compare(p.place, o.place), strings.Compare(p.key.canonical(), o.key.canonical()))
}

// lag is how long it takes until every read sees a write.
func (t *table) lag(k primary, now time.Time) time.Duration {
	if t.options.Lag <= 0 {
		return 0
	}
	return time.Duration(t.options.Dice(t.name+"\x00"+k.id(), now)*float64(t.options.Lag)) + 1
}

// add appends a version and forgets those that nobody can see any more.
func (r *row) add(it item, now, visible time.Time) {
	r.versions = append(r.versions, version{it, visible})
	settled := 0
	for i := range r.versions {
		if !now.Before(r.versions[i].visible) {
			settled = i
		}
	}
	r.versions = slices.Delete(r.versions, 0, settled)
}

// dead says whether nobody will ever see anything of a row.
func (r *row) dead(now time.Time) bool {
	last := r.versions[len(r.versions)-1]
	return last.item == nil && !now.Before(last.visible)
}

// sweep forgets the rows that are dead; without it a table whose items come and go would grow for ever.
func (t *table) sweep(now time.Time) {
	t.writes = 0
	t.ordered = slices.DeleteFunc(t.ordered, func(p *partition) bool {
		p.rows = slices.DeleteFunc(p.rows, func(r *row) bool {
			t.expire(primary{p.key, r.sort}, r, now)
			return r.dead(now)
		})
		if len(p.rows) == 0 {
			delete(t.partitions, p.key.canonical())
		}
		return len(p.rows) == 0
	})
}

// measure counts items and their bytes.
func (t *table) measure(now time.Time) (items, bytes int) {
	for _, p := range t.ordered {
		for _, r := range p.rows {
			if it := t.look(primary{p.key, r.sort}, r, now, true); it != nil {
				items, bytes = items+1, bytes+it.size()
			}
		}
	}
	return items, bytes
}

// tableID looks like the UUID that AWS gives a table, of its name and the moment of its making.
func tableID(name string, created time.Time) string {
	h := place(name + created.UTC().Format(time.RFC3339Nano))
	return fmt.Sprintf("%08x-%04x-4000-8000-%012x", uint32(h>>32), uint16(h>>16), h&0xffffffffffff)
}
