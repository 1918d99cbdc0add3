package store

import (
	"errors"
	"io/fs"
	"os"
)

// Check says whether a commit could be made as far as can be told without one: whether the path still leads to the file
// that is open, and whether that may be written. Where a file was deleted or replaced, commits would go to one that nobody
// finds again, and a second daemon could take the path. The error is a *FileError, or ErrClosed.
func (b *fileBackend) Check() error {
	b.mu.Lock()
	closed, broken := b.closed, b.broken
	b.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case broken != nil:
		return broken
	}
	err := inPlace(b.path, b.file)
	if err == nil {
		err = writable(b.path)
	}
	return explain(b.path, err)
}

// inPlace says what has become of the path since f was opened by it.
func inPlace(path string, f *os.File) error {
	there, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &FileError{Path: path, Err: err, Problem: "has been deleted or moved away while it was in use",
			Remedy: "put it back, or restart the daemon with a backup in its place; without one it starts without memory"}
	}
	if err != nil {
		return err
	}
	mine, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(there, mine) {
		return &FileError{Path: path, Problem: "has been replaced by another file while it was in use",
			Remedy: "restart the daemon to take up the file that is there now, or put the former one back"}
	}
	return nil
}
