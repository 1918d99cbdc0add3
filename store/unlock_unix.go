//go:build unix && !solaris && !aix

package store

import (
	"os"
	"syscall"
)

// unlock gives up the lock on a file that bbolt can no longer be asked to close. Closing the handle
// would not do: bbolt's mapping of the file holds on to it, and to the lock with it.
func unlock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
