package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	bolterrors "go.etcd.io/bbolt/errors"
)

// FileError says what is wrong with a state file and what to do about it.
type FileError struct {
	// Path is the file as the configuration names it.
	Path string
	// Problem completes the sentence that begins with the file, Remedy is the way out.
	Problem, Remedy string
	// Err is the cause underneath, nil if the problem is all there is.
	Err error
	// Aside says that the file is in nobody's use and of none to this version: it may be put aside for another.
	Aside bool
}

// Error is one line: the file, what is wrong with it, and the way out.
func (e *FileError) Error() string {
	return fmt.Sprintf("state file %s %s: %s", e.Path, e.Problem, e.Remedy)
}

// Unwrap gives the cause underneath.
func (e *FileError) Unwrap() error { return e.Err }

// ErrInUse is under the FileError of a state file that another process has open.
var ErrInUse = errors.New("in use by another process")

// The ways out. A damaged file is never replaced by an empty one on our own account: a daemon
// without its memory repeats steps and registers every target anew, so a person decides that.
const (
	otherFile   = `or name another file as "state:" in the configuration`
	startAnew   = "restore a backup, or move the file away to start without memory: no cooldowns, no open activities, every target registered anew"
	stopTheRest = "stop the other one first, " + otherFile + "; two daemons must not share one file"
)

func damaged(path, what string, cause error) *FileError {
	return &FileError{Path: path, Problem: "is damaged (" + what + ")", Remedy: startAnew, Err: cause, Aside: true}
}

// unreadable is what bbolt means by an error of its own when it opens a file: it could be opened and
// locked, but what it holds makes no sense. Other errors pass.
func unreadable(path string, err error) error {
	var errno syscall.Errno
	if err == nil || errors.As(err, &errno) || errors.Is(err, bolterrors.ErrTimeout) {
		return err
	}
	return &FileError{Path: path, Err: err, Aside: true,
		Problem: "is damaged, or is no state file of ecs-autoscaler (" + err.Error() + ")", Remedy: startAnew + ", " + otherFile}
}

// explain turns what the operating system or bbolt says about a file into what a person needs to know.
func explain(path string, err error) error {
	var known *FileError
	if err == nil || errors.As(err, &known) {
		return err
	}
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	e := &FileError{Path: path, Problem: "cannot be used (" + err.Error() + ")", Remedy: "see to that, " + otherFile, Err: err}
	switch dir := filepath.Dir(path); {
	case errors.Is(err, bolterrors.ErrTimeout):
		e.Problem, e.Remedy, e.Err = "is in use by another process", stopTheRest, ErrInUse
	case errors.Is(err, fs.ErrNotExist):
		e.Problem, e.Remedy = "has no directory to be in", "create "+dir+", "+otherFile
	case errors.Is(err, fs.ErrPermission):
		e.Problem = "may not be written (permission denied)"
		e.Remedy = "give the file and its directory " + dir + " to the user that runs ecs-autoscaler, " + otherFile
	case errors.Is(err, syscall.EROFS):
		e.Problem, e.Remedy = "is on a read-only file system", "mount a writable volume at "+dir+", "+otherFile
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Problem, e.Remedy = "does not fit on its file system (no space left)", "free some space there, "+otherFile
	}
	return e
}
