package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
)

// The layout of a bbolt file, in the machine's byte order. A page begins with its number (8 bytes), kind (2), number of
// elements (2) and how many more pages belong to it (4). The first two pages are meta pages: magic, version, page size
// and flags (4 each), root page and its sequence, free list page, number of pages, transaction (8 each) and an FNV-1a
// checksum of all that. A branch element is position, key length (4 each) and child page (8), a leaf element kind,
// position, key length and value length (4 each); positions count from their element.
const (
	pageHeader  = 16
	metaLength  = 64
	element     = 16
	boltMagic   = 0xED0CDAED
	minPageSize = 1 << 10
	maxPageSize = 1 << 24
	noFreelist  = 1<<64 - 1

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	bucketLeaf   = 0x01

	// maxDepth is far beyond any tree of bbolt's, which has at least two children a page.
	maxDepth = 64
)

var order = binary.NativeEndian

// boltMeta is what a meta page says of its file.
type boltMeta struct {
	pageSize                           int64
	root, freelist, pages, transaction uint64
}

// checkPages reads the file through and checks that its pages are there, in range and used once. bbolt trusts what it
// finds: on a garbled page it panics, faults, or runs in a circle, and only the first can be caught.
func checkPages(path string, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	m, found := newestMeta(f, info.Size())
	if !found {
		return damaged(path, "neither of its two meta pages is valid", nil)
	}
	if need := int64(m.pages) * m.pageSize; need > info.Size() {
		return damaged(path, fmt.Sprintf("it has been cut off: %d bytes are there of %d", info.Size(), need), nil)
	}
	w := &pageWalk{file: f, boltMeta: m, seen: make([]bool, m.pages)}
	w.seen[0], w.seen[1] = true, true
	err = w.freelist()
	if err == nil {
		err = w.tree(m.root, 0)
	}
	if err != nil {
		return damaged(path, err.Error(), err)
	}
	return nil
}

// IsFile says that there is a state file at path, or a file of the same kind that another program may need: it is looked at
// and not opened for use. Links are followed; what is no regular file is none. Errors are *fs.PathError.
func IsFile(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	_, found := newestMeta(f, info.Size())
	return found, nil
}

func newestMeta(f io.ReaderAt, size int64) (newest boltMeta, found bool) {
	for offset := int64(0); offset < min(size, maxPageSize+1); offset = max(2*offset, minPageSize) {
		m, ok := readMeta(f, offset)
		if ok && (offset == 0 || offset == m.pageSize) && (!found || m.transaction > newest.transaction) {
			newest, found = m, true
		}
	}
	return newest, found
}

func readMeta(f io.ReaderAt, offset int64) (boltMeta, bool) {
	var page [pageHeader + metaLength]byte
	if _, err := f.ReadAt(page[:], offset); err != nil {
		return boltMeta{}, false
	}
	meta := page[pageHeader:]
	sum := fnv.New64a()
	sum.Write(meta[:metaLength-8])
	if order.Uint32(meta) != boltMagic || order.Uint64(meta[metaLength-8:]) != sum.Sum64() {
		return boltMeta{}, false
	}
	m := boltMeta{
		pageSize: int64(order.Uint32(meta[8:])), root: order.Uint64(meta[16:]), freelist: order.Uint64(meta[32:]),
		pages: order.Uint64(meta[40:]), transaction: order.Uint64(meta[48:]),
	}
	return m, m.pageSize >= minPageSize && m.pageSize <= maxPageSize && m.pages > 2 && m.pages < 1<<40
}

// pageWalk goes through all pages of a file and remembers which it has seen.
type pageWalk struct {
	boltMeta
	file io.ReaderAt
	seen []bool
}

// boltPage is one page with those that belong to it.
type boltPage struct {
	id          uint64
	kind, count uint16
	body        []byte // with the header
}

func (w *pageWalk) read(id uint64) (p boltPage, err error) {
	if id >= w.pages {
		return p, fmt.Errorf("page %d of %d is asked for", id, w.pages)
	}
	body := make([]byte, w.pageSize)
	if _, err := w.file.ReadAt(body, int64(id)*w.pageSize); err != nil {
		return p, err
	}
	p = boltPage{id: id, kind: order.Uint16(body[8:]), count: order.Uint16(body[10:]), body: body}
	more := uint64(order.Uint32(body[12:]))
	if own := order.Uint64(body); own != id || id+more >= w.pages {
		return p, fmt.Errorf("page %d says that it is page %d and %d more", id, own, more)
	}
	for i := id; i <= id+more; i++ {
		if err := w.use(i); err != nil {
			return p, err
		}
	}
	if more > 0 {
		p.body = make([]byte, int64(1+more)*w.pageSize)
		_, err = w.file.ReadAt(p.body, int64(id)*w.pageSize)
	}
	return p, err
}

