package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"go.etcd.io/bbolt"
)

// historyFill packs the pages of the history: its keys grow with time, so the room that bbolt leaves
// for inserts would stay empty.
const historyFill = 0.9

// fileBackend is a bbolt file (docs/state.md).
type fileBackend struct {
	path string
	db   *bbolt.DB
	file *os.File // the handle inside db
	// known are the formats that this program knows, and onClose, if there is one, comes after closing.
	known   formats
	onClose func()
	// migrated says how opening has found the file; nil where it had the newest format.
	migrated *Migration
	// loaded is what opening read, for the first Load.
	loaded *Snapshot

	mu     sync.Mutex
	closed bool
	broken error // the damage that bbolt panicked on; its locks are in an unknown state since
	// doubtful are new records of commits that failed: what fails last, the sync of the meta page, may leave them in the file.
	doubtful []entry
	// afterCommit makes a commit fail when it has been made, in tests; nil otherwise.
	afterCommit func() error
}

// Load returns everything but the history.
func (b *fileBackend) Load() (*Snapshot, error) {
	b.mu.Lock()
	s := b.loaded
	b.loaded = nil
	b.mu.Unlock()
	if s != nil {
		return s, nil
	}
	return s, b.view(func(tx *bbolt.Tx) (err error) {
		s, err = b.load(tx)
		return err
	})
}

func (b *fileBackend) load(tx *bbolt.Tx) (*Snapshot, error) {
	s := &Snapshot{Delays: map[string]Delay{}, ScopedDelays: map[Scope]map[string]Delay{}}
	if text := tx.Bucket(metaBucket).Get(sequenceKey); text != nil {
		n, err := strconv.ParseUint(string(text), 10, 64)
		if err != nil {
			return nil, damaged(b.path, "its sequence is no number: "+err.Error(), err)
		}
		s.Sequence = n
	}
	return s, errors.Join(
		tx.Bucket(memoriesBucket).ForEach(func(k, v []byte) error { return b.loadMemory(s, k, v) }),
		tx.Bucket(openBucket).ForEach(func(k, v []byte) error { return b.loadOpen(s, k, tx.Bucket(activitiesBucket).Get(v)) }),
		tx.Bucket(delaysBucket).ForEach(func(k, v []byte) error { return b.loadDelay(s, k, v) }),
	)
}

func (b *fileBackend) loadMemory(s *Snapshot, key, value []byte) error {
	var r Remembered
	if err := b.decode(value, &r, fmt.Sprintf("the memory of %q", key)); err != nil {
		return err
	}
	if r.Memory == nil || !bytes.Equal(key, targetKey(r.Target)) {
		return damaged(b.path, fmt.Sprintf("the memory of %q is that of %q", key, r.Target), nil)
	}
	s.Memories = append(s.Memories, r)
	return nil
}

func (b *fileBackend) loadOpen(s *Snapshot, id, value []byte) error {
	if value == nil {
		return damaged(b.path, fmt.Sprintf("the open activity %q is missing", id), nil)
	}
	var a Activity
	if err := b.decode(value, &a, fmt.Sprintf("the open activity %q", id)); err != nil {
		return err
	}
	if a.ID != string(id) {
		return damaged(b.path, fmt.Sprintf("the open activity %q is %q", id, a.ID), nil)
	}
	s.Open = append(s.Open, a)
	return nil
}

func (b *fileBackend) loadDelay(s *Snapshot, key, value []byte) error {
	sc, name, ok := parseDelayKey(key)
	if !ok {
		return damaged(b.path, fmt.Sprintf("the delay of %q belongs to no cluster", key), nil)
	}
	delays := s.Delays
	if sc != (Scope{}) {
		if s.ScopedDelays[sc] == nil {
			s.ScopedDelays[sc] = map[string]Delay{}
		}
		delays = s.ScopedDelays[sc]
	}
	var d Delay
	err := b.decode(value, &d, fmt.Sprintf("the delay of %q", key))
	delays[name] = d
	return err
}

// entry is one write, made ready before the transaction, so that it is short.
type entry struct {
	bucket, key, value []byte
}

// Commit makes d durable in one bbolt transaction.
func (b *fileBackend) Commit(d *Durable) error {
	entries, err := encode(d)
	if err != nil {
		return err
	}
	var added []entry
	err = b.update(func(w *writer) (err error) {
		if err := b.forget(w); err != nil {
			return err
		}
		if d.Delays != nil {
			if err := w.forgetDelays(d.Scope); err != nil {
				return err
			}
		}
		if added, err = w.putAll(entries); err != nil {
			return err
		}
		return closeActivities(w, d.Activities)
	})
	if err == nil && b.afterCommit != nil {
		err = b.afterCommit()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.doubtful = append(b.doubtful, added...)
	} else {
		b.doubtful = nil
	}
	return err
}

