package store

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

// application is what the file says of who wrote it.
const application = "ecs-autoscaler"

// fileMode keeps the state from other users.
const fileMode = 0o600

// lockTimeout is how long to wait for a process that is just stopping, as on a quick restart.
const lockTimeout = 2 * time.Second

// The buckets of the file, and the keys of the meta bucket.
var (
	metaBucket       = []byte("meta")
	memoriesBucket   = []byte("memories")   // cluster, service -> Remembered
	activitiesBucket = []byte("activities") // history key -> Activity
	openBucket       = []byte("open")       // activity ID -> its history key, for Pending and InProgress
	decisionsBucket  = []byte("decisions")  // history key -> DecisionRecord
	delaysBucket     = []byte("delays")     // name -> Delay

	buckets = [][]byte{metaBucket, memoriesBucket, activitiesBucket, openBucket, decisionsBucket, delaysBucket}

	applicationKey = []byte("application")
	formatKey      = []byte("format")
	sequenceKey    = []byte("sequence")
	digestKey      = []byte("digest")
)

// OpenFile opens the state file at path, and makes one (mode 0600) where there is none. Every
// problem with it is a *FileError that names the file and the way out; a file that cannot be read
// whole is never replaced, and one of 0 bytes counts as damaged: a state file is born complete. A file
// of an earlier format is brought to the present one, and a copy of what it was is kept beside it.
func OpenFile(path string) (Backend, error) {
	b, err := openFormat(path, released)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func openFormat(path string, known formats) (*fileBackend, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = create(path, known.newest)
	}
	if err != nil {
		return nil, explain(path, err)
	}
	return open(path, known, false)
}

// ReadFile returns what the state file at path remembers, without writing to it and without making
// one; it is an error while a daemon has the file open.
func ReadFile(path string) (*Snapshot, error) {
	b, err := OpenReadOnly(path)
	if err != nil {
		return nil, err
	}
	snapshot, err := b.Load()
	return snapshot, errors.Join(err, b.Close())
}

// OpenReadOnly opens the state file at path for reading alone: it is neither made nor changed, not even where it has an
// earlier format. The errors are those of OpenFile; commits fail.
func OpenReadOnly(path string) (Backend, error) {
	b, err := open(path, released, true)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// open opens a file that is there.
func open(path string, known formats, readOnly bool) (*fileBackend, error) {
	if err := plausible(path); err != nil {
		return nil, explain(path, err)
	}
	if !readOnly {
		closeToOthers(path)
	}
	b := &fileBackend{path: path, known: known}
	options := bbolt.Options{Timeout: lockTimeout, ReadOnly: readOnly, OpenFile: b.openFile, NoStatistics: true}
	err := guard(path, func() (err error) {
		b.db, err = bbolt.Open(path, fileMode, &options)
		return unreadable(path, err)
	})
	other := b
	if err == nil {
		other, err = b.inspect(readOnly)
	}
	if err != nil || other != b {
		b.abandon(err)
	}
	if err != nil {
		return nil, explain(path, err)
	}
	return other, nil
}

// plausible refuses what bbolt would take for a new file or could not name.
func plausible(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &FileError{Path: path, Problem: "does not exist", Remedy: "check the path, " + otherFile, Err: err}
	case err != nil:
		return err
	case info.IsDir():
		return &FileError{Path: path, Problem: "is a directory",
			Remedy: "name a file in it, for example " + filepath.Join(path, "state.db")}
	case !info.Mode().IsRegular():
		return &FileError{Path: path, Problem: "is not a regular file", Remedy: "name a regular file"}
	case info.Size() == 0:
		return damaged(path, "it is empty, which a state file never is", nil)
	}
	return nil
}

// closeToOthers takes away what a copy or a restore may have given to other users. Where that is not possible the owner of the
// file is somebody else, who has meant it.
func closeToOthers(path string) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&^fileMode != 0 {
		_ = os.Chmod(path, fileMode) // nothing depends on it
	}
}

// openFile is how bbolt opens the file. It keeps the handle, because a panic inside bbolt.Open
// would leave it open and locked, and it never creates: that is create's work.
func (b *fileBackend) openFile(path string, flag int, mode os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flag&^os.O_CREATE, mode)
	b.file = f
	return f, err
}

// create puts a complete new state file at path, or leaves the one that somebody else put there
// meanwhile. A crash on the way leaves no half-made file under that name.
func create(path string, format int) error {
	draft, err := draftBeside(path)
	if err != nil {
		return err
	}
	defer os.Remove(draft) //nolint:errcheck // A draft that stays behind harms nobody and has its own name.
	if err := initialize(draft, format); err != nil {
		return err
	}
	if err := link(draft, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

func initialize(path string, format int) error {
	db, err := bbolt.Open(path, fileMode, &bbolt.Options{Timeout: lockTimeout})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		w := &writer{tx: tx}
		return errors.Join(
			w.put(entry{metaBucket, applicationKey, []byte(application)}),
			w.put(entry{metaBucket, formatKey, strconv.AppendInt(nil, int64(format), 10)}),
			w.finish())
	})
	return errors.Join(err, db.Close())
}

// syncDirectory makes the new name durable.
func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // Some file systems cannot sync a directory and need not.
	}
	return errors.Join(err, dir.Close())
}

// inspect checks that the file is in its place, its pages, who wrote it, that its records are those that were written, and
// every memory, open activity and delay. It brings an earlier format to the newest; of a file that is only to be read it
// does that to a copy and returns the copy.
func (b *fileBackend) inspect(readOnly bool) (*fileBackend, error) {
	// Another process may have put another file there while this one waited for the lock.
	if err := errors.Join(inPlace(b.path, b.file), checkPages(b.path, b.file)); err != nil {
		return nil, err
	}
	var written int
	err := b.view(func(tx *bbolt.Tx) (err error) {
		if written, err = b.formatOf(tx); err == nil && written < b.known.newest {
			err = b.checkDigest(tx) // before it is migrated, and later what is told apart more exactly comes first
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case written < b.known.newest && readOnly:
		return b.inOldFormat()
	case written < b.known.newest:
		err = b.migrate(written)
	}
	if err != nil {
		return nil, err
	}
	return b, b.view(func(tx *bbolt.Tx) (err error) {
		if err := b.complete(tx); err != nil {
			return err
		}
		if b.loaded, err = b.load(tx); err != nil {
			return err
		}
		return b.checkDigest(tx)
	})
}

// decode reads one record of the file.
func (b *fileBackend) decode(value []byte, into any, what string) error {
	if err := json.Unmarshal(value, into); err != nil {
		return damaged(b.path, what+" cannot be read: "+err.Error(), err)
	}
	return nil
}
