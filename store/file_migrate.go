package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"go.etcd.io/bbolt"
)

// formats are what a version of the program knows of state files: the format it writes, and how to come from each earlier
// one to the next.
type formats struct {
	newest int
	// steps[n] turns a file of format n into one of n+1, inside a transaction that may still be given up.
	steps map[int]func(tx *bbolt.Tx) error
}

// released are the formats so far. A new one raises newest, adds a step, and adds to testdata a file of the one before.
var released = formats{newest: 1}

// Migration says that a state file had an earlier format when it was opened.
type Migration struct {
	// Path is the file, From and To are the formats.
	Path     string
	From, To int
	// Copy is the file as it was before; empty where the file was opened for reading alone, and has not been changed.
	Copy string
}

// MigrationOf says whether opening b has found an earlier format; nil when it has not.
func MigrationOf(b Backend) *Migration {
	if m, ok := b.(interface{ Migration() *Migration }); ok {
		return m.Migration()
	}
	return nil
}

// Migration says whether the state was in a file of an earlier format; nil when it was not.
func (s *Store) Migration() *Migration { return MigrationOf(s.backend) }

// Migration says whether opening the file has found an earlier format; nil when it has not.
func (b *fileBackend) Migration() *Migration { return b.migrated }

// formatOf reads who wrote the file and in which format.
func (b *fileBackend) formatOf(tx *bbolt.Tx) (int, error) {
	meta := tx.Bucket(metaBucket)
	if meta == nil || string(meta.Get(applicationKey)) != application {
		return 0, &FileError{Path: b.path, Problem: "is a bbolt database of another program", Remedy: "leave it to its owner, " + otherFile}
	}
	written, err := strconv.Atoi(string(meta.Get(formatKey)))
	switch {
	case err != nil || written < 1:
		return 0, damaged(b.path, fmt.Sprintf("its format is given as %q", meta.Get(formatKey)), err)
	case written > b.known.newest:
		return 0, &FileError{Path: b.path, Aside: true,
			Problem: fmt.Sprintf("was written by a newer ecs-autoscaler (format %d; this one knows up to %d)", written, b.known.newest),
			Remedy:  "run that version or a later one, " + otherFile}
	}
	return written, nil
}

// migrate brings a file of an earlier format to the newest: a copy is kept beside it, and then all steps are one
// transaction. Whatever happens on the way leaves the file as it was.
func (b *fileBackend) migrate(from int) error {
	kept, err := b.keepCopy(from)
	if err != nil {
		return fmt.Errorf("keep a copy before it is brought to format %d: %w", b.known.newest, err)
	}
	b.migrated = &Migration{Path: b.path, From: from, To: b.known.newest, Copy: kept}
	return b.run(func() error {
		return b.db.Update(func(tx *bbolt.Tx) error {
			for n := from; n < b.known.newest; n++ {
				if err := b.known.steps[n](tx); err != nil {
					return b.stuck(n, err)
				}
			}
			if err := tx.Bucket(metaBucket).Put(formatKey, strconv.AppendInt(nil, int64(b.known.newest), 10)); err != nil {
				return err
			}
			if err := b.complete(tx); err != nil {
				return err
			}
			sum, err := computeDigest(tx)
			return errors.Join(err, (&writer{tx, sum}).finish())
		})
	})
}

// stuck is a step that a file does not let happen.
func (b *fileBackend) stuck(from int, cause error) *FileError {
	return &FileError{Path: b.path, Err: cause,
		Problem: fmt.Sprintf("cannot be brought from format %d to %d (%v)", from, from+1, cause),
		Remedy:  "nothing was changed: run the version before, and report this; or move the file away to start without memory"}
}

// complete says that no bucket is missing.
func (b *fileBackend) complete(tx *bbolt.Tx) error {
	for _, name := range buckets {
		if tx.Bucket(name) == nil {
			return damaged(b.path, fmt.Sprintf("its bucket %q is missing", name), nil)
		}
	}
	return nil
}

// keepCopy puts a copy of the file beside it: PATH.format-1 and so on. One that is there and has the same content, from
// a migration that did not come to its end, will do; another one is left alone. It returns the name.
func (b *fileBackend) keepCopy(from int) (string, error) {
	for n := 1; ; n++ {
		path := fmt.Sprintf("%s.format-%d", b.path, from)
		if n > 1 {
			path += "-" + strconv.Itoa(n)
		}
		same, err := sameContent(path, b.file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return path, writeBeside(path, func(w io.Writer) error { return copyFrom(w, b.file) })
		case err != nil || same:
			return path, err
		}
	}
}

func copyFrom(w io.Writer, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, io.NewSectionReader(f, 0, info.Size()))
	return err
}

// sameContent compares the file at path with an open one.
func sameContent(path string, f *os.File) (bool, error) {
	other, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	var own bytes.Buffer
	if err := copyFrom(&own, f); err != nil {
		return false, err
	}
	return bytes.Equal(own.Bytes(), other), nil
}

// writeBeside makes a file at path (mode 0600) that is either complete and on the disk or not there. It never replaces one.
func writeBeside(path string, write func(io.Writer) error) error {
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name()) //nolint:errcheck // A draft that stays behind harms nobody and has its own name.
	if err := errors.Join(write(draft), draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := link(draft.Name(), path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// link gives the file at draft the name path as well, unless there is a file of that name; then the error is
// fs.ErrExist. Where the file system has no links the draft loses its own name.
func link(draft, path string) error {
	err := os.Link(draft, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	return os.Rename(draft, path)
}

// inOldFormat reads a file of an earlier format that must not be written to: a copy in the directory for temporary files
// is brought to the newest format instead.
func (b *fileBackend) inOldFormat() (*fileBackend, error) {
	dir, err := os.MkdirTemp("", "ecs-autoscaler-state-*")
	if err != nil {
		return nil, err
	}
	gone := func() { _ = os.RemoveAll(dir) } // what cannot be removed from there is the system's to clear
	path := filepath.Join(dir, filepath.Base(b.path))
	if err := writeBeside(path, func(w io.Writer) error { return copyFrom(w, b.file) }); err != nil {
		gone()
		return nil, err
	}
	copied, err := open(path, b.known, false)
	if err != nil {
		gone()
		return nil, err
	}
	copied.onClose = gone
	if m := copied.migrated; m != nil {
		copied.migrated = &Migration{Path: b.path, From: m.From, To: m.To}
	}
	return copied, nil
}
