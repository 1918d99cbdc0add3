package dynamo

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

var errCut = errors.New("connection reset")

// only strikes one operation.
func only(operation string, fault func(carry func() (reply, error)) (reply, error)) func(string, func() (reply, error)) (reply, error) {
	return func(op string, carry func() (reply, error)) (reply, error) {
		if op != operation {
			return carry()
		}
		return fault(carry)
	}
}

// lost carries the request and loses the answer.
func lost(carry func() (reply, error)) (reply, error) {
	if _, err := carry(); err != nil {
		return reply{}, err
	}
	return reply{}, errCut
}

// dropped does not even carry the request.
func dropped(func() (reply, error)) (reply, error) { return reply{}, errCut }

// intend is what an engine commits before it writes to ECS: a memory, a decision and the intent.
func (s *table) intend(i int) store.Changes {
	return store.Changes{
		Fence: s.fence(), Targets: []*store.Target{memoryOf(i, i)}, Activities: []*store.Activity{intentOf(i)},
		Decisions: []*store.DecisionRecord{decisionOf(i)},
	}
}

// agree checks that the table has what the store believes, and returns the IDs of the open activities and how long the
// two histories are.
func (s *table) agree(t *testing.T, d *store.Store) (open []string, activities, decisions int) {
	t.Helper()
	snapshot := s.load(t)
	if diff := cmp.Diff(d.OpenActivities(), append([]store.Activity{}, snapshot.Open...)); diff != "" {
		t.Errorf("the table has other open activities than the store (-store +table):\n%s", diff)
	}
	for _, r := range snapshot.Memories {
		if diff := cmp.Diff(d.Memory(r.Target), r.Memory); diff != "" {
			t.Errorf("the table remembers something else of %s (-store +table):\n%s", r.Target, diff)
		}
	}
	for _, a := range snapshot.Open {
		open = append(open, a.ID)
	}
	all, _, err := d.Activities(store.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	made, _, err := d.Decisions(store.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return open, len(all), len(made)
}

func TestALostAnswerIsNoSecondCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		d := s.daemon(t)
		first := true
		s.wire.on(only("TransactWriteItems", func(carry func() (reply, error)) (reply, error) {
			if first {
				first = false
				return lost(carry)
			}
			return carry()
		}))
		if err := d.Commit(s.intend(1)); err != nil {
			t.Fatal(err)
		}
		if open, activities, decisions := s.agree(t, d); len(open) != 1 || activities != 1 || decisions != 1 {
			t.Errorf("open %v, %d activities, %d decisions; want one of each", open, activities, decisions)
		}
	})
}

// What the engine does after a commit that failed: it sends nothing, forgets the intent, and at the next pass decides anew
// and commits everything else again.
func TestACommitOfUnknownEndIsTakenBack(t *testing.T) {
	for name, fault := range map[string]func(func() (reply, error)) (reply, error){
		"it took effect": lost, "it never arrived": dropped,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t)
				d := s.daemon(t)
				if err := d.Commit(s.intend(1)); err != nil {
					t.Fatal(err)
				}
				s.wire.on(only("TransactWriteItems", fault))
				c := s.intend(2)
				c.Activities = append(c.Activities, ended(intentOf(1)))
				if err := d.Commit(c); err == nil || errors.Is(err, store.ErrFenced) {
					t.Fatalf("error %v; want one that is not the fence's", err)
				}
				if open := d.OpenActivities(); len(open) != 1 || d.Memory(targetOf(2)) != nil {
					t.Errorf("the store believes %+v; want the first intent alone", open)
				}
				s.wire.on(nil)
				next := s.intend(3) // The new decision has another intent; the memory and the end of the first are repeated.
				next.Targets = append(next.Targets, c.Targets...)
				next.Activities = append(next.Activities, ended(intentOf(1)))
				next.Decisions = append(next.Decisions, decisionOf(2))
				if err := d.Commit(next); err != nil {
					t.Fatal(err)
				}
				open, activities, decisions := s.agree(t, d)
				if diff := cmp.Diff([]string{"activity-0003"}, open); diff != "" || activities != 2 || decisions != 3 {
					t.Errorf("open (-want +got):\n%s%d activities, %d decisions; want 2 and 3", diff, activities, decisions)
				}
			})
		})
	}
}

