package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// The places where a configuration is looked for when no flag names one.
const (
	EnvironmentVariable = "ECS_AUTOSCALER_CONFIG"
	DefaultFile         = "ecs-autoscaler.yaml"
)

// Source is a configuration text and the name by which messages call it: a path, or the
// environment variable that it stands in.
type Source struct {
	Name string
	Text []byte
}

// Read finds the configuration: the file named by flag (--config) if any, else the text in
// ECS_AUTOSCALER_CONFIG, else ecs-autoscaler.yaml in the working directory. Its errors say where
// it looked and what to do.
func Read(flag string, env func(string) (string, bool)) (Source, error) {
	if flag != "" {
		return readFile(flag, "named by --config")
	}
	if text, ok := env(EnvironmentVariable); ok && strings.TrimSpace(text) != "" {
		return Source{Name: EnvironmentVariable, Text: []byte(text)}, nil
	}
	src, err := readFile(DefaultFile, "looked for because --config is not given and "+EnvironmentVariable+" is empty")
	if errors.Is(err, fs.ErrNotExist) {
		return Source{}, nowhereError{}
	}
	return src, err
}

// nowhereError says that no configuration exists; errors.Is finds fs.ErrNotExist in it.
type nowhereError struct{}

func (nowhereError) Error() string {
	return fmt.Sprintf("no configuration: --config is not given, %s is empty, and there is no %s in the working directory; name a file with --config or create one (docs/configuration.md)",
		EnvironmentVariable, DefaultFile)
}

func (nowhereError) Unwrap() error { return fs.ErrNotExist }

// readFile is ReadFile for a configuration; why is how its path came about.
func readFile(path, why string) (Source, error) {
	src, err := ReadFile(path)
	switch {
	case err == nil:
		return src, nil
	case errors.Is(err, syscall.EISDIR):
		return Source{}, fmt.Errorf("%s (%s) is a directory; name the file, for example %s/%s", path, why, strings.TrimSuffix(path, "/"), DefaultFile)
	}
	return Source{}, fmt.Errorf("the configuration file %s (%s) cannot be opened: %w; check the path and its permissions", path, why, reasonOf(err))
}

// ReadFile reads no more of a file than a text may have (MaxBytes, and one byte that tells of more), whatever the path
// leads to. A named pipe is not waited for: one that nobody writes to is empty. Errors are *fs.PathError.
func ReadFile(path string) (Source, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return Source{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	return Source{Name: path, Text: text}, err
}

// reasonOf leaves out the operation and path that the message already has.
func reasonOf(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
