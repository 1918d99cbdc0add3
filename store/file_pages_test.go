package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// Bytes that change in page headers and element tables have made bbolt panic, fault, run in circles
// and look for memory that no machine has. Whatever they are here, there is an answer.
func TestGarbledBytesNeitherPanicNorHang(t *testing.T) {
	path := newFile(t)
	lived(t, path)
	whole := read(t, path)
	random := rand.New(rand.NewPCG(1, 2))
	broken := newFile(t)
	for range 400 {
		garbled := bytes.Clone(whole)
		for range 1 + random.IntN(4) {
			page, place := random.IntN(len(whole)/os.Getpagesize()), random.IntN(64)
			garbled[page*os.Getpagesize()+place] = byte(random.Uint32())
		}
		write(t, broken, garbled)
		exercise(t, broken)
	}
}

// Whatever bbolt has made of a file by inserts, deletions, big values, big free lists and buckets that
// grow out of their parents, its pages are in order.
func TestEveryFileOfBboltIsInOrder(t *testing.T) {
	dir, runs := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		path := filepath.Join(dir, fmt.Sprint(runs))
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true, PageSize: 1 << rapid.IntRange(10, 14).Draw(t, "page size")})
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 5).Draw(t, "transactions") {
			err = errors.Join(err, db.Update(func(tx *bbolt.Tx) error { return churn(t, tx) }))
		}
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(checkPages(path, f), f.Close()); err != nil {
			t.Fatal(err)
		}
	})
}

// churn puts and deletes records of all sizes.
func churn(t *rapid.T, tx *bbolt.Tx) error {
	for range rapid.IntRange(0, 5).Draw(t, "writes") {
		b, err := tx.CreateBucketIfNotExists([]byte{'b', byte('0' + rapid.IntRange(0, 3).Draw(t, "bucket"))})
		if err != nil {
			return err
		}
		from, size := rapid.IntRange(0, 500).Draw(t, "from"), rapid.SampledFrom([]int{0, 1, 100, 5000, 70_000}).Draw(t, "size")
		for i := from; i < from+rapid.IntRange(0, 100).Draw(t, "records"); i++ {
			key := fmt.Appendf(nil, "%05d", i)
			if rapid.Bool().Draw(t, "delete") {
				err = errors.Join(err, b.Delete(key))
			} else {
				err = errors.Join(err, b.Put(key, make([]byte, size)))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// livePages finds the list of free pages and one branch page that is not free.
func livePages(t *testing.T, content []byte) (free, branch []byte) {
	t.Helper()
	m, found := newestMeta(bytes.NewReader(content), int64(len(content)))
	if !found {
		t.Fatal("no meta page")
	}
	page := func(id uint64) []byte { return content[int64(id)*m.pageSize:] }
	free = page(m.freelist)
	isFree := map[uint64]bool{}
	for i := range int(order.Uint16(free[10:])) {
		isFree[order.Uint64(free[pageHeader+8*i:])] = true
	}
	for id := uint64(2); id < m.pages; id++ {
		if p := page(id); !isFree[id] && order.Uint64(p) == id && order.Uint16(p[8:]) == branchPage {
			return free, p
		}
	}
	t.Fatal("no branch page")
	return nil, nil
}

// The kinds of damage one by one, so that each is named.
func TestPagesOutOfOrderAreNamed(t *testing.T) {
	path := newFile(t)
	lived(t, path)
	whole := read(t, path)
	for _, test := range []struct {
		name  string
		spoil func(branch, free []byte)
		want  string
	}{
		{"a page under another number", func(branch, _ []byte) { order.PutUint64(branch, 99) }, "says that it is page 99"},
		{"endless followers", func(branch, _ []byte) { order.PutUint32(branch[12:], 1<<31) }, "and 2147483648 more"},
		{"no kind", func(branch, _ []byte) { order.PutUint16(branch[8:], 7) }, "is no part of a tree"},
		{"no children", func(branch, _ []byte) { order.PutUint16(branch[10:], 0) }, "is no part of a tree"},
		{"too many elements", func(branch, _ []byte) { order.PutUint16(branch[10:], 60_000) }, "has no room for 60000 elements"},
		{"a circle", func(branch, _ []byte) { copy(branch[pageHeader+8:], branch[:8]) }, "is used twice"},
		{"a child beyond the end", func(branch, _ []byte) { order.PutUint64(branch[pageHeader+8:], 1<<40) }, "is asked for"},
		{"a key outside its page", func(branch, _ []byte) { order.PutUint32(branch[pageHeader:], 1<<30) }, "has a garbled element"},
		{"keys that do not ascend", func(branch, _ []byte) {
			branch[pageHeader+order.Uint32(branch[pageHeader:])] = 0xff
		}, "has a garbled element"},
		{"a free page that is in use", func(branch, free []byte) { copy(free[pageHeader:], branch[:8]) }, "is used twice"},
		{"a page that is free twice", func(_, free []byte) { copy(free[pageHeader:], free[pageHeader+8:pageHeader+16]) }, "is used twice"},
		{"more free pages than fit", func(_, free []byte) { order.PutUint16(free[10:], 60_000) }, "is no list of free pages"},
		{"countless free pages", func(_, free []byte) {
			order.PutUint16(free[10:], 1<<16-1)
			order.PutUint64(free[pageHeader:], 1<<20)
		}, "is no list of free pages"},
		{"a free list of another kind", func(_, free []byte) { order.PutUint16(free[8:], leafPage) }, "is no list of free pages"},
	} {
		t.Run(test.name, func(t *testing.T) {
			content, path := bytes.Clone(whole), newFile(t)
			free, branch := livePages(t, content)
			test.spoil(branch, free)
			write(t, path, content)
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer shut(t, f)
			wantFileError(t, checkPages(path, f), path, test.want, "restore a backup")
			if b, err := OpenFile(path); err == nil {
				shut(t, b)
				t.Error("it can be opened")
			}
		})
	}
}

func BenchmarkCheckPages(b *testing.B) {
	path := newFile(b)
	s := newStore(b, openPath(b, path))
	for i := range 40 {
		var c Changes
		for j := range 1000 {
			d := decisionOf(1000*i + j)
			d.JSON = fmt.Appendf(nil, `{"message":%q}`, strings.Repeat("x", 1500))
			c.Decisions = append(c.Decisions, d)
		}
		commit(b, s, c)
	}
	shut(b, s)
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer shut(b, f)
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	for b.Loop() {
		if err := checkPages(path, f); err != nil {
			b.Fatal(err)
		}
	}
}
