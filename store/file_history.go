package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// Activities implements Backend.
func (b *fileBackend) Activities(q Query) ([]Activity, string, error) {
	s, err := q.selection()
	if err != nil {
		return nil, "", err
	}
	return readBucket(b, activitiesBucket, s, s.activity)
}

// Decisions implements Backend.
func (b *fileBackend) Decisions(q Query) ([]DecisionRecord, string, error) {
	if err := decisionsHaveNoStatus(&q); err != nil {
		return nil, "", err
	}
	s, err := q.selection()
	if err != nil {
		return nil, "", err
	}
	return readBucket(b, decisionsBucket, s, s.decision)
}

// readBucket reads one page, newest first.
func readBucket[T any](b *fileBackend, name []byte, s *selection, match func(*T) bool) ([]T, string, error) {
	p := page[T]{limit: s.limit}
	all, oneOf := s.needles(), s.alternatives()
	err := b.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(name).Cursor()
		for k, v := seekBefore(c, s.before); k != nil && bytes.Compare(k, s.from) >= 0; k, v = c.Prev() {
			if !containsAll(v, all) || !containsOneOf(v, oneOf) {
				continue
			}
			var row T
			if err := b.decode(v, &row, fmt.Sprintf("a record of %s", name)); err != nil {
				return err
			}
			if match(&row) && !p.add(k, &row) {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return p.rows, p.next, nil
}

// seekBefore is the newest record before key, or the newest of all.
func seekBefore(c *bbolt.Cursor, key []byte) (k, v []byte) {
	if key == nil {
		return c.Last()
	}
	if k, _ := c.Seek(key); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// needles are texts that every matching record contains, as its JSON is our own. Looking for them
// first spares decoding what a filter drops: six weeks of history may be a million records.
func (s *selection) needles() [][]byte {
	status := s.status
	if s.notScaled {
		status = "" // decisions are not stored with one
	}
	var found [][]byte
	for _, field := range []struct{ name, value string }{
		{"cluster", s.target.Cluster}, {"service", s.target.Service},
		{"StatusCode", string(status)}, {"Reason", string(s.reason)},
	} {
		if field.value != "" {
			found = append(found, needle(field.name, field.value))
		}
	}
	return found
}

// alternatives are texts of which every matching record contains one; none means that any will do.
func (s *selection) alternatives() [][]byte {
	if !s.notScaled {
		return nil
	}
	found := make([][]byte, len(notScaled))
	for i, reason := range notScaled {
		found[i] = needle("Reason", string(reason))
	}
	return found
}

// needle is how a field stands in our own JSON.
func needle(name, value string) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		return nil // A string always has a JSON form.
	}
	return append([]byte(`"`+name+`":`), text...)
}

func containsOneOf(value []byte, needles [][]byte) bool {
	for _, n := range needles {
		if bytes.Contains(value, n) {
			return true
		}
	}
	return len(needles) == 0
}

func containsAll(value []byte, needles [][]byte) bool {
	for _, n := range needles {
		if !bytes.Contains(value, n) {
			return false
		}
	}
	return true
}

// Prune implements Backend: batch after batch, so that commits come in between.
func (b *fileBackend) Prune(before time.Time) (int, error) {
	key, total := historyKey(before, ""), 0
	for _, name := range [][]byte{activitiesBucket, decisionsBucket} {
		for from := []byte(nil); ; {
			n, last, err := b.pruneBatch(name, from, key)
			total += n
			if err != nil {
				return total, err
			}
			if last == nil {
				break
			}
			from = last
		}
	}
	return total, nil
}

// pruneBatch looks at up to pruneBatch records from a key on and removes them, unless they are open
// activities. It returns the key to go on from, nil at the end.
func (b *fileBackend) pruneBatch(name, from, before []byte) (n int, next []byte, err error) {
	var old [][]byte
	err = b.view(func(tx *bbolt.Tx) error {
		open := openKeys(tx)
		c := tx.Bucket(name).Cursor()
		looked := 0
		for k, _ := c.Seek(from); k != nil && bytes.Compare(k, before) < 0; k, _ = c.Next() {
			if looked++; looked > pruneBatch {
				next = bytes.Clone(k)
				return nil
			}
			if !open[string(k)] {
				old = append(old, bytes.Clone(k))
			}
		}
		return nil
	})
	if err != nil || len(old) == 0 {
		return 0, next, err
	}
	return len(old), next, b.update(func(w *writer) error {
		for _, k := range old {
			if err := w.delete(name, k); err != nil {
				return err
			}
		}
		return nil
	})
}

// openKeys are the history keys of the open activities.
func openKeys(tx *bbolt.Tx) map[string]bool {
	open := map[string]bool{}
	c := tx.Bucket(openBucket).Cursor()
	for id, key := c.First(); id != nil; id, key = c.Next() {
		open[string(key)] = true
	}
	return open
}
