package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
)

// exported is the document of a file, with its history.
func exported(t fataler, path string) string {
	t.Helper()
	b, err := OpenReadOnly(path)
	if err != nil {
		t.Fatalf("%v", err)
	}
	d, err := Export(b, true)
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatalf("%v", err)
	}
	text, err := d.Text()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(text)
}

// later is when documents of tests are read.
var later = noon.Add(100 * 24 * time.Hour)

func parsed(t fataler, text string) *Dump {
	t.Helper()
	d, err := ParseDump("state.json", []byte(text), later)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return d
}

func TestAnExportedStateImportsAsItWas(t *testing.T) {
	path, other := newFile(t), newFile(t)
	want := lived(t, path)
	text := exported(t, path)
	if kept, err := ImportFile(other, parsed(t, text), false); err != nil || kept != "" {
		t.Fatalf("kept %q, error %v; want an import that replaces nothing", kept, err)
	}
	if again := exported(t, other); again != text {
		t.Errorf("exported again it is\n%s\nnot\n%s", again, text)
	}
	got, err := reopened(t, other)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Activities) != len(want.Activities) || len(got.Open) != len(want.Open) || len(got.Decisions) != len(want.Decisions) {
		t.Errorf("%d activities, %d open, %d decisions; want %d, %d, %d", len(got.Activities), len(got.Open), len(got.Decisions),
			len(want.Activities), len(want.Open), len(want.Decisions))
	}
}

// drawState makes a state of any shape, with names and texts of any kind.
func drawState(t *rapid.T, s *Store) {
	name := rapid.StringMatching(`[a-zA-Z0-9_.-]{1,8}`)
	for range rapid.IntRange(0, 6).Draw(t, "commits") {
		k := evaluator.Key{Cluster: name.Draw(t, "cluster"), Service: name.Draw(t, "service")}
		if rapid.Bool().Draw(t, "account") {
			k.Account = name.Draw(t, "account name")
		}
		row := targetOf(0, rapid.IntRange(-1, 50).Draw(t, "desired"))
		row.Key = k
		a := withStatus(activityOf(rapid.IntRange(-5, 5).Draw(t, "at")), rapid.SampledFrom(statuses).Draw(t, "status"))
		a.ID, a.Target, a.Cause = rapid.StringN(1, 20, 60).Draw(t, "id"), k, rapid.String().Draw(t, "cause")
		a.StartTime = a.StartTime.Add(time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "ns"))).In(time.FixedZone("", 3600))
		d := decisionOf(rapid.IntRange(-5, 5).Draw(t, "decided"))
		d.Target = k
		scope := Scope{}
		if rapid.Bool().Draw(t, "delays of a cluster") {
			scope = ScopeOf(k)
		}
		err := s.Commit(Changes{Scope: scope, Targets: []*Target{row}, Activities: []*Activity{a}, Decisions: []*DecisionRecord{d},
			Delays: map[string]Delay{name.Draw(t, "delay"): {Seconds: rapid.Float64Range(0, 300).Draw(t, "seconds"), Samples: rapid.IntRange(0, 9).Draw(t, "samples")}}})
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Fatalf("%v", err)
		}
	}
}

