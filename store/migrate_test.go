package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"ecs-autoscaler/evaluator"
)

var update = flag.Bool("update", false, "write the golden exports anew")

// golden is a state file as the first release writes it. It is never made anew: every later version must open it.
const golden = "testdata/format-1.db"

// The file of every earlier format opens, and says what it said when it was written. A version with a new format adds the file of the
// one before to testdata.
func TestEveryFormatThatEverWasOpens(t *testing.T) {
	files, err := filepath.Glob("testdata/format-*.db")
	if err != nil || len(files) != released.newest {
		t.Fatalf("files %v, error %v; want one of each format up to %d", files, err, released.newest)
	}
	for _, file := range files {
		path := newFile(t)
		write(t, path, read(t, file))
		shut(t, openPath(t, path))
		got, want := exported(t, path), strings.TrimSuffix(file, ".db")+".json"
		if *update {
			write(t, want, []byte(got))
		}
		if got != string(read(t, want)) {
			t.Errorf("%s opens as\n%s\nnot as %s says", file, got, want)
		}
	}
}

// goldenState has one of everything that the file can hold.
func goldenState(t *testing.T, path string) {
	s := newStore(t, openPath(t, path))
	full := targetOf(1, 4)
	full.Key = evaluator.Key{Cluster: "flaskapp", Service: "flaskapp"}
	m := full.Memory
	m.SwitchedOff, m.Shared = true, evaluator.Cooldown{ScaleInFulfilled: noon}
	m.Undo = &evaluator.Undo{LastDesired: 1, Cooldowns: []evaluator.Cooldown{{}, {}}}
	other := targetOf(2, 1)
	other.Key = evaluator.Key{Account: "west", Cluster: "shop", Service: "api"}
	decided := decisionOf(2)
	decided.ID = "d-golden"
	commit(t, s, Changes{
		Targets: []*Target{full, other}, Delays: map[string]Delay{"AWS/ECS 60": {Seconds: 97.5, Samples: 12}},
		Activities: []*Activity{activityOf(1), withStatus(activityOf(2), evaluator.Successful)}, Decisions: []*DecisionRecord{decided},
	})
	shut(t, s)
}

func TestTheGoldenFileIsThere(t *testing.T) {
	if _, err := os.Stat(golden); err != nil {
		goldenState(t, golden)
		t.Fatalf("%s was missing and has been written: it is part of the tree", golden)
	}
}

// next is a later format in which memories are written in capitals, for want of a real one.
func next(step func(tx *bbolt.Tx) error) formats {
	return formats{newest: 3, steps: map[int]func(tx *bbolt.Tx) error{
		1: func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket([]byte("overrides"))
			return err
		},
		2: step,
	}}
}

// doubled is a step that changes every delay.
func doubled(tx *bbolt.Tx) error {
	b := tx.Bucket(delaysBucket)
	var failed error
	err := b.ForEach(func(k, v []byte) error {
		var d Delay
		err := json.Unmarshal(v, &d)
		d.Seconds *= 2
		text, err2 := json.Marshal(d)
		failed = errors.Join(failed, err2)
		return errors.Join(err, b.Put(bytes.Clone(k), text))
	})
	return errors.Join(failed, err)
}

func TestAnEarlierFormatIsMigratedOnceAndKept(t *testing.T) {
	path := newFile(t)
	write(t, path, read(t, golden))
	runs := 0
	known := next(func(tx *bbolt.Tx) error {
		runs++
		return doubled(tx)
	})
	for _, want := range []*Migration{{Path: path, From: 1, To: 3, Copy: path + ".format-1"}, nil} {
		b, err := openFormat(path, known)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, MigrationOf(b)); diff != "" {
			t.Errorf("what it says of the migration (-want +got):\n%s", diff)
		}
		s, err := b.Load()
		if err != nil || s.Delays["AWS/ECS 60"].Seconds != 195 || len(s.Memories) != 2 || len(s.Open) != 1 {
			t.Errorf("%+v, error %v; want everything, and the delay doubled", s, err)
		}
		if err := b.Commit(&Durable{Sequence: 9}); err != nil {
			t.Error(err)
		}
		shut(t, b)
	}
	if runs != 1 {
		t.Errorf("it was migrated %d times", runs)
	}
	if !bytes.Equal(read(t, path+".format-1"), read(t, golden)) {
		t.Error("the copy beside is not what there was")
	}
	_, err := OpenFile(path)
	wantFileError(t, err, path, "was written by a newer ecs-autoscaler (format 3; this one knows up to 1)", "run that version")
}

