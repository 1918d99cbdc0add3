package soak

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"time"

	"ecs-autoscaler/sim"
	"ecs-autoscaler/store"
)

// digest is of everything that a daemon does: two runs of a seed must have the same one.
type digest struct {
	h hash.Hash64
	// exact takes in every byte that is made durable, not only how much of it.
	exact bool
	// trace, where it is set, gets a line for each thing.
	trace io.Writer
}

func newDigest(exact bool) *digest { return &digest{h: fnv.New64a(), exact: exact} }

func (d *digest) sum() string { return fmt.Sprintf("%016x", d.h.Sum64()) }

func (d *digest) put(parts ...int64) {
	var b [8]byte
	for _, p := range parts {
		binary.LittleEndian.PutUint64(b[:], uint64(p))
		_, _ = d.h.Write(b[:]) // never fails
	}
}

func (d *digest) text(s string) { _, _ = io.WriteString(d.h, s) }

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// happening shows in the trace what is about to happen.
func (d *digest) happening(name string) {
	if d.trace != nil {
		fmt.Fprintf(d.trace, "%s %s\n", time.Now().Format(time.RFC3339Nano), name)
	}
}

// call takes in a request and what the region did for it.
func (d *digest) call(p *process, s *sim.Seen, err error) {
	d.put(int64(p.number), time.Now().UnixNano(), s.Time.UnixNano(), bit(s.Answered), bit(err == nil), int64(len(s.Measured)))
	d.text(s.Operation)
	d.text(s.Error)
	for i := range s.Writes {
		d.text(s.Writes[i].Service)
		d.put(int64(s.Writes[i].From), int64(s.Writes[i].To))
	}
	if d.exact {
		for i := range s.Measured {
			m := &s.Measured[i]
			d.text(m.Service + m.Metric + m.Status)
			d.put(m.Times...)
		}
	}
	if d.trace != nil {
		fmt.Fprintf(d.trace, "%s %d %s %s %v %v %d %v\n", time.Now().Format(time.RFC3339Nano), p.number, s.Operation, s.Error, s.Answered, err, len(s.Measured), s.Writes)
	}
}

// transaction takes in what was made durable in the table that several daemons share.
func (d *digest) transaction(t *trip) {
	c := t.change
	d.put(int64(t.p.number), time.Now().UnixNano(), int64(c.puts), int64(c.sequence), int64(c.lease.Generation))
	for _, a := range c.activities {
		d.text(a.ID)
		d.text(string(a.Status))
	}
	if d.exact {
		d.put(int64(t.content))
	}
	if d.trace != nil {
		fmt.Fprintf(d.trace, "%s %d commit to %s under %d: %d items, %d activities, -%d, %x\n", time.Now().Format(time.RFC3339Nano), t.p.number,
			c.cluster, c.lease.Generation, c.puts, len(c.activities), len(c.undone), t.content)
	}
}

// commit takes in what was made durable.
func (d *digest) commit(p *process, c *store.Durable) {
	d.put(int64(p.number), time.Now().UnixNano(), int64(len(c.Memories)), int64(len(c.Decisions)), int64(c.Sequence))
	for _, a := range c.Activities {
		d.text(a.ID)
		d.text(string(a.Status))
	}
	if d.trace != nil {
		fmt.Fprintf(d.trace, "%s %d commit %d memories, %d activities, %d decisions\n", time.Now().Format(time.RFC3339Nano), p.number, len(c.Memories), len(c.Activities), len(c.Decisions))
	}
	if !d.exact {
		return
	}
	for _, part := range []any{c.Memories, c.Activities, c.Decisions, c.Delays} {
		text, err := json.Marshal(part)
		if err != nil {
			panic(err)
		}
		_, _ = d.h.Write(text)
		if d.trace != nil {
			fmt.Fprintf(d.trace, "  %s\n", text)
		}
	}
}
