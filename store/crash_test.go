package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// old is how many minutes the decisions of grown lie before its activities, so that pruning takes decisions alone, in one
// transaction.
const old = 10_000

// grown makes a file of several commits with memories, history, delays and removals, and gives its image after each
// commit, the one before the first included, and what each exports to.
func grown(t *testing.T, commits int) (images [][]byte, texts []string) {
	t.Helper()
	path := newFile(t)
	b := openPath(t, path)
	s := newStore(t, b)
	take := func() {
		images = append(images, read(t, path))
		d, err := Export(b, true)
		if err != nil {
			t.Fatal(err)
		}
		text, err := d.Text()
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	take()
	for i := range commits {
		c := Changes{
			Targets:    []*Target{targetOf(i%7, i), targetOf(i%3, i)},
			Activities: []*Activity{activityOf(i), withStatus(activityOf(i-1), evaluatorStatus(i))},
			Delays:     map[string]Delay{"AWS/ECS 60": {Seconds: float64(i)}},
		}
		for j := range 6 {
			d := decisionOf(10*i + j - old)
			d.JSON = fmt.Appendf(nil, `{"message":%q}`, strings.Repeat("x", 300))
			c.Decisions = append(c.Decisions, d)
		}
		commit(t, s, c)
		take()
		if i%8 == 7 {
			if _, err := b.Prune(at(10*(i-4) - old)); err != nil {
				t.Fatal(err)
			}
			take()
		}
	}
	shut(t, s)
	return images, texts
}

// opens gives what a file of that content exports to. A file that is refused says "" and must be named with a way out, and left as it is.
func opens(t fataler, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	b, err := OpenFile(path)
	if err != nil {
		var file *FileError
		if !errors.As(err, &file) || file.Path != path || file.Remedy == "" {
			t.Fatalf("error %v; want a FileError with a way out", err)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
			t.Fatalf("a file that was refused has changed, error %v", err)
		}
		return ""
	}
	d, err := Export(b, true)
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatalf("it opens, but cannot be read: %v", err)
	}
	text, err := d.Text()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(text)
}

// However short a file is cut, it is the state that was committed last or it is refused.
func TestAFileCutAnywhereIsWholeOrRefused(t *testing.T) {
	images, texts := grown(t, 12)
	whole, want := images[len(images)-1], texts[len(texts)-1]
	sizes := map[int]bool{}
	for page := 0; page <= len(whole); page += os.Getpagesize() {
		for _, more := range []int{-513, -64, -1, 0, 1, 16, 80, 512} {
			sizes[page+more] = true
		}
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		sizes[random.IntN(len(whole))] = true
	}
	path, refused := newFile(t), 0
	for size := range sizes {
		if size < 0 || size > len(whole) {
			continue
		}
		switch got := opens(t, path, whole[:size]); got {
		case "":
			refused++
		case want:
		default:
			t.Errorf("cut to %d of %d bytes it opens as\n%s", size, len(whole), got)
		}
	}
	if refused < len(sizes)/2 {
		t.Errorf("of %d cuts only %d were refused", len(sizes), refused)
	}
}