// A request that a proxy has kept arrives when the next commit is long through: it finds another commit than it expects.
func TestALateTransactionIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		d := s.daemon(t)
		var kept func() (reply, error)
		s.wire.on(only("TransactWriteItems", func(carry func() (reply, error)) (reply, error) {
			kept = carry
			return reply{}, errCut
		}))
		if err := d.Commit(s.intend(1)); err == nil {
			t.Fatal("a commit without an answer succeeds")
		}
		s.wire.on(nil)
		if err := d.Commit(s.intend(2)); err != nil {
			t.Fatal(err)
		}
		if resp, err := kept(); err != nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("the late transaction is answered %v, error %v; want a refusal", resp, err)
		}
		if open, activities, _ := s.agree(t, d); len(open) != 1 || activities != 1 {
			t.Errorf("open %v, %d activities; want the second intent alone", open, activities)
		}
	})
}

// It may also arrive while the next commit looks for it.
func TestALateTransactionIsFoundOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		d := s.daemon(t)
		var kept func() (reply, error)
		s.wire.on(only("TransactWriteItems", func(carry func() (reply, error)) (reply, error) {
			kept = carry
			return reply{}, errCut
		}))
		if err := d.Commit(s.intend(1)); err == nil {
			t.Fatal("a commit without an answer succeeds")
		}
		s.wire.on(func(op string, carry func() (reply, error)) (reply, error) {
			if op == "TransactWriteItems" && kept != nil {
				late := kept
				kept = nil
				if _, err := late(); err != nil {
					t.Error(err)
				}
			}
			return carry()
		})
		c := s.intend(2)
		c.Targets = append(c.Targets, memoryOf(1, 1))
		for d.Commit(c) != nil { // The engine tries again at its next pass.
			time.Sleep(time.Second)
		}
		if open, activities, decisions := s.agree(t, d); len(open) != 1 || open[0] != "activity-0002" || activities != 1 || decisions != 1 {
			t.Errorf("open %v, %d activities, %d decisions; want the second of each alone", open, activities, decisions)
		}
	})
}

func TestWhatIsInDoubtBelongsToTheNextOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		d := s.daemon(t)
		s.wire.on(only("TransactWriteItems", lost))
		if err := d.Commit(s.intend(1)); err == nil {
			t.Fatal("a commit without an answer succeeds")
		}
		s.wire.on(nil)
		old := s.fence()
		s.take(t, "two")
		c := s.intend(2)
		c.Fence = old
		if err := d.Commit(c); !errors.Is(err, store.ErrFenced) {
			t.Errorf("error %v; want ErrFenced", err)
		}
		next := s.daemon(t)
		if open, _, _ := s.agree(t, next); len(open) != 1 || open[0] != "activity-0001" {
			t.Errorf("open %v; want the intent, which is settled by looking at the service", open)
		}
	})
}

func TestThePartsOfAFailedCommitAreTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		d := s.daemon(t)
		n := 0
		s.wire.on(only("TransactWriteItems", func(carry func() (reply, error)) (reply, error) {
			if n++; n > 2 {
				return reply{}, errCut
			}
			return carry()
		}))
		c := store.Changes{Fence: s.fence()}
		for i := range 100 {
			more := s.intend(i)
			c.Targets, c.Activities, c.Decisions = append(c.Targets, more.Targets...), append(c.Activities, more.Activities...), append(c.Decisions, more.Decisions...)
		}
		if err := d.Commit(c); err == nil {
			t.Fatal("a commit whose third transaction fails succeeds")
		}
		if open := s.load(t).Open; len(open) != 48 {
			t.Fatalf("%d intents are in the table; want those of two transactions, 24 targets each", len(open))
		}
		s.wire.on(nil)
		if err := d.Commit(store.Changes{Fence: s.fence(), Targets: c.Targets}); err != nil {
			t.Fatal(err)
		}
		if open, activities, decisions := s.agree(t, d); len(open)+activities+decisions != 0 {
			t.Errorf("open %v, %d activities, %d decisions; want none", open, activities, decisions)
		}
	})
}

