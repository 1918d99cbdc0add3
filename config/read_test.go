package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func emptyEnvironment(string) (string, bool) { return "", false }

func TestTheFlagBeatsTheEnvironmentAndThatTheDefaultFile(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("flag.yaml", "from: flag")
	write(DefaultFile, "from: default")
	set := func(name string) (string, bool) { return "from: environment", name == EnvironmentVariable }
	blank := func(name string) (string, bool) { return " \n", name == EnvironmentVariable }
	for _, r := range []struct {
		flag       string
		env        func(string) (string, bool)
		name, text string
	}{
		{"flag.yaml", set, "flag.yaml", "from: flag"},
		{"", set, EnvironmentVariable, "from: environment"},
		{"", blank, DefaultFile, "from: default"},
		{"", emptyEnvironment, DefaultFile, "from: default"},
	} {
		src, err := Read(r.flag, r.env)
		if err != nil || src.Name != r.name || string(src.Text) != r.text {
			t.Errorf("flag %q: got %s %q %v, want %s %q", r.flag, src.Name, src.Text, err, r.name, r.text)
		}
	}
}

func TestReadSaysWhereItLookedAndWhatToDo(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	_, err := Read("", emptyEnvironment)
	for _, want := range []string{"--config", EnvironmentVariable, DefaultFile, "create one"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without any configuration: %v, want it to name %s", err, want)
		}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	if _, err := Read("missing.yaml", emptyEnvironment); err == nil || !strings.Contains(err.Error(), "missing.yaml (named by --config) cannot be opened") {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Read(dir, emptyEnvironment); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("directory: %v", err)
	}
}

func TestAHugeFileIsNotReadToItsEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge.yaml")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(1<<40), f.Close()); err != nil {
		t.Fatal(err)
	}
	src, err := Read(path, emptyEnvironment)
	if err != nil || len(src.Text) != MaxBytes+1 {
		t.Fatalf("read %d bytes, %v", len(src.Text), err)
	}
	c, found := Parse(src, emptyEnvironment)
	if c != nil || len(found) != 1 || !strings.Contains(found[0].String(), "huge.yaml: error: the text has more than") {
		t.Errorf("got %v %v", c, found)
	}
}

func TestAPathInTheVariableForTheTextIsNamedAsSuch(t *testing.T) {
	_, found := Parse(Source{Name: EnvironmentVariable, Text: []byte("/etc/ecs-autoscaler.yaml")}, emptyEnvironment)
	if len(found) != 1 || !strings.Contains(found[0].Message, "not the path of a file") {
		t.Errorf("got %v", found)
	}
}
