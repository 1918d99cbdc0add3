package decisionlog

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ecs-autoscaler/evaluator"
)

// kinds are the kinds of a file's lines, in their order.
func kinds(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(content)) {
		object, err := parse([]byte(line))
		if err != nil {
			all = append(all, "torn")
			continue
		}
		all = append(all, object["kind"].(string))
	}
	return strings.Join(all, " ")
}

// in runs a test with a log to a file, in a bubble.
func in(t *testing.T, story func(t *testing.T, l *Log, c *clockwork, path string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "d.jsonl")
		c, o := newClockwork(path)
		l := New(o)
		story(t, l, c, path)
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func expectKinds(t *testing.T, path, want string) {
	t.Helper()
	if got := kinds(t, path); got != want {
		t.Errorf("the file has the lines %s, want %s", got, want)
	}
}

func TestATargetIsDescribedOnceAndTheFileIsPrivate(t *testing.T) {
	in(t, func(t *testing.T, l *Log, c *clockwork, path string) {
		first, second := web("web"), web("api")
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("there is a file before the first decision: %v", err)
		}
		tell(l, first, 0, 90)
		tell(l, first, 1, 90)
		tell(l, second, 1, 90)
		tell(l, web("web"), 2, 90) // an equal target is the same
		o, m, d := look(first, 3, 90)
		l.Evaluated(first, o, m, d) // made anew, so never concluded
		synctest.Wait()
		expectKinds(t, path, "log target decision decision target decision decision")
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file's mode is %v, %v", info.Mode(), err)
		}
		if c.messages() != "" {
			t.Errorf("the log says %s", c.messages())
		}
	})
}

func TestWhatIsWrittenAfterARotationStandsByItself(t *testing.T) {
	for name, rotate := range map[string]func(l *Log, path string) error{
		"moved":             func(_ *Log, path string) error { return os.Rename(path, path+".1") },
		"moved, and told":   func(l *Log, path string) error { err := os.Rename(path, path+".1"); l.Reopen(); return err },
		"removed":           func(_ *Log, path string) error { return os.Remove(path) },
		"replaced":          func(_ *Log, path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) },
		"cut in its place":  func(_ *Log, path string) error { return os.Truncate(path, 0) },
		"cut, while opened": func(l *Log, path string) error { l.Reopen(); return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, l *Log, _ *clockwork, path string) {
				target := web("web")
				tell(l, target, 0, 90)
				synctest.Wait()
				if err := rotate(l, path); err != nil {
					t.Fatal(err)
				}
				tell(l, target, 1, 90)
				synctest.Wait()
				if got := strings.TrimPrefix(kinds(t, path), "log "); got != "log target decision" && got != "target decision" {
					t.Errorf("the file has the lines %s", got)
				}
				content, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if r, err := replayOf(t, string(content)); err != nil || r.Report.Decisions != 1 || r.Report.Different != 0 {
					t.Errorf("it is made anew with %v: %+v", err, r.Report)
				}
			})
		})
	}
}

func TestAReopenedLogIsThereBeforeTheNextDecision(t *testing.T) {
	in(t, func(t *testing.T, l *Log, _ *clockwork, path string) {
		tell(l, web("web"), 0, 90)
		synctest.Wait()
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		l.Reopen()
		synctest.Wait()
		expectKinds(t, path, "log")
		expectKinds(t, path+".1", "log target decision")
	})
}

func TestAHalfWrittenLineIsEndedAndSaid(t *testing.T) {
	in(t, func(t *testing.T, l *Log, _ *clockwork, path string) {
		half := text(t)
		half = half[:len(half)-100]
		if err := os.WriteFile(path, half, 0o600); err != nil {
			t.Fatal(err)
		}
		tell(l, web("web"), 9, 90)
		synctest.Wait()
		expectKinds(t, path, "log target decision target decision decision decision decision torn log target decision")
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := replayOf(t, string(content))
		if err != nil || r.Report.Decisions != 6 || r.Report.Different != 0 || len(r.Report.Torn) != 1 || r.Report.Torn[0].Line != 9 {
			t.Errorf("it is made anew with %v: %+v", err, r.Report)
		}
	})
}

