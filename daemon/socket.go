package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// socketMode lets the owner in, and root.
const socketMode = 0o600

// socketTimeout is how long the owner of a socket that is there has to take a connection.
const socketTimeout = time.Second

// socketListener removes the socket's file when it is closed, unless it is another daemon's by then.
type socketListener struct {
	net.Listener
	path string
	made fs.FileInfo
}

// openSocket listens on a unix socket of which the file permissions say who may use it. What a dead daemon has left is
// replaced; what somebody answers on is not.
func openSocket(ctx context.Context, path string) (net.Listener, error) {
	if err := directoryOf(path); err != nil {
		return nil, err
	}
	if err := clearSocket(ctx, path); err != nil {
		return nil, err
	}
	lc := net.ListenConfig{Control: closeToOthers}
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; let the daemon's user own the directory", path, err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	made, err := os.Lstat(path)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &socketListener{l, path, made}, nil
}

// directoryOf says what is wrong with the place of a socket.
func directoryOf(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("%s has no directory to be in: %w; create %s, owned by the daemon's user (RuntimeDirectory= of a systemd unit does that)", path, reasonOf(err), dir)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory, so that %s cannot be in it", dir, path)
	}
	return nil
}

// clearSocket removes what a dead daemon has left, and nothing else.
func clearSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there and is no socket; name another path, or move it away", path)
	}
	dialer := net.Dialer{Timeout: socketTimeout}
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(fmt.Errorf("%s is in use: another ecs-autoscaler answers on it; stop that one, or give this one another path", path), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s is there, and whether somebody answers on it cannot be told: %w; remove it if nobody does", path, err)
	}
	return os.Remove(path)
}

// Close ends the listener and removes its file.
func (l *socketListener) Close() error {
	if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.made) {
		_ = os.Remove(l.path) // a socket that stays is replaced at the next start
	}
	return l.Listener.Close()
}

// reasonOf leaves out the operation and path that the message already has.
func reasonOf(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