// An engine repeats the next state of an open activity until it is committed. Taking a failed commit back must not take
// the activity itself.
func TestAnOpenActivityIsNeverTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		d := s.daemon(t)
		if err := d.Commit(s.intend(1)); err != nil {
			t.Fatal(err)
		}
		s.wire.on(only("TransactWriteItems", lost))
		now := *intentOf(1)
		now.Status = evaluator.InProgress
		if err := d.Commit(store.Changes{Fence: s.fence(), Activities: []*store.Activity{&now}}); err == nil {
			t.Fatal("a commit without an answer succeeds")
		}
		s.wire.on(nil)
		if err := d.Commit(s.intend(2)); err != nil {
			t.Fatal(err)
		}
		if got := s.load(t).Open; len(got) != 2 {
			t.Errorf("open: %+v; want both activities", got)
		}
	})
}

func TestALostAnswerToTakingALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		first := true
		s.wire.on(only("UpdateItem", func(carry func() (reply, error)) (reply, error) {
			if first {
				first = false
				return lost(carry)
			}
			return carry()
		}))
		l, err := s.Take(t.Context(), s.lease, "two")
		if want := (store.Lease{Scope: shop, Owner: "two", Generation: 2}); err != nil || l != want {
			t.Errorf("lease %+v, error %v; want %+v", l, err, want)
		}
		first = true
		if err := s.Release(t.Context(), l); err != nil {
			t.Errorf("releasing: %v", err)
		}
	})
}

func TestNoCallWaitsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		d := s.daemon(t)
		s.wire.silence()
		for name, c := range map[string]struct {
			call func() error
			most time.Duration
		}{
			"Commit":      {func() error { return d.Commit(s.intend(1)) }, 3 * time.Second},
			"Commit anew": {func() error { return d.Commit(s.intend(2)) }, 3 * time.Second},
			"LoadScope":   {func() error { _, err := s.LoadScope(t.Context(), shop); return err }, 10 * time.Second},
			"Scopes":      {func() error { _, err := s.Scopes(); return err }, 10 * time.Second},
			"Activities":  {func() error { _, _, err := s.Activities(store.Query{}); return err }, 10 * time.Second},
			"Take":        {func() error { _, err := s.Take(t.Context(), s.lease, "x"); return err }, 3 * time.Second},
			"Release":     {func() error { return s.Release(t.Context(), s.lease) }, 3 * time.Second},
			"Beat":        {func() error { return s.Beat(t.Context(), store.Member{ID: "x"}) }, 3 * time.Second},
			"Open":        {func() error { _, err := Open(t.Context(), s.options); return err }, 10 * time.Second},
		} {
			begun := time.Now()
			err := c.call()
			if took := time.Since(begun); err == nil || took > c.most {
				t.Errorf("%s took %s, error %v; want an error within %s", name, took, err, c.most)
			}
			if !strings.Contains(err.Error(), "DynamoDB table "+s.options.Table+" did not answer, or not in time") {
				t.Errorf("%s: %v; want the table and that it did not answer", name, err)
			}
		}
		s.wire.on(nil)
	})
}