func TestAFileThatCannotBeOpenedIsSaidOnceCountedAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "missing")
		path := filepath.Join(dir, "d.jsonl")
		c, o := newClockwork(path)
		registry := prometheus.NewRegistry()
		o.Registerer = registry
		l := New(o)
		for minute := range 3 {
			tell(l, web("web"), minute, 90)
			synctest.Wait()
		}
		if got := testutil.ToFloat64(l.lost); got != 3 {
			t.Errorf("%v decisions are counted as dropped, want 3", got)
		}
		if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
			t.Errorf("the metrics: %v %v", problems, err)
		}
		if got := c.messages(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "warn: the decision log leaves decisions out: open "+path) {
			t.Errorf("the log says %s", got)
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		tell(l, web("web"), 3, 90)
		synctest.Wait()
		expectKinds(t, path, "log target decision")
		c.move(missesTold)
		tell(l, web("web"), 4, 90)
		synctest.Wait()
		if got := c.messages(); !strings.Contains(got, "info: solved: the decision log is complete again") {
			t.Errorf("the log says %s", got)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// narrow is a stream that takes only so many bytes, or waits.
type narrow struct {
	strings.Builder
	left  atomic.Int64
	block chan struct{}
}

var errNarrow = errors.New("no space left on device")

func (n *narrow) Write(p []byte) (int, error) {
	if n.block != nil {
		<-n.block
	}
	if left := int(n.left.Load()); len(p) > left {
		n.left.Store(0)
		_, _ = n.Builder.Write(p[:left])
		return left, errNarrow
	}
	n.left.Add(-int64(len(p)))
	return n.Builder.Write(p)
}

func TestAFullDiskCostsLinesAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, o := newClockwork("")
		out := &narrow{}
		out.left.Store(4000)
		o.Out = out
		l := New(o)
		for minute := range 4 {
			tell(l, web("web"), minute, 90)
			synctest.Wait()
		}
		out.left.Store(1 << 20)
		for minute := range 4 {
			tell(l, web("web"), minute+4, 90)
			synctest.Wait()
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
		r, err := replayOf(t, out.String())
		lost := int(testutil.ToFloat64(l.lost))
		if err != nil || r.Report.Different != 0 || r.Report.Decisions+lost != 8 || lost < 1 || lost > 3 || len(r.Report.Torn) != 1 {
			t.Errorf("%d lost, and it is made anew with %v: %+v", lost, err, r.Report)
		}
		if got := c.messages(); strings.Count(got, "no space left on device") != 1 {
			t.Errorf("the log says %s", got)
		}
	})
}

func TestAStreamThatIsNotReadKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, o := newClockwork("")
		out := &narrow{block: make(chan struct{})}
		out.left.Store(1 << 40)
		o.Out = out
		l := New(o)
		target := web("web")
		observation, m, d := look(target, 0, 90)
		for range mostWaiting + 1000 {
			l.Evaluated(target, observation, m, d)(evaluator.OutcomeNone)
		}
		ctx, cancel := context.WithTimeout(t.Context(), missesTold)
		defer cancel()
		if err := l.Close(ctx); err == nil || !strings.Contains(err.Error(), "could not be written to its end") {
			t.Errorf("closing a log that nobody reads: %v", err)
		}
		if got := testutil.ToFloat64(l.lost); got < 1 || got > 1000 {
			t.Errorf("%v decisions are counted as dropped", got)
		}
		if got := c.messages(); strings.Count(got, "decisions wait to be written") != 1 {
			t.Errorf("the log says %s", got)
		}
		close(out.block)
		synctest.Wait()
		written := strings.Count(out.String(), `"kind":"decision"`)
		if lost := int(testutil.ToFloat64(l.lost)); written+lost != mostWaiting+1000 {
			t.Errorf("%d lost and %d written", lost, written)
		}
		l.Evaluated(target, observation, m, d)(evaluator.OutcomeNone) // after the end it is nobody's
		l.Reopen()
	})
}

func TestADecisionThatCannotBeWrittenExactlyIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, o := newClockwork(filepath.Join(t.TempDir(), "d.jsonl"))
		l := New(o)
		target := web("web")
		observation, m, d := look(target, 0, 90)
		observation.Service.Reason = "\xff"
		l.Evaluated(target, observation, m, d)(evaluator.OutcomeNone)
		bad := web("\xff")
		l.Evaluated(bad, observation, m, d)(evaluator.OutcomeNone)
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if got := testutil.ToFloat64(l.lost); got != 2 || !strings.Contains(c.messages(), "shop/web: observation.service.reason: this text is not UTF-8") {
			t.Errorf("%v lost: %s", got, c.messages())
		}
	})
}
