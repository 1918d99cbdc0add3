package store

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
)

// Whatever is committed, in whatever order, with restarts and failures in between: a store over
// either backend shows what the simplest model of it says.
func TestStoresBehaveAsTheModelSays(t *testing.T) {
	dir := t.TempDir()
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		path := filepath.Join(dir, fmt.Sprintf("%d.db", runs))
		memory := Memory()
		m := &model{
			current: map[evaluator.Key]bool{}, memories: map[evaluator.Key]*evaluator.Memory{},
			activities: map[string]Activity{}, delays: map[string]Delay{},
			lives: []life{
				{open: func() (Backend, error) { return memory, nil }},
				{open: func() (Backend, error) { return OpenFile(path) }},
			},
		}
		m.begin(t)
		defer m.end(t)
		t.Repeat(map[string]func(*rapid.T){
			"commit":   m.commit,
			"fail":     m.fail,
			"finish":   m.finish,
			"prune":    m.prune,
			"restart":  m.restart,
			"question": m.question,
			"look":     m.look,
		})
		m.restart(t)
		m.look(t)
	})
}

// life is a store with what its next life begins with.
type life struct {
	open  func() (Backend, error)
	wary  *wary
	store *Store
}

// model is a store in a few maps.
type model struct {
	lives      []life
	current    map[evaluator.Key]bool
	memories   map[evaluator.Key]*evaluator.Memory
	activities map[string]Activity
	decisions  []DecisionRecord
	delays     map[string]Delay
	count      int
}

func (m *model) begin(t *rapid.T) {
	for i := range m.lives {
		b, err := m.lives[i].open()
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		m.lives[i].wary = &wary{Backend: b}
		if m.lives[i].store, err = New(m.lives[i].wary); err != nil {
			t.Fatalf("load: %v", err)
		}
	}
}

