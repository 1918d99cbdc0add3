package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew; review them as a diff")

// environment is what the tests' texts can refer to; HOME and the like must not matter.
func environment(name string) (string, bool) {
	value, ok := map[string]string{
		"REGION": "eu-west-2", "MIN": "2", "MAX": "8", "SERVICE": "api", "TARGET": "62.5", "DRY": "true", "EMPTY": "",
		"AWS_REGION": "eu-west-2", "ECS_CLUSTER": "prod", "MAX_TASKS": "12", "CPU_TARGET": "55",
		"SECRET": "wJalrXUtnFEMI/K7MDENG+\"bPxRfiCYEXAMPLEKEY", "SECONDS": "90s", "AUTO": "auto", "ACCOUNT": "012345678901",
		"HOOK": "T0/B0/x", "HOOK_TOKEN": "a-token-of-the-hook", "CHAT_HOOK": "T0/B0/y", "SIGNING_SECRET": "0123456789abcdef0123456789abcdef",
		"INJECTION": "x\"\n        target_value: 1\n        disable_scale_in: true # ",
	}[name]
	return value, ok
}

func TestEveryMistakeIsToldWithItsPlaceAndWhatWouldBeRight(t *testing.T) {
	for _, file := range filesOf(t, "testdata/bad/*.yaml") {
		t.Run(nameOf(file), func(t *testing.T) {
			c, found := Parse(Source{Name: nameOf(file) + ".yaml", Text: readTest(t, file)}, environment)
			if !found.HasErrors() || c != nil {
				t.Errorf("the mistake was not found; config %v, diagnostics:\n%s", c, found.Detail())
			}
			checkGolden(t, file, found)
		})
	}
}

func TestWhatIsProbablyNotMeantIsAWarningOnly(t *testing.T) {
	for _, file := range filesOf(t, "testdata/warning/*.yaml") {
		t.Run(nameOf(file), func(t *testing.T) {
			c, found := Parse(Source{Name: nameOf(file) + ".yaml", Text: readTest(t, file)}, environment)
			if c == nil || found.HasErrors() || len(found.Warnings()) == 0 {
				t.Errorf("want a config and warnings, got %v and:\n%s", c, found.Detail())
			}
			checkGolden(t, file, found)
		})
	}
}

// checkGolden compares the diagnostics with the .txt beside the .yaml.
func checkGolden(t *testing.T, file string, found Diagnostics) {
	t.Helper()
	golden := strings.TrimSuffix(file, ".yaml") + ".txt"
	got := found.Detail() + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(readTest(t, golden)), got); diff != "" {
		t.Errorf("diagnostics differ from %s (-want +got):\n%s", golden, diff)
	}
}

func filesOf(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	return files
}

func readTest(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func nameOf(file string) string { return strings.TrimSuffix(filepath.Base(file), ".yaml") }