func (w *pageWalk) use(id uint64) error {
	if id >= w.pages || w.seen[id] {
		return fmt.Errorf("page %d of %d is used twice or is not there", id, w.pages)
	}
	w.seen[id] = true
	return nil
}

// freelist checks that the free pages are free.
func (w *pageWalk) freelist() error {
	if w.boltMeta.freelist == noFreelist {
		return nil
	}
	p, err := w.read(w.boltMeta.freelist)
	if err != nil {
		return err
	}
	ids, n := p.body[pageHeader:], uint64(p.count)
	if p.count == 1<<16-1 { // Too many for the header: the first number is how many.
		ids, n = ids[8:], order.Uint64(ids)
	}
	if p.kind != freelistPage || n > uint64(len(ids)/8) {
		return fmt.Errorf("page %d is no list of free pages", p.id)
	}
	for i := range n {
		if err := w.use(order.Uint64(ids[8*i:])); err != nil {
			return err
		}
	}
	return nil
}

// tree checks the page and all below it.
func (w *pageWalk) tree(id uint64, depth int) error {
	p, err := w.read(id)
	if err != nil {
		return err
	}
	if depth > maxDepth || p.kind != branchPage && p.kind != leafPage || p.kind == branchPage && p.count == 0 {
		return fmt.Errorf("page %d is no part of a tree", id)
	}
	return p.elements(func(value []byte, bucket bool) error {
		switch {
		case p.kind == branchPage:
			return w.tree(order.Uint64(value), depth+1)
		case bucket:
			return w.bucket(p.id, value, depth+1)
		}
		return nil
	})
}

// bucket checks a bucket below a leaf: a root page and a sequence, or with root 0 a small page of its own after them.
func (w *pageWalk) bucket(id uint64, value []byte, depth int) error {
	if len(value) < 16 {
		return fmt.Errorf("page %d has a bucket of %d bytes", id, len(value))
	}
	if root := order.Uint64(value); root != 0 {
		return w.tree(root, depth)
	}
	body := value[16:]
	if len(body) < pageHeader || order.Uint16(body[8:]) != leafPage {
		return fmt.Errorf("page %d has a bucket without content", id)
	}
	inline := boltPage{id: id, kind: leafPage, count: order.Uint16(body[10:]), body: body}
	return inline.elements(func(_ []byte, bucket bool) error {
		if bucket {
			return fmt.Errorf("page %d has a bucket inside a small one", id)
		}
		return nil
	})
}

// elements checks that the elements lie inside the page and that their keys ascend. It hands out the value of a leaf
// element and whether that is a bucket, or the eight bytes of the child page of a branch element.
func (p *boltPage) elements(each func(value []byte, bucket bool) error) error {
	if pageHeader+element*int(p.count) > len(p.body) {
		return fmt.Errorf("page %d has no room for %d elements", p.id, p.count)
	}
	var last []byte
	for i := range int(p.count) {
		e, ok := p.element(p.body[pageHeader+element*i:])
		if !ok || i > 0 && bytes.Compare(last, e.key) >= 0 {
			return fmt.Errorf("page %d has a garbled element", p.id)
		}
		if err := each(e.value, e.bucket); err != nil {
			return err
		}
		last = e.key
	}
	return nil
}

// boltElement is one element of a page.
type boltElement struct {
	key, value []byte
	bucket     bool
}

// element takes an element apart that begins at the given rest of the page; false if it leaves the page.
func (p *boltPage) element(rest []byte) (e boltElement, ok bool) {
	var kind, position, keyLength, valueLength uint64
	if p.kind == branchPage {
		position, keyLength = uint64(order.Uint32(rest)), uint64(order.Uint32(rest[4:]))
		e.value = rest[8:element]
	} else {
		kind, position = uint64(order.Uint32(rest)), uint64(order.Uint32(rest[4:]))
		keyLength, valueLength = uint64(order.Uint32(rest[8:])), uint64(order.Uint32(rest[12:]))
	}
	end := position + keyLength + valueLength
	if position < element || end > uint64(len(rest)) || kind > bucketLeaf {
		return boltElement{}, false
	}
	if p.kind == leafPage {
		e.value = rest[position+keyLength : end]
	}
	e.key, e.bucket = rest[position:position+keyLength], kind == bucketLeaf
	return e, true
}