func TestAMigrationThatFailsLeavesTheFileAsItWas(t *testing.T) {
	path := newFile(t)
	write(t, path, read(t, golden))
	_, err := openFormat(path, next(func(*bbolt.Tx) error { return errors.New("a record makes no sense") }))
	wantFileError(t, err, path, "cannot be brought from format 2 to 3 (a record makes no sense)", "nothing was changed")
	if got := exported(t, path); got != string(read(t, strings.TrimSuffix(golden, ".db")+".json")) {
		t.Errorf("it is now\n%s", got)
	}
}

// A process that dies in the middle leaves the old file, whether or not there is a copy yet, and the next start migrates it.
func TestADeathInTheMiddleOfAMigrationLeavesTheFileAsItWas(t *testing.T) {
	for _, copied := range []bool{false, true} {
		path := newFile(t)
		write(t, path, read(t, golden))
		if copied {
			write(t, path+".format-1", read(t, golden))
		}
		died := errors.New("killed")
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("a panic came through: %v", p)
				}
			}()
			_, err := openFormat(path, next(func(tx *bbolt.Tx) error {
				if err := doubled(tx); err != nil {
					return err
				}
				panic(died)
			}))
			wantFileError(t, err, path, "killed", "")
		}()
		want := string(read(t, strings.TrimSuffix(golden, ".db")+".json"))
		if got := exported(t, path); got != want {
			t.Errorf("it is now\n%s", got)
		}
		b, err := openFormat(path, next(doubled))
		if err != nil {
			t.Fatal(err)
		}
		shut(t, b)
		files, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(files) != 2 {
			t.Errorf("files %v, error %v; want the state and one copy", files, err)
		}
	}
}

func TestACopyOfAnotherTimeIsLeftAlone(t *testing.T) {
	path := newFile(t)
	write(t, path, read(t, golden))
	write(t, path+".format-1", []byte("of another time"))
	b, err := openFormat(path, next(doubled))
	if err != nil {
		t.Fatal(err)
	}
	shut(t, b)
	if string(read(t, path+".format-1")) != "of another time" || !bytes.Equal(read(t, path+".format-1-2"), read(t, golden)) {
		t.Error("want the copy of another time as it was, and a second one")
	}
}

// Reading a file of an earlier format changes nothing.
func TestAnEarlierFormatIsReadWithoutWriting(t *testing.T) {
	path := newFile(t)
	write(t, path, read(t, golden))
	t.Setenv("TMPDIR", t.TempDir())
	b, err := open(path, next(doubled), true)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Export(b, false)
	if err != nil || d.Migration == nil || *d.Migration != (Migration{Path: path, From: 1, To: 3}) {
		t.Errorf("the export says of the migration %+v, error %v", d.Migration, err)
	}
	s, err := b.Load()
	if err != nil || s.Delays["AWS/ECS 60"].Seconds != 195 {
		t.Errorf("%+v, error %v; want the delay doubled", s, err)
	}
	shut(t, b)
	if !bytes.Equal(read(t, path), read(t, golden)) {
		t.Error("the file has changed")
	}
	for _, dir := range []string{filepath.Dir(path), os.Getenv("TMPDIR")} {
		files, err := os.ReadDir(dir)
		if want := strings.Count(filepath.Dir(path), dir); err != nil || len(files) != want {
			t.Errorf("%s has %v, error %v; want %d", dir, files, err, want)
		}
	}
}

// A file that was changed by hand is damaged, and is not migrated before anybody knows.
func TestADamagedFileIsNotMigrated(t *testing.T) {
	path := newFile(t)
	write(t, path, read(t, golden))
	edit(t, path, put(delaysBucket, "AWS/ECS 60", `{"Seconds":1}`))
	before := read(t, path)
	_, err := openFormat(path, next(doubled))
	wantFileError(t, err, path, "records are not those that were written", "restore a backup")
	if files, _ := os.ReadDir(filepath.Dir(path)); !bytes.Equal(before, read(t, path)) || len(files) != 1 {
		t.Error("it was touched")
	}
}
