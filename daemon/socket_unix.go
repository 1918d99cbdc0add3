//go:build unix

package daemon

import (
	"errors"
	"syscall"
)

// closeToOthers sets the mode of a socket before it has a name. On Linux its file is born with that mode, so that there is no
// moment at which somebody else could connect; elsewhere the directory has to see to that.
func closeToOthers(_, _ string, c syscall.RawConn) error {
	var err error
	if failed := c.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), socketMode) }); failed != nil {
		return failed
	}
	if errors.Is(err, syscall.EINVAL) {
		return nil // macOS has no modes of sockets without a name
	}
	return err
}
