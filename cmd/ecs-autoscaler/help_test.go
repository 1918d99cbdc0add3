package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// word is one of a command line, in quotes or not.
var word = regexp.MustCompile(`"[^"]*"|'[^']*'|[^ ]+`)

// example is the words of one line of an example, without what the shell does with it; nil for a line of something else.
func example(line string) []string {
	for _, shell := range []string{" > ", " # ", " & "} {
		line, _, _ = strings.Cut(line, shell)
	}
	words := word.FindAllString(strings.TrimSpace(line), -1)
	if len(words) == 0 || words[0] != "ecs-autoscaler" {
		return nil
	}
	for i := range words {
		words[i] = strings.Trim(words[i], `"'`)
	}
	return words[1:]
}

// What the help shows must work as it stands. Verbs that answer are run, of those that need an account or serve for ever
// the flags are read.
func TestEveryExampleOfTheHelpWorks(t *testing.T) {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	text, err := os.ReadFile(filepath.Join(examples, "flaskapp", "target-tracking.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("ecs-autoscaler.yaml", text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(examples, "examples"); err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{"schedule": `(?m)^\w{3} \d{4}-.*Z  in `, "validate": `valid`, "test": `passed, 0 failed|<testsuites`}
	tried := 0
	for _, verb := range newRoot().Commands() {
		for line := range strings.Lines(verb.Example) {
			args := example(line)
			if args == nil {
				continue
			}
			tried++
			if answer := answers[verb.Name()]; answer != "" && !slices.Contains(args, "--aws") {
				checkExample(t, args, answer)
				continue
			}
			checkFlags(t, args)
		}
	}
	if tried < 10 {
		t.Errorf("found %d examples", tried)
	}
}

// checkExample runs an example and looks for an answer on stdout, and for nothing on stderr.
func checkExample(t *testing.T, args []string, answer string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	if err := root.Execute(); err != nil || stderr.Len() > 0 || !regexp.MustCompile(answer).MatchString(stdout.String()) {
		t.Errorf("%q: %v\n%s%s", args, err, stdout.String(), stderr.String())
	}
}

// checkFlags reads the flags and arguments of an example.
func checkFlags(t *testing.T, args []string) {
	t.Helper()
	var verb *cobra.Command
	verb, rest, err := newRoot().Find(args)
	if err == nil {
		err = verb.ParseFlags(rest)
	}
	if err == nil {
		err = verb.ValidateArgs(verb.Flags().Args())
	}
	if err != nil {
		t.Errorf("%q: %v", args, err)
	}
}