func TestConflictsAndThrottlingAreTriedAgain(t *testing.T) {
	for _, body := range []string{
		`{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[{"Code":"TransactionConflict"},{"Code":"None"}],"Message":"x"}`,
		`{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[{"Code":"None"},{"Code":"ThrottlingError"}],"Message":"x"}`,
		`{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"x"}`,
		`{"__type":"com.amazonaws.dynamodb.v20120810#TransactionInProgressException","Message":"x"}`,
		`{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"x"}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t)
			d := s.daemon(t)
			n := 0
			s.wire.on(only("TransactWriteItems", func(carry func() (reply, error)) (reply, error) {
				if n++; n <= 3 {
					return answer(body), nil
				}
				return carry()
			}))
			if err := d.Commit(s.intend(1)); err != nil || n != 4 {
				t.Errorf("error %v after %d attempts; want none after 4 (%s)", err, n, body)
			}
		})
	}
}

// DynamoDB puts the items of a transaction in place one after the other. Who takes the lease in between must not believe
// that what is still missing never was.
func TestACommitIsSeenWholeOrNotYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		if err := s.daemon(t).Commit(s.intend(1)); err != nil {
			t.Fatal(err)
		}
		hidden, err := s.get(t.Context(), keyOf(statePartition(shop), openPrefix+intentOf(1).ID))
		if err != nil || len(hidden) == 0 {
			t.Fatalf("the open activity: %v, error %v", hidden, err)
		}
		s.remove(t, hidden)
		go func() {
			time.Sleep(700 * time.Millisecond)
			s.put(t, hidden)
		}()
		if open := s.load(t).Open; len(open) != 1 {
			t.Errorf("open: %+v; want the intent", open)
		}
		s.remove(t, hidden)
		if _, err := s.LoadScope(t.Context(), shop); err == nil || !strings.Contains(err.Error(), "shows the last commit of shop only in part") {
			t.Errorf("error %v; want that the commit is seen only in part", err)
		}
	})
}

// Whoever deletes a damaged item, as its message says, is told how to go on without it, and that works.
func TestAClusterGoesOnWithoutAnItemThatWasDeletedByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		if err := s.daemon(t).Commit(s.intend(1)); err != nil {
			t.Fatal(err)
		}
		memory := keyOf(statePartition(shop), memoryPrefix+targetOf(1).Service)
		s.remove(t, memory)
		_, err := s.LoadScope(t.Context(), shop)
		if want := `removing the attribute CommitTime of the item PK "leases", SK "lease#shop"`; err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("error %v; want %q in it", err, want)
		}
		remove := "REMOVE CommitTime"
		in := &dynamodb.UpdateItemInput{TableName: &s.Table, Key: leaseKey(shop), UpdateExpression: &remove}
		if _, err := s.API.UpdateItem(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		d, begun := s.daemon(t), time.Now()
		if len(d.OpenActivities()) != 1 || d.Memory(targetOf(1)) != nil || time.Since(begun) > 0 {
			t.Errorf("open %+v, memory %v; want the intent without the memory, at once", d.OpenActivities(), d.Memory(targetOf(1)))
		}
		if err := d.Commit(store.Changes{Fence: s.fence(), Targets: []*store.Target{memoryOf(1, 5)}}); err != nil {
			t.Fatal(err)
		}
		s.remove(t, memory) // items of later commits are counted again
		if _, err := s.LoadScope(t.Context(), shop); err == nil {
			t.Error("a commit that is there only in part is taken for whole")
		}
	})
}

// A cluster may rest for weeks after the end of an activity. What marked that end has expired by then.
func TestAScopeAtRestIsLoadedWithoutWhatHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		d := s.daemon(t)
		for _, c := range []store.Changes{s.intend(1), {Fence: s.fence(), Activities: []*store.Activity{ended(intentOf(1))}}} {
			if err := d.Commit(c); err != nil {
				t.Fatal(err)
			}
		}
		mark, err := s.get(t.Context(), keyOf(statePartition(shop), openPrefix+intentOf(1).ID))
		if r := (reader{item: mark}); err != nil || r.number(expiresAt) != noon.Add(24*time.Hour).Unix() {
			t.Fatalf("the ended activity: %v, error %v; want it to expire in a day", mark, err)
		}
		s.remove(t, mark)
		s.options.Now = func() time.Time { return noon.Add(25 * time.Hour) }
		begun := time.Now()
		if got := s.load(t); len(got.Open) != 0 || len(got.Memories) != 1 || time.Since(begun) > 0 {
			t.Errorf("%+v after %s; want the memory alone, at once", got, time.Since(begun))
		}
	})
}
