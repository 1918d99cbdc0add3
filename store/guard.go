package store

import (
	"fmt"
	"runtime/debug"
)

// guard runs do and turns a panic into the error that the file is damaged. bbolt trusts its pages:
// what it reads from a corrupt one makes it panic, and a page beyond the end of a truncated file
// is a memory fault (SIGBUS), which Go makes a panic only where it is asked to.
func guard(path string, do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			cause, ok := p.(error)
			if !ok {
				cause = fmt.Errorf("%v", p)
			}
			err = &panicError{damaged(path, cause.Error(), cause)}
		}
	}()
	return do()
}

// panicError marks damage that bbolt ran into while it held its locks.
type panicError struct{ *FileError }

// Unwrap gives the FileError.
func (e *panicError) Unwrap() error { return e.FileError }