// putAll writes the entries and returns the new records among them.
func (w *writer) putAll(entries []entry) (added []entry, err error) {
	w.tx.Bucket(activitiesBucket).FillPercent = historyFill
	w.tx.Bucket(decisionsBucket).FillPercent = historyFill
	for _, e := range entries {
		if e.isRecord() && !w.has(e.bucket, e.key) {
			added = append(added, e)
		}
		if err := w.put(e); err != nil {
			return nil, err
		}
	}
	return added, nil
}

// forget takes out what a commit that failed may have left: nothing that it was the intent for was done, and what is
// still to be remembered comes again.
func (b *fileBackend) forget(w *writer) error {
	b.mu.Lock()
	doubtful := b.doubtful
	b.mu.Unlock()
	for _, e := range doubtful {
		if err := w.delete(e.bucket, e.key); err != nil {
			return err
		}
	}
	return nil
}

// isRecord says that the entry is an activity or a decision, which a failed commit must not leave behind; everything
// else is written again as it then is.
func (e *entry) isRecord() bool {
	return bytes.Equal(e.bucket, activitiesBucket) || bytes.Equal(e.bucket, openBucket) || bytes.Equal(e.bucket, decisionsBucket)
}

func encode(d *Durable) ([]entry, error) {
	entries := []entry{{metaBucket, sequenceKey, strconv.AppendUint(nil, d.Sequence, 10)}}
	var failed error
	put := func(bucket, key []byte, record any) {
		value, err := json.Marshal(record)
		failed = errors.Join(failed, err)
		entries = append(entries, entry{bucket, key, value})
	}
	for i := range d.Memories {
		put(memoriesBucket, targetKey(d.Memories[i].Target), &d.Memories[i])
	}
	for name, delay := range d.Delays {
		put(delaysBucket, delayKey(d.Scope, name), delay)
	}
	for _, r := range d.Decisions {
		put(decisionsBucket, r.key(), r)
	}
	for _, a := range d.Activities {
		put(activitiesBucket, a.key(), a)
		if a.Open() {
			entries = append(entries, entry{openBucket, []byte(a.ID), a.key()})
		}
	}
	return entries, failed
}

// closeActivities takes those out of the open ones that this commit ended; of several states of one
// activity the last one counts.
func closeActivities(w *writer, activities []*Activity) error {
	open := map[string]bool{}
	for _, a := range activities {
		open[a.ID] = a.Open()
	}
	for id, still := range open {
		if still {
			continue
		}
		if err := w.delete(openBucket, []byte(id)); err != nil {
			return err
		}
	}
	return nil
}

// forgetDelays removes the delays of one scope.
func (w *writer) forgetDelays(sc Scope) error {
	var keys [][]byte
	prefix := delayPrefix(sc)
	c := w.tx.Bucket(delaysBucket).Cursor()
	for k, _ := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		if prefix != nil || len(k) > 0 && k[0] != 0 {
			keys = append(keys, bytes.Clone(k))
		}
	}
	for _, k := range keys {
		if err := w.delete(delaysBucket, k); err != nil {
			return err
		}
	}
	return nil
}

// view runs a read transaction.
func (b *fileBackend) view(read func(tx *bbolt.Tx) error) error {
	return b.run(func() error { return b.db.View(read) })
}

// update runs a write transaction, on a file that is still in its place.
func (b *fileBackend) update(write func(w *writer) error) error {
	if err := b.Check(); err != nil {
		return err
	}
	return b.run(func() error {
		return b.db.Update(func(tx *bbolt.Tx) error {
			w, err := newWriter(tx)
			if err != nil {
				return err
			}
			if err := write(w); err != nil {
				return err
			}
			return w.finish()
		})
	})
}

// run guards what uses bbolt and never touches a broken database again.
func (b *fileBackend) run(do func() error) error {
	b.mu.Lock()
	closed, broken := b.closed, b.broken
	b.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if broken != nil {
		return broken
	}
	err := guard(b.path, do)
	if _, panicked := errors.AsType[*panicError](err); panicked {
		b.mu.Lock()
		b.broken = err
		b.mu.Unlock()
	}
	return explain(b.path, err)
}

// Close waits for transactions under way.
func (b *fileBackend) Close() error {
	b.mu.Lock()
	closed, broken := b.closed, b.broken
	b.closed = true
	b.mu.Unlock()
	if closed {
		return nil
	}
	if b.onClose != nil {
		defer b.onClose()
	}
	if broken != nil {
		return b.release()
	}
	return guard(b.path, b.db.Close)
}

// abandon releases a file that turned out unusable while it was opened.
func (b *fileBackend) abandon(why error) {
	if _, panicked := errors.AsType[*panicError](why); panicked || b.db == nil {
		_ = b.release() // Nothing was written, and bbolt may have closed it already.
		return
	}
	b.Close() //nolint:errcheck // Nothing was written, and the caller has a better error.
}

// release lets go of the file without bbolt.
func (b *fileBackend) release() error {
	if b.file == nil {
		return nil
	}
	return errors.Join(unlock(b.file), b.file.Close())
}
