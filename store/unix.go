//go:build unix && !solaris && !aix

package store

import (
	"os"
	"syscall"
)

// unlock gives up the lock on a file that bbolt can no longer be asked to close. Closing the handle
// would not do: bbolt's mapping of the file holds on to it, and to the lock with it.
func unlock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

// mayWrite is access(2)'s W_OK.
const mayWrite = 2

// writable asks the system whether the file at path may be written, which on a read-only file system it may not.
func writable(path string) error { return syscall.Access(path, mayWrite) }
