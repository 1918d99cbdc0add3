package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

// The file says who wrote it and how. A daemon refuses a format newer than its own.
const (
	application = "ecs-autoscaler"
	format      = 1
)

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
)

// OpenFile opens the state file at path, and makes one (mode 0600) where there is none. Every
// problem with it is a *FileError that names the file and the way out; a file that cannot be read
// whole is never replaced, and one of 0 bytes counts as damaged: a state file is born complete.
func OpenFile(path string) (Backend, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = create(path)
	}
	if err != nil {
		return nil, explain(path, err)
	}
	return open(path, false)
}

// ReadFile returns what the state file at path remembers, without writing to it and without making
// one; it is an error while a daemon has the file open.
func ReadFile(path string) (*Snapshot, error) {
	b, err := open(path, true)
	if err != nil {
		return nil, err
	}
	snapshot, err := b.Load()
	return snapshot, errors.Join(err, b.Close())
}

func open(path string, readOnly bool) (*fileBackend, error) {
	if err := plausible(path); err != nil {
		return nil, explain(path, err)
	}
	if !readOnly {
		closeToOthers(path)
	}
	b := &fileBackend{path: path}
	options := bbolt.Options{Timeout: lockTimeout, ReadOnly: readOnly, OpenFile: b.openFile, NoStatistics: true}
	err := guard(path, func() (err error) {
		b.db, err = bbolt.Open(path, fileMode, &options)
		return unreadable(path, err)
	})
	if err == nil {
		err = b.inspect()
	}
	if err != nil {
		b.abandon(err)
		return nil, explain(path, err)
	}
	return b, nil
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
func create(path string) error {
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name()) //nolint:errcheck // A draft that stays behind harms nobody and has its own name.
	if err := draft.Close(); err != nil {
		return err
	}
	if err := initialize(draft.Name()); err != nil {
		return err
	}
	// A link fails where there is a file by now; renaming would take it away from its owner, so that is
	// only for file systems without links.
	if err := os.Link(draft.Name(), path); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		if err := os.Rename(draft.Name(), path); err != nil {
			return err
		}
	}
	return syncDirectory(filepath.Dir(path))
}

func initialize(path string) error {
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
		meta := tx.Bucket(metaBucket)
		return errors.Join(
			meta.Put(applicationKey, []byte(application)),
			meta.Put(formatKey, strconv.AppendInt(nil, format, 10)))
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

// inspect checks the pages, who wrote the file, and every memory, open activity and delay. The records
// of the history are checked when they are read.
func (b *fileBackend) inspect() error {
	if err := checkPages(b.path, b.file); err != nil {
		return err
	}
	return b.view(func(tx *bbolt.Tx) error {
		if err := b.recognize(tx); err != nil {
			return err
		}
		var err error
		b.loaded, err = b.load(tx)
		return err
	})
}

// recognize reads who wrote the file, and in which format.
func (b *fileBackend) recognize(tx *bbolt.Tx) error {
	meta := tx.Bucket(metaBucket)
	if meta == nil || string(meta.Get(applicationKey)) != application {
		return &FileError{Path: b.path, Problem: "is a bbolt database of another program", Remedy: "leave it to its owner, " + otherFile}
	}
	written, err := strconv.Atoi(string(meta.Get(formatKey)))
	switch {
	case err != nil || written < 1:
		return damaged(b.path, fmt.Sprintf("its format is given as %q", meta.Get(formatKey)), err)
	case written > format:
		return &FileError{Path: b.path,
			Problem: fmt.Sprintf("was written by a newer ecs-autoscaler (format %d; this one knows up to %d)", written, format),
			Remedy:  "run that version or a later one, " + otherFile}
	}
	for _, name := range buckets {
		if tx.Bucket(name) == nil {
			return damaged(b.path, fmt.Sprintf("its bucket %q is missing", name), nil)
		}
	}
	return nil
}

// decode reads one record of the file.
func (b *fileBackend) decode(value []byte, into any, what string) error {
	if err := json.Unmarshal(value, into); err != nil {
		return damaged(b.path, what+" cannot be read: "+err.Error(), err)
	}
	return nil
}