func TestExportImportExportIsTheSameToTheByte(t *testing.T) {
	textOf := func(t *rapid.T, b Backend) string {
		d, err := Export(b, true)
		if err != nil {
			t.Fatal(err)
		}
		text, err := d.Text()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	rapid.Check(t, func(t *rapid.T) {
		b, other := Memory(), Memory()
		s, err := New(b)
		if err != nil {
			t.Fatal(err)
		}
		drawState(t, s)
		text := textOf(t, b)
		if err := Import(other, parsed(t, text)); err != nil {
			t.Fatal(err)
		}
		if again := textOf(t, other); again != text {
			t.Fatalf("exported again it is\n%s\nnot\n%s", again, text)
		}
		if err := Import(other, parsed(t, emptyDump)); text != textOf(t, Memory()) && !errors.Is(err, ErrNotEmpty) {
			t.Fatalf("an import over a state: %v; want ErrNotEmpty", err)
		}
	})
}

func TestAnImportKeepsWhatItReplaces(t *testing.T) {
	path := newFile(t)
	lived(t, path)
	before := exported(t, path)
	small := parsed(t, emptyDump)
	_, err := ImportFile(path, small, false)
	wantFileError(t, err, path, "holds a state already", "--force")
	if !errors.Is(err, ErrNotEmpty) || exported(t, path) != before {
		t.Errorf("error %v; want ErrNotEmpty, and the file as it was", err)
	}
	for _, want := range []string{".before-import", ".before-import-2"} {
		kept, err := ImportFile(path, parsed(t, before), true)
		if err != nil || kept != path+want || exported(t, kept) != before {
			t.Errorf("kept as %q, error %v; want the old one at %s", kept, err, path+want)
		}
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 3 {
		t.Errorf("files %v, error %v; want the state and two kept ones", files, err)
	}
}

func TestAnImportThroughALinkReplacesTheFileWhereItIs(t *testing.T) {
	plain := newFile(t)
	if _, err := ImportFile(plain, parsed(t, smallDump), false); err != nil {
		t.Fatal(err)
	}
	imported := exported(t, plain)
	for name, damaged := range map[string]bool{"a state": false, "a damaged one": true} {
		path, link := newFile(t), filepath.Join(t.TempDir(), "link.db")
		lived(t, path)
		if damaged {
			write(t, path, []byte("nothing of ours"))
		}
		before := read(t, path)
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		kept, err := ImportFile(link, parsed(t, smallDump), true)
		if err != nil || kept != path+".before-import" || string(read(t, kept)) != string(before) {
			t.Errorf("%s: kept %q, error %v; want it beside the file", name, kept, err)
		}
		if leads, err := os.Readlink(link); err != nil || leads != path || exported(t, path) != imported {
			t.Errorf("%s: the link leads to %q, error %v; want it as it was, and the import behind it", name, leads, err)
		}
	}
}

func TestAnImportIntoAnEmptyStateKeepsNothing(t *testing.T) {
	path := newFile(t)
	shut(t, openPath(t, path))
	if kept, err := ImportFile(path, parsed(t, emptyDump), false); err != nil || kept != "" {
		t.Errorf("kept %q, error %v", kept, err)
	}
}

func TestAnImportNeverTouchesAFileInUse(t *testing.T) {
	path := newFile(t)
	lived(t, path)
	openPath(t, path)
	before := read(t, path)
	waitForLocks(t, 20*time.Millisecond)
	for _, force := range []bool{false, true} {
		_, err := ImportFile(path, parsed(t, emptyDump), force)
		wantFileError(t, err, path, "is in use by another process", "stop the other one first")
		wantFileError(t, CheckImport(path, force), path, "is in use by another process", "stop the other one first")
	}
	if string(read(t, path)) != string(before) {
		t.Error("the file was changed")
	}
}

func TestAnImportPutsADamagedFileAsideOnlyByForce(t *testing.T) {
	path := newFile(t)
	write(t, path, []byte("nothing of ours"))
	_, err := ImportFile(path, parsed(t, emptyDump), false)
	wantFileError(t, err, path, "is damaged, or is no state file", "move the file away")
	kept, err := ImportFile(path, parsed(t, emptyDump), true)
	if err != nil || string(read(t, kept)) != "nothing of ours" {
		t.Errorf("kept %q, error %v", kept, err)
	}
	remake(t, path)
	_, err = ImportFile(path, parsed(t, emptyDump), true)
	wantFileError(t, err, path, "is a directory", "name a file")
}

func TestAnImportIsNotMadeWithoutADirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gone", "state.db")
	_, err := ImportFile(path, parsed(t, emptyDump), false)
	wantFileError(t, err, path, "has no directory to be in", "create ")
}

const emptyDump = `{"application": "ecs-autoscaler", "version": 1, "sequence": 0, "delays": {}, "memories": [], "open_activities": []}`

// smallDump has one of everything.
const smallDump = `{
  "application": "ecs-autoscaler",
  "version": 1,
  "sequence": 9,
  "delays": {"AWS/ECS 60": {"Seconds": 97.5, "Samples": 12}},
  "cluster_delays": [{"cluster": "shop", "delays": {"AWS/ECS 60": {"Seconds": 90, "Samples": 3}}}],
  "memories": [
    {"Target": {"cluster": "shop", "service": "api"}, "Memory": {"registered": true, "min": 1, "max": 4, "last_desired": 2, "policies": [{"name": "cpu"}]}}
  ],
  "open_activities": [
    {"ActivityId": "a", "Target": {"cluster": "shop", "service": "api"}, "Direction": "scale_out", "From": 1, "To": 2, "StatusCode": "Pending",
     "Reason": "TargetTrackingPolicy", "StartTime": "2026-03-01T12:00:00Z", "Generation": 7}
  ],
  "activities": [],
  "decisions": [
    {"DecisionId": "d-9", "Time": "2026-03-01T12:00:00Z", "Target": {"cluster": "shop", "service": "api"}, "Action": "hold", "Reason": "WithinTarget"}
  ]
}
`

// Clocks differ, and what a decision says of times to come is its own.
func TestTimesUpToADayAheadAreImported(t *testing.T) {
	for _, text := range []string{
		strings.Replace(smallDump, `"StartTime": "2026-03-01`, `"StartTime": "2026-03-02`, 1),
		strings.Replace(smallDump, `"policies": [`, `"shared": {"scale_out_fulfilled": "2026-03-02T12:00:00Z"}, "policies": [`, 1),
		strings.Replace(smallDump, `"Action": "hold"`, `"Decision": {"next": "2036-03-02T12:00:00Z"}, "Action": "hold"`, 1),
	} {
		if _, err := ParseDump("state.json", []byte(text), noon); err != nil || text == smallDump {
			t.Errorf("%v in\n%s", err, text)
		}
	}
}

// What a daemon leaves behind is imported: an open activity with its memory, one whose target has left the configuration and that was
// ended without it, every outcome, and IDs that are not the store's.
func TestWhatADaemonLeavesIsImported(t *testing.T) {
	for _, test := range [][2]string{
		{`"policies": [`, `"activity": {"id": "a", "open": true, "started_at": "2026-03-01T12:00:00Z"}, "policies": [`},
		{`"policies": [`, `"activity": {"id": "b", "open": true, "started_at": "2026-03-01T11:00:00Z"}, "policies": [`},
		{`"policies": [`, `"undo": {"last_desired": 1, "activity": {"id": "b", "open": true, "started_at": "2026-03-01T11:59:00Z"}}, "policies": [`},
		{`"Direction": "scale_out"`, `"Direction": "hold"`},
		{`"Action": "hold"`, `"Decision": {"outcome": "failed:access_denied"}, "Action": "hold"`},
		{`"Action": "hold"`, `"Decision": null, "Action": "hold"`},
		{`"d-9"`, `"D-zz"`}, {`"d-9"`, `"d-ZZ."`}, {`"d-9"`, `"d-"`}, {`"d-9"`, `"d-golden"`},
	} {
		text := strings.Replace(smallDump, test[0], test[1], 1)
		if _, err := ParseDump("state.json", []byte(text), noon); err != nil || text == smallDump {
			t.Errorf("%v in\n%s", err, text)
		}
	}
}

// A table may be written to while it is exported: its history may know more than what was read before.
func TestTheSequenceOfAnExportIsNotBehindItsDecisions(t *testing.T) {
	b := Memory()
	if err := b.Commit(&Durable{Sequence: 3, Decisions: []*DecisionRecord{{ID: "d-b", Time: noon, Target: keyOf(1), Action: evaluator.Hold, Reason: evaluator.WithinTarget}}}); err != nil {
		t.Fatal(err)
	}
	d, err := Export(b, true)
	if err != nil || d.Sequence != 11 {
		t.Errorf("sequence %d, error %v; want 11", d.Sequence, err)
	}
}

// Every mistake is found before anything is written, at its place.
func TestMistakesInAnImportHaveAPlace(t *testing.T) {
	parsed(t, smallDump)
	for _, test := range []struct{ name, old, now, want string }{
		{"no JSON", `"version": 1,`, `"version" 1,`, `state.json:3:12: is no JSON: `},
		{"cut off", "]\n}\n", "", `is no JSON: it ends too early`},
		{"something behind", "]\n}\n", "]\n}\n{}", `state.json:19:1: there is something after the end`},
		{"another document", `"ecs-autoscaler"`, `"terraform"`, `state.json:2:18: application: must be "ecs-autoscaler"`},
		{"a newer one", `"version": 1`, `"version": 2, "future": 1`, `state.json:3:14: version: 2 was written by a newer ecs-autoscaler; this one reads up to 1`},
		{"no version", `"version": 1`, `"version": 0`, `state.json:3:14: version: must be 1 to 1`},
		{"a part missing", `"sequence": 9,`, ``, `state.json:1:1: "sequence" is missing`},
		{"a sequence that leaves no number", `"sequence": 9,`, `"sequence": 18446744073709551615,`, `state.json:4:15: sequence: must be 0 to 4611686018427387904`},
		{"an unknown part", `"activities": []`, `"activitys": []`, `state.json:14:16: activitys: is no part of an exported state`},
		{"a key twice", `"version": 1`, `"version": 1, "version": 1`, `state.json:3:17: the key "version" is there twice`},
		{"a wrong type", `"min": 1`, `"min": "one"`, `state.json:8:93: memories[0].Memory.min: must be a number of type int, not string`},
		{"an unknown key", `"registered": true`, `"registred": true`, `state.json:8:79: memories[0].Memory.registred: is not known here`},
		{"a key in other letters", `"min": 1`, `"Min": 1`, `memories[0].Memory.Min: is not known here`},
		{"crossed bounds", `"min": 1`, `"min": 5`, `state.json:8:5: memories[0]: its bounds are 5 to 4`},
		{"a suspension of a year", `"last_desired": 2`,
			`"last_desired": 2, "steering": [{"steers": "in", "since": "2026-03-01T11:00:00Z", "until": "2027-03-01T11:00:00Z", "reason": "x"}]`, `steering[0] lasts 8760h0m0s`},
		{"a suspension of nothing known", `"last_desired": 2`,
			`"last_desired": 2, "steering": [{"steers": "up", "since": "2026-03-01T11:00:00Z", "until": "2026-03-01T12:00:00Z", "reason": "x"}]`, `"up" is no thing to steer`},
		{"a count below nothing", `"last_desired": 2`, `"last_desired": -2`, `last_desired is -2`},
		{"no memory", `"Memory": {"registered": true, "min": 1, "max": 4, "last_desired": 2, "policies": [{"name": "cpu"}]}`, `"Memory": null`, `state.json:8:5: memories[0]: Memory is missing`},
		{"no service", `{"cluster": "shop", "service": "api"}, "Memory"`, `{"cluster": "shop"}, "Memory"`, `needs the names of a cluster and a service`},
		{"a memory twice", `"memories": [`, `"memories": [{"Target": {"cluster": "shop", "service": "api"}, "Memory": {"policies": []}},`, `memories[1]: shop/api has a memory already`},
		{"an open activity that is over", `"Pending"`, `"Failed"`, `state.json:11:5: open_activities[0]: StatusCode is Failed; an open activity is`},
		{"an unknown status", `"Pending"`, `"Lost"`, `StatusCode is "Lost"; it must be one of`},
		{"a generation beyond the sequence", `"Generation": 7`, `"Generation": 10`, `Generation is 10; it must be 1 to the sequence, which is 9`},
		{"no time", `"StartTime": "2026-03-01T12:00:00Z"`, `"StartTime": "noon"`, `state.json:11:5: open_activities[0]: parsing time "noon"`},
		{"a decision without ID", `"d-9"`, `""`, `state.json:16:5: decisions[0]: `},
		{"a negative delay", `97.5`, `-1`, `state.json:5:28: delays.AWS/ECS 60: needs a name`},
		{"a delay beyond what is learned", `97.5`, `1e308`, `state.json:5:28: delays.AWS/ECS 60: needs a name, 0 to 300 seconds`},
		{"a delay whose name looks like a cluster's", `{"AWS/ECS 60": {"Seconds": 97.5`, `{"\u0000": {"Seconds": 97.5`, `needs a name`},
		{"a cluster's delay that is no number", `"Seconds": 90`, `"Seconds": "90"`, `state.json:6:22: cluster_delays[0]: must be a number`},
		{"a cluster's negative delay", `"Seconds": 90`, `"Seconds": -90`, `state.json:6:67: cluster_delays[0].delays.AWS/ECS 60: needs a name`},
		{"delays of no cluster", `{"cluster": "shop", "delays"`, `{"cluster": "", "delays"`, `state.json:6:22: cluster_delays[0]: `},
		{"delays of a cluster twice", `"cluster_delays": [`, `"cluster_delays": [{"cluster": "shop", "delays": {}},`, `cluster_delays[1]: shop has its delays already`},
		{"an unknown key beside a cluster's delays", `{"cluster": "shop", "delays"`, `{"cluster": "shop", "region": "x", "delays"`, `state.json:6:52: cluster_delays[0].region: is not known`},
		{"a cooldown of years", `"policies": [{"name": "cpu"}]`, `"policies": [{"name": "cpu", "cooldown": {"scale_in_fulfilled": "2036-03-01T12:00:00Z"}}]`,
			`state.json:8:189: memories[0].Memory.policies[0].cooldown.scale_in_fulfilled: 2036-03-01T12:00:00Z has not been yet; `},
		{"a cooldown of the target", `"policies": [`, `"shared": {"scale_out_fulfilled": "2026-03-02T12:00:01Z"}, "policies": [`, `memories[0].Memory.shared.scale_out_fulfilled: 2026-03-02T12:00:01Z has`},
		{"an alarm's future state", `{"name": "cpu"}`, `{"name": "cpu", "alarms": [{"name": "high", "state": "OK", "since": "2027-01-01T00:00:00Z"}]}`, `memories[0].Memory.policies[0].alarms[0].since: 2027`},
		{"a scheduled action dealt with for years", `"policies": [`, `"actions": [{"name": "day", "identity": "x", "handled": "2030-01-01T00:00:00Z"}], "policies": [`, `memories[0].Memory.actions[0].handled: 2030`},
		{"a reversal to come", `"policies": [`, `"flaps": {"direction": "scale_in", "reversals": ["2026-03-01T12:00:00Z", "2026-04-01T12:00:00Z"]}, "policies": [`, `memories[0].Memory.flaps.reversals[1]: 2026-04-01`},
		{"an activity to come", `"StartTime": "2026-03-01T12:00:00Z"`, `"StartTime": "2026-03-02T12:00:01Z"`, `open_activities[0].StartTime: 2026-03-02T12:00:01Z has`},
		{"an end to come", `"StartTime": "2026-03-01T12:00:00Z"`, `"StartTime": "2026-03-01T12:00:00Z", "EndTime": "2026-04-01T12:00:00Z"`, `open_activities[0].EndTime: 2026-04`},
		{"a decision to come", `"DecisionId": "d-9", "Time": "2026`, `"DecisionId": "d-9", "Time": "2029`, `state.json:16:35: decisions[0].Time: 2029`},
		{"an alarm's unknown state", `{"name": "cpu"}`, `{"name": "cpu", "alarms": [{"name": "high", "state": "FOO"}]}`,
			`state.json:8:191: memories[0].Memory.policies[0].alarms[0].state: "FOO" is no state of an alarm; it must be one of OK, ALARM, INSUFFICIENT_DATA`},
		{"an alarm without a state", `{"name": "cpu"}`, `{"name": "cpu", "alarms": [{"name": "high"}]}`, `memories[0]: "" is no state of an alarm`},
		{"a flap to nowhere", `"policies": [`, `"flaps": {"direction": "up"}, "policies": [`, `memories[0].Memory.flaps.direction: "up" is no action`},
		{"an activity to nowhere", `"Direction": "scale_out"`, `"Direction": "up"`, `state.json:11:87: open_activities[0].Direction: "up" is no action; it must be one of hold, scale_out, scale_in`},
		{"an activity without a reason", `"Reason": "TargetTrackingPolicy"`, `"Reason": "XXTargetTrackingPolicy"`, `open_activities[0].Reason: "XXTargetTrackingPolicy" is no reason; it must be one of ActivityInProgress, `},
		{"an activity of an unknown policy", `"Reason": "Tar`, `"PolicyType": "Step", "Reason": "Tar`, `open_activities[0].PolicyType: "Step" is no type of a policy; it must be one of TargetTrackingScaling, StepScaling`},
		{"a decision to dance", `"Action": "hold"`, `"Action": "dance"`, `state.json:16:118: decisions[0].Action: "dance" is no action; it must be one of hold, scale_out, scale_in`},
		{"a decision without a reason", `"Reason": "WithinTarget"`, `"Reason": "XXWithinTarget"`, `decisions[0].Reason: "XXWithinTarget" is no reason`},
		{"no decision", `"Action": "hold"`, `"Decision": [], "Action": "hold"`, `state.json:16:120: decisions[0].Decision: must be an object, not array`},
		{"a decision with a count in words", `"Action": "hold"`, `"Decision": {"desired": "two"}, "Action": "hold"`, `decisions[0].Decision.desired: must be a number of type int, not string`},
		{"an unknown outcome", `"Action": "hold"`, `"Decision": {"outcome": "lost"}, "Action": "hold"`,
			`state.json:16:132: decisions[0].Decision.outcome: "lost" is no outcome; it must be one of none, written, dry_run, rate_limited, not_leader, failed:CLASS`},
		{"a failure of no class", `"Action": "hold"`, `"Decision": {"outcome": "failed:"}, "Action": "hold"`, `decisions[0].Decision.outcome: "failed:" is no outcome`},
		{"an unknown reason of a policy", `"Action": "hold"`, `"Decision": {"policies": [{"name": "cpu", "reason": "XX"}]}, "Action": "hold"`, `decisions[0].Decision.policies[0].reason: "XX" is no reason`},
		{"an unknown state of a decision's alarm", `"Action": "hold"`, `"Decision": {"policies": [{"alarms": [{"state": "OK", "previous_state": "KO"}]}]}, "Action": "hold"`,
			`decisions[0].Decision.policies[0].alarms[0].previous_state: "KO" is no state`},
		{"a sequence behind its decisions", `"d-9"`, `"d-a"`, `state.json:16:20: decisions[0].DecisionId: d-a has the number 10; the sequence, which is 9, must be at least that`},
		{"an activity that is open in the memory alone", `"policies": [`, `"activity": {"id": "b", "open": true, "started_at": "2026-03-01T11:30:00Z"}, "policies": [`,
			`memories[0].Memory.activity.open: is true, but shop/api has no activity "b" in open_activities; add that one, or make this false`},
		{"an activity that is open and never began", `"policies": [`, `"activity": {"open": true}, "policies": [`, `state.json:8:146: memories[0].Memory.activity.open: is true, but`},
		{"no object", smallDump, `[]`, `state.json:1:1: must be an object`},
		{"null", smallDump, `null`, `state.json:1:1: must be an object`},
		{"nothing", smallDump, ``, `state.json:1:1: is no JSON: it ends too early`},
		{"no UTF-8", `"shop"`, "\"\xff\"", `is no JSON in UTF-8`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseDump("state.json", []byte(strings.Replace(smallDump, test.old, test.now, 1)), noon)
			var mistake *DumpError
			if !errors.As(err, &mistake) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v; want %s", err, test.want)
			}
		})
	}
}

func FuzzParseDump(f *testing.F) {
	f.Add([]byte(smallDump))
	f.Add([]byte(emptyDump))
	f.Add([]byte(`{"application": "ecs-autoscaler", "version": 1, "delays": {"": null}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := ParseDump("f", text, later)
		if err != nil {
			if _, ok := errors.AsType[*DumpError](err); !ok {
				t.Errorf("error %v has no place", err)
			}
			return
		}
		first, err := d.Text()
		if err != nil {
			t.Fatal(err)
		}
		b := Memory()
		if err := Import(b, d); err != nil {
			t.Fatalf("what was found right cannot be imported: %v\n%s", err, first)
		}
		found, err := Export(b, true)
		if err != nil {
			t.Fatal(err)
		}
		if kept, err := found.Text(); err != nil || string(kept) != string(first) {
			t.Errorf("it is\n%s\nand exported\n%s", first, kept)
		}
		again, err := ParseDump("f", first, later)
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if second, err := again.Text(); err != nil || string(second) != string(first) {
			t.Errorf("it is\n%s\nand then\n%s", first, second)
		}
	})
}
