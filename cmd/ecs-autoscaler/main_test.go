package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
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
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("EXAMPLES", examples)
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("AWS_CONFIG_FILE", filepath.Join(env.WorkDir, "aws-config"))
			env.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(env.WorkDir, "aws-credentials"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"region": startRegion,
		},
	})
}

// startRegion serves a scenario file in this process until the script ends, and points the SDK's environment at it.
func startRegion(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: region FILE")
	}
	scenario, err := sim.ParseScenario(args[0], []byte(ts.ReadFile(args[0])), os.DirFS(ts.Getenv("WORK")))
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