// Bytes that change, wherever they are, leave one of the states that were committed, or a refusal. Without the digest a
// digit of a count could become another one.
func TestFlippedBytesNeverMakeAnotherState(t *testing.T) {
	images, texts := grown(t, 12)
	whole := images[len(images)-1]
	known := map[string]bool{"": true}
	for _, text := range texts {
		known[text] = true
	}
	path, refused := newFile(t), 0
	rapid.Check(t, func(t *rapid.T) {
		content := bytes.Clone(whole)
		for range rapid.IntRange(1, 5).Draw(t, "flips") {
			content[rapid.IntRange(0, len(whole)-1).Draw(t, "place")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		}
		text := opens(t, path, content)
		if !known[text] {
			t.Fatalf("it opens as a state that never was:\n%s", text)
		}
		if text == "" {
			refused++
		}
	})
	if refused == 0 {
		t.Error("no flip was noticed")
	}
}

// Each single digit of each record counts, also where it reads just as well with another one.
func TestADigitThatChangesIsNoticed(t *testing.T) {
	images, _ := grown(t, 3)
	whole := images[len(images)-1]
	path, changed := newFile(t), 0
	for place := bytes.Index(whole, []byte(`"last_desired":`)); place >= 0; {
		content := bytes.Clone(whole)
		content[place+len(`"last_desired":`)] ^= 1
		if text := opens(t, path, content); text == "" {
			changed++
		}
		next := bytes.Index(whole[place+1:], []byte(`"last_desired":`))
		if next < 0 {
			break
		}
		place += 1 + next
	}
	if changed == 0 {
		t.Error("no changed count was noticed")
	}
}

// sector is what a disk writes whole at best.
const sector = 512

// A crash in the middle of a commit leaves any part of its pages on the disk, in any order, sectors torn apart, but the meta page
// of bbolt is written only after all of them are synced (bbolt, Tx.Commit). Whatever is there, the state is the one before.
func TestACrashBetweenTheWritesOfACommitLeavesTheStateBefore(t *testing.T) {
	images, texts := grown(t, 24)
	path := newFile(t)
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(1, len(images)-1).Draw(t, "commit")
		before, after := images[i-1], images[i]
		torn := make([]byte, rapid.SampledFrom([]int{len(before), len(after)}).Draw(t, "size"))
		copy(torn, before)
		for at := 2 * os.Getpagesize(); at+sector <= len(torn) && at+sector <= len(after); at += sector {
			if (at >= len(before) || !bytes.Equal(before[at:at+sector], after[at:at+sector])) && rapid.Bool().Draw(t, "written") {
				copy(torn[at:at+sector], after[at:])
			}
		}
		if got := opens(t, path, torn); got != texts[i-1] {
			t.Fatalf("after a crash in commit %d it opens as\n%s\nnot as\n%s", i, got, texts[i-1])
		}
	})
}

// The meta page is the moment of truth: none of it, a part of it or all of it written gives the state before or the
// state after.
func TestATornMetaPageGivesTheStateBeforeOrAfter(t *testing.T) {
	images, texts := grown(t, 6)
	path := newFile(t)
	for i := 1; i < len(images); i++ {
		for written := 0; written <= pageHeader+metaLength; written += 3 {
			torn := bytes.Clone(images[i])
			for _, meta := range []int{0, os.Getpagesize()} {
				copy(torn[meta+written:meta+pageHeader+metaLength], images[i-1][meta+written:])
			}
			got := opens(t, path, torn)
			if got != texts[i-1] && got != texts[i] {
				t.Errorf("commit %d with %d bytes of its meta page opens as\n%s", i, written, got)
			}
		}
		if got := opens(t, path, images[i]); got != texts[i] {
			t.Errorf("commit %d opens as\n%s", i, got)
		}
	}
}

// A disk that says it has written what it has not leaves pages of different commits beside each other. bbolt cannot tell, the
// digest can: it is one of the states that were committed, or it is refused.
func TestPagesOfDifferentCommitsAreNeverMixed(t *testing.T) {
	images, texts := grown(t, 24)
	known := map[string]bool{"": true}
	for _, text := range texts {
		known[text] = true
	}
	path := newFile(t)
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(1, len(images)-1).Draw(t, "newest")
		mixed := bytes.Clone(images[i])
		for at := 0; at < len(mixed); at += os.Getpagesize() {
			other := images[rapid.IntRange(max(0, i-6), i).Draw(t, "page of")]
			if at+os.Getpagesize() <= len(other) && rapid.IntRange(0, 3).Draw(t, "stale") == 0 {
				copy(mixed[at:at+os.Getpagesize()], other[at:])
			}
		}
		if text := opens(t, path, mixed); !known[text] {
			t.Fatalf("it opens as a state that never was:\n%s", text)
		}
	})
}

