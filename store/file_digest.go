package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc64"

	"go.etcd.io/bbolt"
)

// digest is a fingerprint of all records of a file, whatever their order: how many there are and the sum of their hashes.
// bbolt has a checksum on its meta pages alone, so it takes a flipped byte in a number, a record that is missing from a page,
// or a page of an older commit for what was written; the digest does not.
type digest struct{ count, sum uint64 }

// digestLength is that of a digest in the file.
const digestLength = 16

var crcTable = crc64.MakeTable(crc64.ECMA)

// add counts a record in.
func (d *digest) add(bucket, key, value []byte) {
	d.count++
	d.sum += hashRecord(bucket, key, value)
}

// remove counts a record out.
func (d *digest) remove(bucket, key, value []byte) {
	d.count--
	d.sum -= hashRecord(bucket, key, value)
}

func (d *digest) bytes() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, d.count), d.sum)
}

// hashRecord mixes the checksum of a record, because sums of bare checksums cancel out where their records are alike.
func hashRecord(bucket, key, value []byte) uint64 {
	var lengths [16]byte
	binary.BigEndian.PutUint64(lengths[:], uint64(len(bucket)))
	binary.BigEndian.PutUint64(lengths[8:], uint64(len(key)))
	h := crc64.Update(0, crcTable, lengths[:])
	for _, part := range [][]byte{bucket, key, value} {
		h = crc64.Update(h, crcTable, part)
	}
	h ^= h >> 32
	h *= 0x9E3779B97F4A7C15 // odd, so that nothing is lost
	return h ^ h>>29
}

// computeDigest reads every record of a file but the digest itself.
func computeDigest(tx *bbolt.Tx) (d digest, err error) {
	err = tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
		inMeta := bytes.Equal(name, metaBucket)
		return b.ForEach(func(k, v []byte) error {
			if !inMeta || !bytes.Equal(k, digestKey) {
				d.add(name, k, v)
			}
			return nil
		})
	})
	return d, err
}

// checkDigest compares what the records are with what they were when they were written. A file from before there were
// digests has none, and gets one with its first commit.
func (b *fileBackend) checkDigest(tx *bbolt.Tx) error {
	written := tx.Bucket(metaBucket).Get(digestKey)
	if written == nil {
		return nil
	}
	found, err := computeDigest(tx)
	if err != nil {
		return err
	}
	if !bytes.Equal(written, found.bytes()) {
		return damaged(b.path, fmt.Sprintf("its %d records are not those that were written", found.count), nil)
	}
	return nil
}

// writer is a write transaction that keeps the digest.
type writer struct {
	tx     *bbolt.Tx
	digest digest
}

// newWriter begins with the digest of what is there.
func newWriter(tx *bbolt.Tx) (*writer, error) {
	w := &writer{tx: tx}
	var text []byte
	if meta := tx.Bucket(metaBucket); meta != nil {
		text = meta.Get(digestKey)
	}
	if len(text) == digestLength {
		w.digest = digest{binary.BigEndian.Uint64(text), binary.BigEndian.Uint64(text[8:])}
		return w, nil
	}
	var err error
	w.digest, err = computeDigest(tx)
	return w, err
}

func (w *writer) put(e entry) error {
	b := w.tx.Bucket(e.bucket)
	if old := b.Get(e.key); old != nil {
		w.digest.remove(e.bucket, e.key, old)
	}
	w.digest.add(e.bucket, e.key, e.value)
	return b.Put(e.key, e.value)
}

func (w *writer) delete(bucket, key []byte) error {
	b := w.tx.Bucket(bucket)
	if old := b.Get(key); old != nil {
		w.digest.remove(bucket, key, old)
	}
	return b.Delete(key)
}

// has says that there is a record.
func (w *writer) has(bucket, key []byte) bool { return w.tx.Bucket(bucket).Get(key) != nil }

// finish puts the digest in, as the last write of the transaction.
func (w *writer) finish() error { return w.tx.Bucket(metaBucket).Put(digestKey, w.digest.bytes()) }
