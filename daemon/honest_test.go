package daemon_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"ecs-autoscaler/config"
)

func TestASocketInADirectoryOfOthersIsWarnedOf(t *testing.T) {
	for _, test := range []struct {
		mode os.FileMode
		want int
	}{{0o777, 1}, {0o775, 1}, {0o755, 0}, {0o700, 0}, {0o777 | os.ModeSticky, 0}} {
		dir := t.TempDir()
		if err := os.Chmod(dir, test.mode); err != nil {
			t.Fatal(err)
		}
		core, logs := observer.New(zap.WarnLevel)
		running(t, settings(t, dir, "listen: \"\"\ncontrol_socket: c.sock\n"), zap.New(core), nil)
		if got := logs.FilterMessageSnippet("others may write to the directory of control_socket").Len(); got != test.want {
			t.Errorf("in a directory of mode %s there are %d warnings, want %d", test.mode, got, test.want)
		}
	}
}

// Accounts hold after a restart only, so a reload that brings one with its targets cannot take those up.
func TestAReloadThatCannotTakeUpAClusterSaysSo(t *testing.T) {
	dir := t.TempDir()
	c := settings(t, dir, "listen: \"\"\ncontrol_socket: c.sock\n")
	next := settings(t, dir, "listen: \"\"\ncontrol_socket: c.sock\naccounts: [{name: other, region: eu-west-1}]\n")
	next.Targets = slices.Clone(next.Targets)
	next.Targets[0].Account = "other"
	running(t, c, zap.NewNop(), func() (*config.Config, error) { return next, nil })
	client := overSocket(t, filepath.Join(dir, "c.sock"))
	code, body, _ := status(t, client, http.MethodPost, "http://localhost/api/v1/reload", nil)
	if code != 500 || !strings.Contains(body, `"code":"reload_incomplete"`) || !strings.Contains(body, "the targets of account other: accounts hold after a restart only") {
		t.Errorf("the reload is answered %d %s", code, body)
	}
	if _, metrics, _ := status(t, client, http.MethodGet, "http://localhost/metrics", nil); !strings.Contains(metrics, "ecs_autoscaler_config_last_reload_successful 0") {
		t.Error("the metric says that it was successful")
	}
}
