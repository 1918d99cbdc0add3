package daemon

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"ecs-autoscaler/config"
)

// The umask is the whole process's, so these tests run one after the other.
func TestWhatTheDaemonMakesIsItsOwnersAloneWhateverTheUmask(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077, 0o177} {
		dir := t.TempDir()
		before := syscall.Umask(umask)
		modes := modesOfWhatIsMade(t, dir)
		syscall.Umask(before)
		for name, mode := range modes {
			if mode.Perm() != 0o600 {
				t.Errorf("umask %03o: %s has mode %04o, want 0600", umask, name, mode.Perm())
			}
		}
		if len(modes) != 2 {
			t.Errorf("umask %03o: %v; want state and socket, and no draft left", umask, modes)
		}
	}
}

func modesOfWhatIsMade(t *testing.T, dir string) map[string]os.FileMode {
	t.Helper()
	s, _, err := OpenState(t.Context(), Options{Config: &config.Config{State: config.State{Kind: config.StateFile, Path: filepath.Join(dir, "state.db")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := openSocket(t.Context(), filepath.Join(dir, "c.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]os.FileMode{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		modes[e.Name()] = info.Mode()
	}
	return modes
}

func TestASocketIsClosedToOthersBeforeItHasAName(t *testing.T) {
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := closeToOthers("", "", control(fd)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("born with %v, %v", info, err)
	}
}

// control is a raw connection of which only Control is used.
type control int

func (c control) Control(f func(uintptr)) error { f(uintptr(c)); return nil }

func (control) Read(func(uintptr) bool) error { return nil }

func (control) Write(func(uintptr) bool) error { return nil }
