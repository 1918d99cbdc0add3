//go:build !unix || solaris || aix

package store

import "os"

// unlock has nothing to do where closing a file ends its lock.
func unlock(*os.File) error { return nil }
