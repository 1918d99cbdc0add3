package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
)

func TestANewFileIsPrivateAndAloneInItsDirectory(t *testing.T) {
	path := newFile(t)
	openPath(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v; want 0600", info.Mode(), err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("files %v, error %v; want the state file alone", files, err)
	}
}

func TestAFileThatOthersMayReadIsClosedToThem(t *testing.T) {
	path := newFile(t)
	shut(t, openPath(t, path))
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("reading has changed the mode to %v, %v", info.Mode(), err)
	}
	shut(t, openPath(t, path))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v; want 0600", info.Mode(), err)
	}
}

func TestTheFileSaysWhoWroteItAndHow(t *testing.T) {
	path := newFile(t)
	shut(t, openPath(t, path))
	edit(t, path, func(tx *bbolt.Tx) error {
		for key, want := range map[string]string{"application": "ecs-autoscaler", "format": "1"} {
			if got := tx.Bucket(metaBucket).Get([]byte(key)); string(got) != want {
				t.Errorf("meta %s is %q; want %q", key, got, want)
			}
		}
		return nil
	})
}

// edit changes a closed state file behind the store's back.
func edit(t *testing.T, path string, change func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// put is an edit of one record; a nil value deletes it.
func put(bucket []byte, key, value string) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put([]byte(key), []byte(value)) }
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Every unusable file gets an error that names it, says what is wrong, and names the way out. None
// of them is touched.
func TestUnusableFilesAreRefusedWithTheWayOut(t *testing.T) {
	memory := string(targetKey(keyOf(0)))
	for _, test := range []struct {
		name            string
		spoil           func(t *testing.T, path string)
		problem, remedy string
	}{
		{"empty file", func(t *testing.T, path string) { write(t, path, nil) },
			"is damaged (it is empty, which a state file never is)", "restore a backup, or move the file away to start without memory"},
		{"a text", func(t *testing.T, path string) { write(t, path, []byte("targets: []\n")) },
			"is damaged, or is no state file of ecs-autoscaler", "move the file away"},
		{"a long text", func(t *testing.T, path string) { write(t, path, bytes.Repeat([]byte("targets: []\n"), 9999)) },
			"is damaged, or is no state file of ecs-autoscaler", `or name another file as "state:"`},
		{"a directory", func(t *testing.T, path string) { remake(t, path) },
			"is a directory", "name a file in it, for example"},
		{"another program's database", func(t *testing.T, path string) {
			remove1(t, path)
			edit(t, path, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("raft")); return err })
		}, "is a bbolt database of another program", "leave it to its owner"},
		{"a newer format", func(t *testing.T, path string) { edit(t, path, put(metaBucket, "format", "2")) },
			"was written by a newer ecs-autoscaler (format 2; this one knows up to 1)", "run that version or a later one"},
		{"a garbled format", func(t *testing.T, path string) { edit(t, path, put(metaBucket, "format", "x")) },
			`its format is given as "x"`, "restore a backup"},
		{"a missing bucket", func(t *testing.T, path string) {
			edit(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket(decisionsBucket) })
		}, `its bucket "decisions" is missing`, "restore a backup"},
		{"a garbled memory", func(t *testing.T, path string) { edit(t, path, put(memoriesBucket, memory, "{")) },
			"the memory of \"shop\\x00service-00000\\x00\" cannot be read", "restore a backup"},
		{"a memory under another name", func(t *testing.T, path string) {
			edit(t, path, func(tx *bbolt.Tx) error {
				b := tx.Bucket(memoriesBucket)
				return b.Put([]byte("x"), b.Get([]byte(memory)))
			})
		}, `the memory of "x" is that of "shop/service-00000"`, "restore a backup"},
		{"a garbled open activity", func(t *testing.T, path string) {
			edit(t, path, put(activitiesBucket, string(activityOf(1).key()), "[]"))
		}, `the open activity "activity-0001" cannot be read`, "restore a backup"},
		{"an open activity that is gone", func(t *testing.T, path string) { edit(t, path, put(openBucket, "a", "b")) },
			`the open activity "a" is missing`, "restore a backup"},
		{"an open activity under another name", func(t *testing.T, path string) {
			edit(t, path, put(openBucket, "a", string(activityOf(1).key())))
		}, `the open activity "a" is "activity-0001"`, "restore a backup"},
		{"a garbled delay", func(t *testing.T, path string) { edit(t, path, put(delaysBucket, "AWS/ECS", "soon")) },
			`the delay of "AWS/ECS" cannot be read`, "restore a backup"},
		{"a garbled sequence", func(t *testing.T, path string) { edit(t, path, put(metaBucket, "sequence", "-1")) },
			"its sequence is no number", "restore a backup"},
		{"a dangling link", func(t *testing.T, path string) {
			remove1(t, path)
			if err := os.Symlink(path+".gone", path); err != nil {
				t.Fatal(err)
			}
		}, "does not exist", "check the path"},
		{"a device", func(t *testing.T, path string) {
			remove1(t, path)
			if err := os.Symlink(os.DevNull, path); err != nil {
				t.Fatal(err)
			}
		}, "is not a regular file", "name a regular file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := newFile(t)
			s := newStore(t, openPath(t, path))
			commit(t, s, Changes{Targets: targetsOf(2), Activities: []*Activity{activityOf(1)}})
			shut(t, s)
			test.spoil(t, path)
			_, err := OpenFile(path)
			wantFileError(t, err, path, test.problem, test.remedy)
			if _, again := OpenFile(path); again == nil || again.Error() != err.Error() {
				t.Errorf("the second try says %v; want the same", again)
			}
			if _, err := ReadFile(path); err == nil {
				t.Error("reading it without writing works")
			}
		})
	}
}