// A commit may fail after its meta page was written, when only the sync of that fails: the daemon is told that nothing was kept and
// calls nobody, but the next start would find an intent. The next commit takes it out.
func TestWhatAFailedCommitLeavesIsTakenOut(t *testing.T) {
	path := newFile(t)
	b, err := openFormat(path, released)
	if err != nil {
		t.Fatal(err)
	}
	s := newStore(t, b)
	commit(t, s, Changes{Targets: targetsOf(1), Activities: []*Activity{activityOf(1)}})
	failed := &Durable{Activities: []*Activity{activityOf(2), withStatus(activityOf(1), "InProgress")}, Decisions: []*DecisionRecord{decisionOf(2)}, Sequence: 9}
	failed.Decisions[0].ID = "d"
	b.afterCommit = func() error { return errDisk }
	if err := b.Commit(failed); !errors.Is(err, errDisk) {
		t.Fatalf("error %v; want that of the disk", err)
	}
	b.afterCommit = nil
	commit(t, s, Changes{Decisions: []*DecisionRecord{decisionOf(3)}})
	d, err := Export(b, true)
	if err != nil {
		t.Fatal(err)
	}
	// That activity 1 goes on is no intent; it is said again with the next commit that knows of it.
	if len(d.Open) != 1 || d.Open[0].ID != activityOf(1).ID || len(d.Decisions) != 1 {
		t.Errorf("open %v, decisions %v; want the first activity and the last decision alone", d.Open, d.Decisions)
	}
}

// A file that was written before there were digests opens, and gets one with its first commit.
func TestAFileWithoutADigestGetsOne(t *testing.T) {
	path := newFile(t)
	want := lived(t, path)
	edit(t, path, func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Delete(digestKey) })
	got, err := reopened(t, path)
	if err != nil || len(got.Activities) != len(want.Activities) {
		t.Fatalf("%d activities, error %v; want %d", len(got.Activities), err, len(want.Activities))
	}
	s := newStore(t, openPath(t, path))
	commit(t, s, Changes{Targets: []*Target{targetOf(1, 99)}})
	shut(t, s)
	edit(t, path, func(tx *bbolt.Tx) error {
		d, err := computeDigest(tx)
		if text := tx.Bucket(metaBucket).Get(digestKey); !bytes.Equal(text, d.bytes()) || binary.BigEndian.Uint64(text) == 0 {
			t.Errorf("the digest is %x; want %x", text, d.bytes())
		}
		return err
	})
}

// A state that is deleted, moved or replaced under a running daemon takes no commit: it would be lost.
func TestAFileThatIsNotInItsPlaceTakesNoCommit(t *testing.T) {
	for _, test := range []struct {
		name   string
		happen func(path string) error
		want   string
	}{
		{"deleted", os.Remove, "has been deleted or moved away while it was in use"},
		{"moved", func(path string) error { return os.Rename(path, path+".old") }, "has been deleted or moved away"},
		{"replaced", func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, []byte("x"), 0o600))
		}, "has been replaced by another file while it was in use"},
		{"its directory moved", func(path string) error { return os.Rename(filepath.Dir(path), filepath.Dir(path)+".old") }, "has been deleted or moved away"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state", "state.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			s := newStore(t, openPath(t, path))
			commit(t, s, Changes{Targets: targetsOf(1)})
			if err := test.happen(path); err != nil {
				t.Fatal(err)
			}
			for _, c := range []Changes{{Activities: []*Activity{activityOf(1)}}, {}} { // with something to write, and with nothing
				if err := s.Commit(c); err == nil {
					t.Error("it was taken")
				}
				wantFileError(t, s.Health().Err, path, test.want, "restart the daemon")
			}
			if h := s.Health(); h.Err == nil || h.Failures != 2 {
				t.Errorf("health %+v; want two failures", h)
			}
			if len(s.OpenActivities()) != 0 {
				t.Error("an intent that could not be stored is there")
			}
		})
	}
}

func TestAFileThatComesBackTakesCommitsAgain(t *testing.T) {
	path := newFile(t)
	s := newStore(t, openPath(t, path))
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(Changes{}); err == nil {
		t.Error("a commit without a file works")
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	commit(t, s, Changes{Activities: []*Activity{activityOf(1)}})
	if h := s.Health(); h.Err != nil || h.Failures != 1 {
		t.Errorf("health %+v; want that it is well after one failure", h)
	}
}
