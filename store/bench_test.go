package store

import (
	"fmt"
	"runtime"
	"testing"

	"ecs-autoscaler/evaluator"
)

// BenchmarkCommit is one pass in which the memory of that many of 10,000 targets changed.
func BenchmarkCommit(b *testing.B) {
	for _, backend := range []string{"memory", "file"} {
		for _, n := range []int{0, 1, 100, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", backend, n), func(b *testing.B) {
				durable := Memory()
				if backend == "file" {
					durable = openPath(b, newFile(b))
				}
				s := newStore(b, durable)
				commit(b, s, Changes{Targets: targetsOf(10_000)})
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					rows := make([]*Target, n)
					for j := range rows {
						rows[j] = targetOf(j, i)
					}
					commit(b, s, Changes{Targets: rows})
				}
			})
		}
	}
}

// BenchmarkCommitUnchanged hands in 10,000 rows that say nothing new.
func BenchmarkCommitUnchanged(b *testing.B) {
	s := newStore(b, openPath(b, newFile(b)))
	rows := targetsOf(10_000)
	commit(b, s, Changes{Targets: rows})
	b.ReportAllocs()
	for b.Loop() {
		commit(b, s, Changes{Targets: rows})
	}
}

func BenchmarkLatestSet(b *testing.B) {
	var l Latest
	d := decisionInFull(3)
	b.ReportAllocs()
	for b.Loop() {
		l.Set(d)
	}
}

func BenchmarkTargets(b *testing.B) {
	s := newStore(b, Memory())
	commit(b, s, Changes{Targets: targetsOf(10_000)})
	b.ReportAllocs()
	for b.Loop() {
		if len(s.Targets()) != 10_000 {
			b.Fatal("targets are missing")
		}
	}
}

// BenchmarkFilteredHistory looks for the records of one service among 50,000 of three.
func BenchmarkFilteredHistory(b *testing.B) {
	s := newStore(b, openPath(b, newFile(b)))
	var c Changes
	for i := range 50_000 {
		c.Decisions = append(c.Decisions, decisionOf(i))
	}
	c.Decisions[0].Target = evaluator.Key{Cluster: "shop", Service: "rare"}
	commit(b, s, c)
	for b.Loop() {
		if rows, _, err := s.Decisions(Query{Service: "rare"}); err != nil || len(rows) != 1 {
			b.Fatal(len(rows), err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	path := newFile(b)
	s := newStore(b, openPath(b, path))
	commit(b, s, Changes{Targets: targetsOf(10_000)})
	shut(b, s)
	for b.Loop() {
		shut(b, newStore(b, openPath(b, path)))
	}
}

// BenchmarkMemoryOfATarget is what a target with two policies keeps alive: its row in go-memdb, its
// memory and its last decision. The names of services and policies belong to the configuration.
func BenchmarkMemoryOfATarget(b *testing.B) {
	const n = 10_000
	for b.Loop() {
		before := heap()
		s := newStore(b, Memory())
		rows := targetsOf(n)
		commit(b, s, Changes{Targets: rows})
		row := heap()
		d := decisionInFull(3)
		for _, t := range rows {
			t.Latest.Set(d)
		}
		all := heap()
		runtime.KeepAlive(s)
		b.ReportMetric(float64(row-before)/n, "row-and-memory-B/target")
		b.ReportMetric(float64(all-row)/n, "latest-B/target")
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