func remake(t *testing.T, path string) {
	t.Helper()
	remove1(t, path)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func remove1(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func wantFileError(t *testing.T, err error, path, problem, remedy string) {
	t.Helper()
	var file *FileError
	if !errors.As(err, &file) {
		t.Fatalf("error %v; want a FileError", err)
	}
	if file.Path != path || !strings.HasPrefix(err.Error(), "state file "+path+" ") {
		t.Errorf("error %q does not name the file %s", err, path)
	}
	if !strings.Contains(file.Problem, problem) {
		t.Errorf("problem %q; want %q", file.Problem, problem)
	}
	if !strings.Contains(file.Remedy, remedy) {
		t.Errorf("remedy %q; want %q", file.Remedy, remedy)
	}
}

func TestAFileInUseIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := newFile(t)
		openPath(t, path)
		began := time.Now()
		_, err := OpenFile(path)
		wantFileError(t, err, path, "is in use by another process", "stop the other one first")
		if waited := time.Since(began); waited < lockTimeout/2 || waited > lockTimeout {
			t.Errorf("waited %s for the lock; want nearly %s", waited, lockTimeout)
		}
		_, err = ReadFile(path)
		wantFileError(t, err, path, "is in use by another process", "two daemons must not share one file")
	})
}

func TestAFileThatIsReleasedInTimeIsOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := newFile(t)
		b := openPath(t, path)
		time.AfterFunc(lockTimeout/2, func() { shut(t, b) })
		openPath(t, path)
	})
}

func TestAMissingDirectoryIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gone", "state.db")
	_, err := OpenFile(path)
	wantFileError(t, err, path, "has no directory to be in", "create "+filepath.Dir(path))
}

func TestReadingNeverMakesAFile(t *testing.T) {
	path := newFile(t)
	_, err := ReadFile(path)
	wantFileError(t, err, path, "does not exist", "check the path")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat: %v; want that nothing was made", err)
	}
}

func TestReadingGivesWhatIsRemembered(t *testing.T) {
	path := newFile(t)
	s := newStore(t, openPath(t, path))
	commit(t, s, Changes{Targets: targetsOf(2), Activities: []*Activity{activityOf(1)}, Delays: map[string]Delay{"a": {Seconds: 2}}})
	shut(t, s)
	before := read(t, path)
	got, err := ReadFile(path)
	if err != nil || len(got.Memories) != 2 || len(got.Open) != 1 || got.Delays["a"].Seconds != 2 {
		t.Errorf("%+v, error %v; want two memories, one open activity, one delay", got, err)
	}
	if !bytes.Equal(before, read(t, path)) {
		t.Error("reading changed the file")
	}
}

