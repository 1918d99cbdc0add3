package store

import (
	"fmt"
	"strings"

	"github.com/hashicorp/go-memdb"

	"ecs-autoscaler/evaluator"
)

// The tables of what is current. A memory stands in exactly one place: in the row of its target,
// or in dormant when its target is not current.
const (
	targetsTable = "targets"
	dormantTable = "dormant"
	openTable    = "open"
	delaysTable  = "delays"
)

// idIndex is the one index of each table; go-memdb insists on its name.
const idIndex = "id"

// delayRow is one learned delay under its name, as a scope has learned it.
type delayRow struct {
	scope Scope
	name  string
	delay Delay
}

func schema() *memdb.DBSchema {
	tables := map[string]func(row any) []byte{
		targetsTable: func(row any) []byte { return targetKey(typed[Target](row).Key) },
		dormantTable: func(row any) []byte { return targetKey(typed[Remembered](row).Target) },
		openTable:    func(row any) []byte { return textKey(typed[Activity](row).ID) },
		delaysTable:  func(row any) []byte { return delayRowKey(typed[delayRow](row)) },
	}
	s := &memdb.DBSchema{Tables: map[string]*memdb.TableSchema{}}
	for name, key := range tables {
		s.Tables[name] = &memdb.TableSchema{Name: name, Indexes: map[string]*memdb.IndexSchema{
			idIndex: {Name: idIndex, Unique: true, Indexer: keyIndexer(key)},
		}}
	}
	return s
}

// keyIndexer indexes rows by the bytes it makes of them; go-memdb's own indexers use reflection.
type keyIndexer func(row any) []byte

// FromObject implements memdb.SingleIndexer.
func (key keyIndexer) FromObject(row any) (bool, []byte, error) { return true, key(row), nil }

// FromArgs implements memdb.Indexer. A table is asked by target, by text or by a row of delays.
func (key keyIndexer) FromArgs(args ...any) ([]byte, error) {
	if len(args) == 1 {
		switch arg := args[0].(type) {
		case evaluator.Key:
			return targetKey(arg), nil
		case string:
			return textKey(arg), nil
		case *delayRow:
			return delayRowKey(arg), nil
		}
	}
	return nil, fmt.Errorf("want one target, text or row of delays, got %v", args)
}

// targetKey sorts by account, cluster and then service. No name has a zero byte, and the one at the end keeps a name from
// being the prefix of another, which go-memdb's radix tree cannot index. Keys without account are those of files from
// before there were accounts; with one, the zero byte at the start tells them apart.
func targetKey(k evaluator.Key) []byte {
	key := make([]byte, 0, len(k.Account)+len(k.Cluster)+len(k.Service)+4)
	if k.Account != "" {
		key = append(append(append(key, 0), k.Account...), 0)
	}
	key = append(append(key, k.Cluster...), 0)
	return append(append(key, k.Service...), 0)
}

func textKey(s string) []byte { return append([]byte(s), 0) }

// delayKey is the name of a delay with its scope before it. Delays without a scope are those of files from before there
// were scopes; the zero byte at the start tells the others apart.
func delayKey(sc Scope, name string) []byte { return append(delayPrefix(sc), name...) }

func delayPrefix(sc Scope) []byte {
	if sc == (Scope{}) {
		return nil
	}
	key := append([]byte{0}, sc.Account...)
	key = append(append(key, 0), sc.Cluster...)
	return append(key, 0)
}

func delayRowKey(row *delayRow) []byte { return append(delayKey(row.scope, row.name), 0) }

// parseDelayKey reads what delayKey wrote; false if that was something else.
func parseDelayKey(key []byte) (sc Scope, name string, ok bool) {
	if len(key) == 0 || key[0] != 0 {
		return Scope{}, string(key), true
	}
	part := strings.SplitN(string(key[1:]), "\x00", 3)
	if len(part) != 3 {
		return Scope{}, "", false
	}
	return Scope{Account: part[0], Cluster: part[1]}, part[2], true
}

// typed is a row as the type of its table. Each table holds one type and only this file and its
// callers in Commit put rows in, so another type is a mistake of this package.
func typed[T any](row any) *T {
	t, ok := row.(*T)
	if !ok {
		panic(fmt.Sprintf("store: a row of type %T where there should be a %T", row, t))
	}
	return t
}

// first is the row with that key, nil if there is none.
func first[T any](txn *memdb.Txn, table string, key any) *T {
	row, err := txn.First(table, idIndex, key)
	must(err)
	if row == nil {
		return nil
	}
	return typed[T](row)
}

// all are the rows of a table in the order of their keys.
func all[T any](txn *memdb.Txn, table string) []*T {
	it, err := txn.Get(table, idIndex)
	must(err)
	var rows []*T
	for row := it.Next(); row != nil; row = it.Next() {
		rows = append(rows, typed[T](row))
	}
	return rows
}

func insert(txn *memdb.Txn, table string, row any) { must(txn.Insert(table, row)) }

// remove deletes a row that may or may not be there.
func remove[T any](txn *memdb.Txn, table string, key any) {
	if row := first[T](txn, table, key); row != nil {
		must(txn.Delete(table, row))
	}
}

// must panics because go-memdb fails only when asked for a table or index that its schema does not
// have, or for a write on a read transaction: mistakes of this package, never of its input.
func must(err error) {
	if err != nil {
		panic("store: " + err.Error())
	}
}
