package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ecs-autoscaler/sim"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ecs-autoscaler": main})
}

// Each verb is tried as a user would: see testdata/script.
func TestVerbs(t *testing.T) {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	receiver, received := receive()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("EXAMPLES", examples)
			env.Setenv("DAEMON_ADDRESS", freeAddress(t))
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("AWS_CONFIG_FILE", filepath.Join(env.WorkDir, "aws-config"))
			env.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(env.WorkDir, "aws-credentials"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"region":     startRegion,
			"signal":     signalNewest,
			"receiver":   receiver,
			"received":   received,
			"await-file": awaitFile,
			"await":      func(ts *testscript.TestScript, neg bool, args []string) { await(ts, neg, args, 2) },
			"await-metric": func(ts *testscript.TestScript, neg bool, args []string) {
				await(ts, neg, append([]string{""}, args...), 2)
			},
			"alter": alter,
		},
	})
}

// ago is an instant of a scenario that depends on when the script runs.
var ago = regexp.MustCompile(`AGO\((\w+)\)`)

// startRegion serves a scenario file in this process until the script ends, and points the SDK's environment at it. In the file
// AGO(10m) is the time ten minutes ago.
func startRegion(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: region FILE")
	}
	text := ago.ReplaceAllStringFunc(ts.ReadFile(args[0]), func(m string) string {
		span, err := time.ParseDuration(ago.FindStringSubmatch(m)[1])
		ts.Check(err)
		return time.Now().UTC().Add(-span).Format(time.RFC3339)
	})
	scenario, err := sim.ParseScenario(args[0], []byte(text), os.DirFS(ts.Getenv("WORK")))
	ts.Check(err)
	region, err := sim.New(scenario, time.Now)
	ts.Check(err)
	server := httptest.NewServer(region)
	ts.Defer(server.Close)
	ts.Setenv("REGION_ADDRESS", server.Listener.Addr().String())
	ts.Setenv("AWS_ENDPOINT_URL", server.URL)
	ts.Setenv("AWS_REGION", scenario.Region())
	ts.Setenv("AWS_ACCESS_KEY_ID", "x")
	ts.Setenv("AWS_SECRET_ACCESS_KEY", "x")
}

// signalNewest sends a signal to the command started last in the background: signal HUP | INT | TERM.
func signalNewest(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "TERM": syscall.SIGTERM}
	if neg || len(args) != 1 || signals[args[0]] == 0 {
		ts.Fatalf("usage: signal HUP | INT | TERM")
	}
	commands := ts.BackgroundCmds()
	ts.Check(commands[len(commands)-1].Process.Signal(signals[args[0]]))
}

// freeAddress is a loopback address that nobody listened on a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// awaitFile waits until what a command in the background has written matches: await-file FILE PATTERN.
func awaitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await-file FILE PATTERN")
	}
	pattern := regexp.MustCompile(args[1])
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last []byte
	for range 500 { // ten seconds
		if last, _ = os.ReadFile(ts.MkAbs(args[0])); pattern.Match(last) {
			return
		}
		<-tick.C
	}
	ts.Fatalf("%s never matched %s; at last it was\n%s", args[0], args[1], last)
}

// await asks the daemon until its answer matches: await PATH PATTERN for a path of the API, await-metric PATTERN for
// the metrics.
func await(ts *testscript.TestScript, neg bool, args []string, want int) {
	if neg || len(args) != want {
		ts.Fatalf("usage: await PATH PATTERN | await-metric PATTERN")
	}
	url := "http://" + ts.Getenv("DAEMON_ADDRESS") + "/api/v1/" + args[0]
	if args[0] == "" {
		url = "http://" + ts.Getenv("DAEMON_ADDRESS") + "/metrics"
	}
	pattern := regexp.MustCompile(args[1])
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last string
	for range 500 { // ten seconds
		if resp, err := http.Get(url); err == nil {
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if last = string(body); pattern.MatchString(last) {
				return
			}
		}
		<-tick.C
	}
	ts.Fatalf("%s never matched %s; at last it was\n%s", url, args[1], last)
}

// alter changes the first place in a file that has a text: alter FILE OLD NEW.
func alter(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: alter FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	altered := strings.Replace(text, args[1], args[2], 1)
	if altered == text {
		ts.Fatalf("%s does not have %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(altered), 0o600))
}