func TestWhatTheSystemSaysIsExplained(t *testing.T) {
	const path = "/var/lib/ecs-autoscaler/state.db"
	for _, test := range []struct {
		err             error
		problem, remedy string
	}{
		{&fs.PathError{Op: "open", Path: path, Err: syscall.EACCES},
			"may not be written (permission denied)", "give the file and its directory /var/lib/ecs-autoscaler to the user"},
		{syscall.EROFS, "read-only file system", "mount a writable volume at /var/lib/ecs-autoscaler"},
		{fmt.Errorf("write: %w", syscall.ENOSPC), "no space left", "free some space there"},
		{syscall.ENOENT, "has no directory to be in", "create /var/lib/ecs-autoscaler"},
		{syscall.EIO, "cannot be used (input/output error)", "see to that, or name another file"},
	} {
		err := explain(path, test.err)
		wantFileError(t, err, path, test.problem, test.remedy)
		if !errors.Is(err, test.err) {
			t.Errorf("%v does not lead to its cause", err)
		}
	}
	if err := explain(path, nil); err != nil {
		t.Errorf("no error explained as %v", err)
	}
}

// lived is the content of a file that has seen some life, and what it shows.
func lived(t testing.TB, path string) view {
	t.Helper()
	s := newStore(t, openPath(t, path))
	commit(t, s, Changes{Targets: targetsOf(40), Delays: map[string]Delay{"a": {Seconds: 1}}})
	for i := range 60 {
		commit(t, s, Changes{
			Targets:    []*Target{targetOf(i%40, i)},
			Activities: []*Activity{withStatus(activityOf(i), evaluatorStatus(i))}, Decisions: []*DecisionRecord{decisionOf(i)},
		})
	}
	v := observe(t, s, 1000)
	shut(t, s)
	return v
}

// reopened is what a file shows to a new life in which the same targets are current.
func reopened(t *testing.T, path string) (v view, err error) {
	t.Helper()
	b, err := OpenFile(path)
	if err != nil {
		return v, err
	}
	s := newStore(t, b)
	defer shut(t, s)
	if len(s.Delays()) == 0 {
		t.Fatal("the file opened empty")
	}
	for i := range 40 {
		commit(t, s, Changes{Targets: []*Target{{Key: keyOf(i)}}})
	}
	return observe(t, s, 1000), nil
}

func TestACutFileIsWholeOrRefused(t *testing.T) {
	path := newFile(t)
	want := lived(t, path)
	whole := read(t, path)
	sizes := []int{0, 1, 15, 16, 79, 80, 1023, 1024, 4095, 4096, 4097, 8191, 8192, 16384, len(whole) - 1, len(whole)}
	for size := 0; size < len(whole); size += len(whole) / 40 {
		sizes = append(sizes, size)
	}
	refused := 0
	for _, size := range sizes {
		cut := newFile(t)
		write(t, cut, whole[:size])
		got, err := reopened(t, cut)
		if err == nil {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("cut to %d of %d bytes it opens with something else (-want +got):\n%s", size, len(whole), diff)
			}
			continue
		}
		refused++
		wantFileError(t, err, cut, "is damaged", "restore a backup")
		if len(read(t, cut)) != size {
			t.Errorf("cut to %d bytes it was changed", size)
		}
	}
	if refused < len(sizes)/2 {
		t.Errorf("only %d of %d cuts were noticed", refused, len(sizes))
	}
}

// A page that the disk garbles may be one that nothing reads, or one of the history. Whatever it is,
// the daemon gets data or an error that names the file, never a panic.
func TestAGarbledPageNeverPanics(t *testing.T) {
	path := newFile(t)
	lived(t, path)
	whole := read(t, path)
	random := rand.New(rand.NewPCG(1, 2))
	for page := 0; page < len(whole)/os.Getpagesize(); page++ {
		garbled := bytes.Clone(whole)
		for i := range 256 {
			garbled[page*os.Getpagesize()+i] = byte(random.Uint32())
		}
		broken := newFile(t)
		write(t, broken, garbled)
		exercise(t, broken)
	}
}

