package web

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata and the examples in docs")

// apiDoc and metricsDoc are where people read what the tests here hold true.
const (
	apiDoc     = "../docs/api.md"
	metricsDoc = "../docs/metrics.md"
)

// asked are the requests whose answers are the examples of docs/api.md.
var asked = []struct {
	name, path, golden string
	status             int
}{
	{"the index lists every endpoint", "/", "index.txt", 200},
	{"healthz says ok", "/healthz", "healthz.txt", 200},
	{"readyz says ok after the first pass", "/readyz", "healthz.txt", 200},
	{"all targets", "/api/v1/targets", "targets.json", 200},
	{"targets of a cluster that hold for a reason, with their memory", "/api/v1/targets?cluster=flaskapp&reason=CooldownInEffect&action=hold&memory=true", "targets_memory.json", 200},
	{"targets of an action", "/api/v1/targets?action=scale_out&service=worker", "targets_scale_out.json", 200},
	{"a first page of targets", "/api/v1/targets?limit=1", "targets_page.json", 200},
	{"a filter that nothing passes", "/api/v1/targets?service=nobody", "targets_none.json", 200},
	{"one target in full", "/api/v1/targets/flaskapp/flaskapp", "target.json", 200},
	{"a target with an open activity and a shared cooldown", "/api/v1/targets/flaskapp/worker", "target_open.json", 200},
	{"a target that was never described nor decided on", "/api/v1/targets/shop/ghost", "target_unknown.json", 200},
	{"an unknown target", "/api/v1/targets/flaskapp/nobody", "target_not_found.json", 404},
	{"all decisions", "/api/v1/decisions?since=2h", "decisions.json", 200},
	{"decisions filtered", "/api/v1/decisions?cluster=flaskapp&service=worker&action=scale_out&reason=StepScalingPolicy", "decisions_filtered.json", 200},
	{"decisions of a span without any", "/api/v1/decisions?since=2025-01-01T00:00:00Z&until=2025-02-01T00:00:00%2B01:00", "decisions_none.json", 200},
	{"all activities", "/api/v1/activities", "activities.json", 200},
	{"activities filtered", "/api/v1/activities?status=Successful&direction=scale_in&until=90m&reason=LoweredToMaxCapacity", "activities_filtered.json", 200},
	{"activities that did not scale", "/api/v1/activities?include_not_scaled=true&until=2h", "activities_not_scaled.json", 200},
	{"the version", "/api/v1/version", "version.json", 200},
	{"the leases", "/api/v1/leases", "leases.json", 200},
	{"a misspelt parameter", "/api/v1/activities?state=Failed", "error_parameter.json", 400},
	{"metrics", "/metrics", "metrics.txt", 200},
}

func TestEveryAnswerIsTheGoldenOne(t *testing.T) {
	h := New(optionsOf(t, filled(t)))
	for _, c := range asked {
		t.Run(c.name, func(t *testing.T) {
			w := get(h, http.MethodGet, c.path)
			if w.Code != c.status {
				t.Errorf("GET %s is %d, want %d", c.path, w.Code, c.status)
			}
			golden(t, c.golden, pretty(t, c.golden, w.Body.Bytes()))
		})
	}
}

func TestEveryGoldenFileBelongsToARequest(t *testing.T) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	wanted := map[string]bool{"steered.json": true, "target_steered.json": true} // of rows that a person steers
	for _, c := range asked {
		wanted[c.golden] = true
	}
	for _, f := range files {
		if !wanted[filepath.Base(f)] {
			t.Errorf("%s belongs to no request of the table: remove it", f)
		}
	}
}

// pretty indents JSON and takes out the one thing that depends on who builds.
func pretty(t *testing.T, name string, body []byte) []byte {
	t.Helper()
	body = bytes.ReplaceAll(body, []byte(runtime.Version()), []byte("go1.26.8"))
	if !strings.HasSuffix(name, ".json") {
		return body
	}
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return out.Bytes()
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("differs from %s (-want +got; go test ./web -update accepts it):\n%s", path, diff)
	}
}

// example is a code block of a document that is the content of a golden file.
var example = regexp.MustCompile("(?s)<!-- golden: (\\S+) -->\n```(\\w+)\n(.*?)```\n")

func TestTheExamplesOfTheDocumentsAreTheGoldenAnswers(t *testing.T) {
	for _, doc := range []string{apiDoc, metricsDoc} {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			text = example.ReplaceAllFunc(text, func(block []byte) []byte {
				m := example.FindSubmatch(block)
				return slices.Concat([]byte("<!-- golden: "), m[1], []byte(" -->\n```"), m[2], []byte("\n"), goldenFile(t, string(m[1])), []byte("```\n"))
			})
			if err := os.WriteFile(doc, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		blocks := example.FindAllSubmatch(text, -1)
		if len(blocks) == 0 {
			t.Errorf("%s has no examples", doc)
		}
		for _, m := range blocks {
			if diff := cmp.Diff(string(goldenFile(t, string(m[1]))), string(m[3])); diff != "" {
				t.Errorf("%s: the example differs from testdata/%s (-want +got):\n%s", doc, m[1], diff)
			}
		}
	}
}

func goldenFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.TrimRight(text, "\n"), '\n')
}

func TestTheDocumentKnowsEveryEndpointAndParameter(t *testing.T) {
	text, err := os.ReadFile(apiDoc)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range (&server{}).routes() {
		if name := "`" + r.method() + " " + r.path + "`"; !bytes.Contains(text, []byte(name)) {
			t.Errorf("%s does not name %s", apiDoc, name)
		}
	}
	for _, params := range [][]parameter{targetParams, decisionParams, activityParams} {
		for _, p := range params {
			if !bytes.Contains(text, []byte("| `"+p.name+"` |")) {
				t.Errorf("%s does not explain the parameter %s", apiDoc, p.name)
			}
		}
	}
}
