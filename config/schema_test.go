package config

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// complete are the trees of testdata/complete, which together have every key of the file format
// and which tests break in every place. JSON brings a tree back: every JSON text is YAML.
func complete(t *testing.T) map[string]map[string]any {
	t.Helper()
	trees := map[string]map[string]any{}
	for _, file := range filesOf(t, "testdata/complete/*.yaml") {
		var tree map[string]any
		if err := yaml.Unmarshal(readTest(t, file), &tree); err != nil {
			t.Fatal(err)
		}
		trees[nameOf(file)] = tree
	}
	return trees
}

// everyKeyOf visits every key of the complete trees.
func everyKeyOf(t *testing.T, visit func(tree map[string]any, path string, m map[string]any, key string)) {
	t.Helper()
	for name, tree := range complete(t) {
		everyKey(name, tree, func(path string, m map[string]any, key string) { visit(tree, path, m, key) })
	}
}

// parseTree parses a tree and says what was found.
func parseTree(t *testing.T, tree any) (*Config, Diagnostics) {
	t.Helper()
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return Parse(Source{Name: "tree", Text: text}, environment)
}

// everyKey visits every mapping of a tree with each of its keys.
func everyKey(path string, node any, visit func(path string, m map[string]any, key string)) {
	switch n := node.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(n)) {
			visit(path+"."+key, n, key)
			everyKey(path+"."+key, n[key], visit)
		}
	case []any:
		for _, e := range n {
			everyKey(path+"[]", e, visit)
		}
	}
}

// free are the mappings whose keys the user chooses.
func free(path string) bool {
	return strings.Contains(path, ".tags.") || strings.Contains(path, ".dimensions.") || strings.Contains(path, ".headers.")
}

func TestTheCompleteFilesAreRight(t *testing.T) {
	for name, tree := range complete(t) {
		if c, found := parseTree(t, tree); c == nil || len(found) > 0 {
			t.Errorf("%s:\n%s", name, found.Detail())
		}
		parse(t, string(readTest(t, "testdata/complete/"+name+".yaml")))
	}
}

func TestTheCompleteFilesHaveEveryKey(t *testing.T) {
	have := map[string]bool{}
	everyKeyOf(t, func(_ map[string]any, _ string, _ map[string]any, key string) { have[key] = true })
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, m := range regexp.MustCompile(`\b(?:read|need)\([a-z.]+, "([a-z_]+)"`).FindAllSubmatch(readTest(t, file), -1) {
			if !have[string(m[1])] {
				t.Errorf("the key %s of %s does not stand in testdata/complete", m[1], file)
			}
		}
	}
}

func TestNoKeyTakesAValueOfAnotherType(t *testing.T) {
	everyKeyOf(t, func(tree map[string]any, path string, m map[string]any, key string) {
		right := m[key]
		defer func() { m[key] = right }()
		for _, wrong := range []any{map[string]any{"x": 1}, []any{[]any{1}}, "no such thing\n", "", nil, -7.25, true} {
			m[key] = wrong
			c, found := parseTree(t, tree)
			if (c == nil) != found.HasErrors() {
				t.Fatalf("%s = %#v: config %v with\n%s", path, wrong, c, found.Detail())
			}
			if _, isText := right.(string); c != nil && !accepts(path, wrong, isText) {
				t.Errorf("%s = %#v is accepted instead of %#v", path, wrong, right)
			}
		}
	})
}

// accepts are the exceptions: what is right although it looks wrong.
func accepts(path string, value any, text bool) bool {
	key := path[strings.LastIndex(path, ".")+1:]
	switch v := value.(type) {
	case nil:
		return strings.HasPrefix(key, "metric_interval_")
	case bool:
		return boolean(key)
	case float64:
		return key == "threshold" || strings.HasPrefix(key, "metric_interval_")
	case string:
		return key == "label" || v == "" && text && (key == "listen" || strings.Contains(path, ".tags."))
	}
	return false
}

func boolean(key string) bool {
	return key == "dry_run" || key == "pprof" || key == "return_data" || strings.HasPrefix(key, "scale_in_during") || strings.HasSuffix(key, "_suspended") ||
		key == "disable_scale_in" || key == "start_switched_off_services" || key == "flap_guard"
}

func TestEveryMisspeltKeyIsUnknownAndTheRightOneIsSuggested(t *testing.T) {
	everyKeyOf(t, func(tree map[string]any, path string, m map[string]any, key string) {
		if free(path) {
			return
		}
		right := m[key]
		misspelt := key[:1] + key
		delete(m, key)
		m[misspelt] = right
		_, found := parseTree(t, tree)
		if !strings.Contains(found.Detail(), "unknown key \""+misspelt+"\"") || !strings.Contains(found.Detail(), "did you mean \""+key+"\"?") {
			t.Errorf("%s: %s", path, found.Detail())
		}
		delete(m, misspelt)
		m[key] = right
	})
}

func TestLeavingAKeyOutIsRightOrSaysWhatIsMissing(t *testing.T) {
	says := regexp.MustCompile(`is missing|needs|has no metric|names no metric|empty|belongs to|must not exceed|exactly one|a second step|no entry of metrics|but no entry|only one|must be open`)
	everyKeyOf(t, func(tree map[string]any, path string, m map[string]any, key string) {
		right := m[key]
		delete(m, key)
		if _, found := parseTree(t, tree); found.HasErrors() && !says.MatchString(found.Detail()) {
			t.Errorf("without %s:\n%s", path, found.Detail())
		}
		m[key] = right
	})
}
