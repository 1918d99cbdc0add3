package daemon_test

import (
	"errors"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/store"
)

// stateOf are options for the verbs on a state in the world's region.
func (w *world) stateOf(state string) daemon.Options {
	w.t.Helper()
	return daemon.Options{
		Config: parse(w.t, "state: \""+state+"\"\ntargets: [{service: c/web, min_capacity: 1, max_capacity: 2}]\n"),
		AWS:    awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: w.region.Transport()}},
	}
}

func (w *world) export(state string) *store.Dump {
	w.t.Helper()
	d, err := daemon.ExportState(w.t.Context(), w.stateOf(state), true)
	if err != nil {
		w.t.Fatalf("%s: %v", state, err)
	}
	return d
}

func (w *world) text(d *store.Dump) string {
	w.t.Helper()
	text, err := d.Text()
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// throughText is what an import gets of an export.
func (w *world) throughText(d *store.Dump) *store.Dump {
	w.t.Helper()
	again, err := store.ParseDump("state.json", []byte(w.text(d)), time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return again
}

func TestAStateMovesFromATableToAFileAndToAnotherTableAsItIs(t *testing.T) {
	dir := t.TempDir()
	inTime(t, square, func(w *world) {
		w.initState()
		d := w.start(strings.Replace(tracking, memoryState, tableState, 1), nil)
		w.live(d, 70*time.Minute)
		was := w.export("dynamodb:autoscaler")
		if len(was.Memories) != 1 || len(was.Activities) < 2 || len(was.Decisions) < 2 || len(was.ClusterDelays) != 1 {
			t.Fatalf("the daemon has left %s, delays %v", was.Summary(), was.ClusterDelays)
		}
		file := "file:" + filepath.Join(dir, "state.db")
		if _, err := daemon.InitState(w.t.Context(), w.stateOf("dynamodb:other")); err != nil {
			t.Fatal(err)
		}
		for _, state := range []string{file, "dynamodb:other"} {
			if _, err := daemon.ImportState(w.t.Context(), w.stateOf(state), w.throughText(was), daemon.ImportOptions{DryRun: true}); err != nil {
				t.Errorf("%s: a dry run of the import says %v", state, err)
			}
			if _, err := daemon.ImportState(w.t.Context(), w.stateOf(state), w.throughText(was), daemon.ImportOptions{}); err != nil {
				t.Fatalf("%s: %v", state, err)
			}
			if now := w.export(state); w.text(now) != w.text(was) {
				t.Errorf("in %s it is\n%s\nnot\n%s", state, w.text(now), w.text(was))
			}
			if _, err := daemon.ImportState(w.t.Context(), w.stateOf(state), was, daemon.ImportOptions{}); !errors.Is(err, store.ErrNotEmpty) {
				t.Errorf("a second import into %s: %v; want a refusal", state, err)
			}
		}
	})
}

func TestAnExportDisturbsNoDaemonAndAnImportWaitsForThemToStop(t *testing.T) {
	inTime(t, square, func(w *world) {
		w.initState()
		d := w.start(strings.Replace(tracking, memoryState, tableState, 1), nil)
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			time.Sleep(20*time.Minute + 7*time.Second)
			for range 5 {
				w.throughText(w.export("dynamodb:autoscaler"))
				time.Sleep(10 * time.Second)
			}
			_, err := daemon.ImportState(w.t.Context(), w.stateOf("dynamodb:autoscaler"), &store.Dump{}, daemon.ImportOptions{})
			if err == nil || !strings.Contains(err.Error(), "dynamodb:autoscaler: c is under the lease of the daemon ") {
				t.Errorf("an import while a daemon runs: %v; want a refusal", err)
			}
		}()
		w.live(d, 25*time.Minute)
		<-asked
		if n := w.logged("the state could not be written"); n > 0 {
			t.Errorf("the daemon could not write %d times", n)
		}
	})
}

// What was learned without a cluster is what clusters start from; a table has no place for it but theirs.
func TestOldDelaysBecomeThoseOfTheClustersOfATable(t *testing.T) {
	inTime(t, square, func(w *world) {
		w.initState()
		d := w.start(strings.Replace(tracking, memoryState, tableState, 1), nil)
		w.live(d, 10*time.Minute)
		old := w.export("dynamodb:autoscaler")
		old.Delays, old.ClusterDelays = map[string]store.Delay{"AWS/ECS 60": {Seconds: 77, Samples: 9}}, nil
		if _, err := daemon.InitState(w.t.Context(), w.stateOf("dynamodb:other")); err != nil {
			t.Fatal(err)
		}
		if _, err := daemon.ImportState(w.t.Context(), w.stateOf("dynamodb:other"), old, daemon.ImportOptions{}); err != nil {
			t.Fatal(err)
		}
		now := w.export("dynamodb:other")
		if len(now.ClusterDelays) != 1 || now.ClusterDelays[0].Cluster != "c" || now.ClusterDelays[0].Delays["AWS/ECS 60"] != old.Delays["AWS/ECS 60"] {
			t.Errorf("the table has %+v", now.ClusterDelays)
		}
	})
}

// migrated is a state whose file had an earlier format, for want of a second one.
type migrated struct{ store.Backend }

func (migrated) Migration() *store.Migration {
	return &store.Migration{Path: "state.db", From: 1, To: 2, Copy: "state.db.format-1"}
}

func TestTheDaemonSaysThatItHasBroughtTheStateToAnotherFormat(t *testing.T) {
	inTime(t, square, func(w *world) {
		for _, b := range []store.Backend{store.Memory(), migrated{store.Memory()}} {
			w.live(w.start(tracking, b), time.Second)
			told := w.logs.FilterMessageSnippet("the state file was brought to another format").All()
			if _, is := b.(migrated); !is && len(told) == 0 {
				continue
			}
			if len(told) != 1 {
				t.Fatalf("it is told %d times", len(told))
			}
			want := map[string]any{"file": "state.db", "from": int64(1), "to": int64(2), "copy": "state.db.format-1"}
			if got := told[0].ContextMap(); !maps.Equal(got, want) {
				t.Errorf("the line says %v, want %v", got, want)
			}
		}
	})
}