// exercise does everything a daemon does with a file and accepts any error that names it.
func exercise(t testing.TB, path string) {
	t.Helper()
	b, err := OpenFile(path)
	if err == nil {
		_, _, activities := b.Activities(Query{Limit: MaxLimit})
		_, _, decisions := b.Decisions(Query{Limit: MaxLimit})
		_, pruned := b.Prune(at(30))
		committed := b.Commit(&Durable{Memories: []Remembered{{keyOf(1), memoryOf(1)}}, Decisions: []*DecisionRecord{decisionOf(99)}})
		err = errors.Join(activities, decisions, pruned, committed, b.Close())
	}
	if err != nil && !strings.Contains(err.Error(), "state file "+path+" ") {
		t.Errorf("error %v does not name the file", err)
	}
}

// bbolt writes the pages of a commit first and then the meta page that makes them count. Here the
// process dies in between, with nothing, a part or all of the meta page written.
func TestACommitCutShortLeavesTheStateBefore(t *testing.T) {
	path := newFile(t)
	want := lived(t, path)
	before := read(t, path)
	s := newStore(t, openPath(t, path))
	commit(t, s, Changes{Targets: []*Target{targetOf(3, 77)}, Activities: []*Activity{activityOf(3)}})
	shut(t, s)
	after := read(t, path)
	for written := 0; written <= pageHeader+metaLength; written += 8 {
		torn := newFile(t)
		content := bytes.Clone(after)
		for _, meta := range []int{0, os.Getpagesize()} {
			copy(content[meta+written:meta+pageHeader+metaLength], before[meta+written:])
		}
		write(t, torn, content)
		got, err := reopened(t, torn)
		if err != nil {
			t.Fatalf("%d bytes of the meta page: %v", written, err)
		}
		old, committed := cmp.Equal(want, got), got.Memories[keyOf(3)].LastDesired == 77
		if old == committed || committed != (written == pageHeader+metaLength) {
			t.Errorf("%d bytes of the meta page: old state %t, new state %t", written, old, committed)
		}
	}
}

func TestACopyOfAnOpenFileHoldsEveryCommit(t *testing.T) {
	path := newFile(t)
	s := newStore(t, openPath(t, path))
	commit(t, s, Changes{Targets: targetsOf(40), Activities: []*Activity{activityOf(1)}, Delays: map[string]Delay{"a": {}}})
	copied := newFile(t)
	write(t, copied, read(t, path))
	got, err := reopened(t, copied)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(observe(t, s, 10), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAFileCutWhileItIsOpenGivesErrors(t *testing.T) {
	path := newFile(t)
	lived(t, path)
	b := openPath(t, path)
	if err := os.Truncate(path, int64(2*os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	_, _, err := b.Activities(Query{})
	wantFileError(t, err, path, "is damaged", "restore a backup")
	if again := b.Commit(&Durable{Decisions: []*DecisionRecord{decisionOf(1)}}); again == nil || again.Error() != err.Error() {
		t.Errorf("a commit after the damage: %v; want the same error", again)
	}
	if err := b.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

func TestPruningMakesRoomForWhatComes(t *testing.T) {
	path := newFile(t)
	s := newStore(t, openPath(t, path))
	fill := func(from int) {
		for i := range 20 {
			var c Changes
			for j := range 100 {
				c.Decisions = append(c.Decisions, decisionOf(from+100*i+j))
			}
			commit(t, s, c)
		}
	}
	fill(0)
	size := len(read(t, path))
	for round := 1; round <= 5; round++ {
		if _, err := s.Prune(at(2000 * round).Add(Retention)); err != nil {
			t.Fatal(err)
		}
		fill(2000 * round)
	}
	if now := len(read(t, path)); now > 2*size {
		t.Errorf("the file grew from %d to %d bytes with the same history", size, now)
	}
}

func FuzzOpenFile(f *testing.F) {
	path := newFile(f)
	s := newStore(f, openPath(f, path))
	commit(f, s, Changes{Targets: targetsOf(1), Activities: []*Activity{activityOf(1)}})
	shut(f, s)
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, uint16(0), byte(0))
	f.Add(whole, uint16(4096), byte(1))
	f.Add(whole[:5000], uint16(24), byte(3))
	f.Add([]byte("targets:"), uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, content []byte, place uint16, flip byte) {
		content = bytes.Clone(content)
		if int(place) < len(content) {
			content[place] ^= flip
		}
		path := newFile(t)
		write(t, path, content)
		exercise(t, path)
	})
}