func (m *model) end(t *rapid.T) {
	for _, l := range m.lives {
		if err := l.store.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
}

var (
	anyKey     = rapid.Map(rapid.IntRange(0, 5), keyOf)
	anyMinutes = rapid.IntRange(-100, 100)
	anyStatus  = rapid.Map(rapid.IntRange(0, 4), evaluatorStatus)
)

// draw makes changes that a pass could want. IDs are never used twice, as the daemon's are not.
func (m *model) draw(t *rapid.T) Changes {
	var c Changes
	for _, k := range rapid.SliceOfN(anyKey, 0, 3).Draw(t, "targets") {
		row := &Target{Key: k}
		if rapid.Bool().Draw(t, "with a memory") {
			m.count++
			row.Memory = memoryOf(m.count)
		}
		c.Targets = append(c.Targets, row)
	}
	c.Removed = rapid.SliceOfN(anyKey, 0, 2).Draw(t, "removed")
	for range rapid.IntRange(0, 3).Draw(t, "activities") {
		m.count++
		a := activityOf(anyMinutes.Draw(t, "start"))
		a.ID = fmt.Sprintf("activity-%04d", m.count)
		c.Activities = append(c.Activities, withStatus(a, anyStatus.Draw(t, "status")))
	}
	for range rapid.IntRange(0, 3).Draw(t, "decisions") {
		m.count++
		d := decisionOf(anyMinutes.Draw(t, "time"))
		d.ID = fmt.Sprintf("decision-%04d", m.count)
		c.Decisions = append(c.Decisions, d)
	}
	if rapid.Bool().Draw(t, "with delays") {
		c.Delays = rapid.MapOf(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.Map(rapid.Float64Range(0, 300), func(s float64) Delay {
			return Delay{Seconds: s}
		})).Draw(t, "delays")
	}
	return c
}

func (m *model) apply(c Changes) {
	for _, row := range c.Targets {
		m.current[row.Key] = true
		if row.Memory != nil {
			m.memories[row.Key] = row.Memory
		}
	}
	for _, k := range c.Removed {
		delete(m.current, k)
	}
	for _, a := range c.Activities {
		m.activities[a.ID] = *a
	}
	for _, d := range c.Decisions {
		m.decisions = append(m.decisions, *d)
	}
	if c.Delays != nil {
		m.delays = c.Delays
	}
}

func (m *model) commit(t *rapid.T) {
	c := m.draw(t)
	m.commitAll(t, c)
}

func (m *model) commitAll(t *rapid.T, c Changes) {
	for _, l := range m.lives {
		if err := l.store.Commit(c); err != nil {
			t.Fatalf("commit: %v", err)
		}
	}
	m.apply(c)
}

// fail commits to a disk that is full.
func (m *model) fail(t *rapid.T) {
	c := m.draw(t)
	c.Decisions = append(c.Decisions, decisionOf(1)) // So that there is something durable in it.
	for _, l := range m.lives {
		l.wary.fail = errDisk
		if err := l.store.Commit(c); !errors.Is(err, errDisk) {
			t.Fatalf("commit to a full disk: %v", err)
		}
		l.wary.fail = nil
	}
}

// finish gives an open activity its next status.
func (m *model) finish(t *rapid.T) {
	open := m.open()
	if len(open) == 0 {
		return
	}
	a := rapid.SampledFrom(open).Draw(t, "activity")
	m.commitAll(t, Changes{Activities: []*Activity{withStatus(&a, anyStatus.Draw(t, "status"))}})
}

func (m *model) prune(t *rapid.T) {
	before := at(anyMinutes.Draw(t, "before"))
	want := len(m.activities) + len(m.decisions)
	maps.DeleteFunc(m.activities, func(_ string, a Activity) bool { return a.StartTime.Before(before) && !a.Open() })
	m.decisions = slices.DeleteFunc(m.decisions, func(d DecisionRecord) bool { return d.Time.Before(before) })
	want -= len(m.activities) + len(m.decisions)
	for _, l := range m.lives {
		if n, err := l.store.Prune(before.Add(Retention)); err != nil || n != want {
			t.Fatalf("pruned %d, error %v; want %d", n, err, want)
		}
	}
}

// restart begins the next life with the same targets, as a daemon with the same configuration does.
func (m *model) restart(t *rapid.T) {
	m.end(t)
	m.begin(t)
	var c Changes
	for k := range m.current {
		c.Targets = append(c.Targets, &Target{Key: k})
	}
	m.commitAll(t, c)
}

// question asks for filtered history.
func (m *model) question(t *rapid.T) {
	q := Query{Service: anyKey.Draw(t, "service").Service, Limit: rapid.IntRange(1, 5).Draw(t, "limit")}
	status := anyStatus.Draw(t, "status")
	from, until := at(anyMinutes.Draw(t, "since")), at(anyMinutes.Draw(t, "until"))
	q.Status, q.Since, q.Until = string(status), from, until
	want := slices.DeleteFunc(m.history(), func(a Activity) bool {
		return a.Target.Service != q.Service || a.Status != status || a.StartTime.Before(from) || !a.StartTime.Before(until)
	})
	for _, l := range m.lives {
		equal(t, fmt.Sprintf("%T asked for %+v", l.wary.Backend, q), want, unnumbered(pages(t, l.store.Activities, q)))
	}
}

// history is what the model has of activities, newest first.
func (m *model) history() []Activity {
	rows := slices.SortedFunc(maps.Values(m.activities), func(a, b Activity) int { return slices.Compare(b.key(), a.key()) })
	return append([]Activity{}, rows...)
}

func (m *model) open() []Activity {
	rows := m.history()
	slices.Reverse(rows)
	return slices.DeleteFunc(rows, func(a Activity) bool { return !a.Open() })
}

// unnumbered are activities without their generations, which the model does not count.
func unnumbered(activities []Activity) []Activity {
	rows := slices.Clone(activities)
	for i := range rows {
		rows[i].Generation = 0
	}
	return rows
}

func (m *model) look(t *rapid.T) {
	size := rapid.IntRange(1, 20).Draw(t, "page size")
	want := view{Memories: map[evaluator.Key]*evaluator.Memory{}, Open: m.open(), Activities: m.history(), Delays: m.delays}
	for k := range m.current {
		want.Memories[k] = m.memories[k]
	}
	want.Decisions = append([]DecisionRecord{}, m.decisions...)
	slices.SortFunc(want.Decisions, func(a, b DecisionRecord) int { return slices.Compare(b.key(), a.key()) })
	var views []view
	for _, l := range m.lives {
		got := observe(t, l.store, size)
		views = append(views, got)
		got.Activities, got.Open = unnumbered(got.Activities), unnumbered(got.Open)
		// Open activities of one instant come in the order of their generations.
		slices.SortFunc(got.Open, func(a, b Activity) int { return slices.Compare(a.key(), b.key()) })
		equal(t, fmt.Sprintf("%T against the model", l.wary.Backend), want, got)
		for k, memory := range m.memories {
			equal(t, fmt.Sprintf("%T remembers of %s", l.wary.Backend, k), memory, l.store.Memory(k))
		}
	}
	equal(t, "memory against file", views[0], views[1])
}

// equal asks cmp only where there is a difference to show: it would take most of the test's time.
func equal(t *rapid.T, what string, want, got any) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("", "", 0)
	f.Add("gAAAAAAAAABh", "scale_in", 3)
	f.Add("===", "hold", -1)
	b := Memory()
	if err := b.Commit(&Durable{Activities: []*Activity{activityOf(1)}}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, cursor, action string, limit int) {
		rows, _, err := b.Activities(Query{Cursor: cursor, Action: action, Limit: limit})
		if err != nil && !errors.Is(err, ErrQuery) {
			t.Errorf("%v; want ErrQuery", err)
		}
		if err != nil && len(rows) != 0 {
			t.Error("rows with an error")
		}
	})
}
